//! Contestants: kube-rs's reflector of dynamic objects or of typed Pods, with a consumer of its stream in place of an
//! event handler (kube-rs tells consumers neither old objects nor which are initial).
//!
//! Says on stdout what all contestants say; see the README beside.

use std::{collections::HashMap, fmt::Debug, hash::Hash};

use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use futures::StreamExt as _;
use informer_bench_protocol::{Session, TIMESTAMP};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config, Resource, ResourceExt as _,
    core::{ApiResource, DynamicObject, GroupVersionKind},
    runtime::{WatchStreamExt as _, reflector, watcher},
};
use serde::de::DeserializeOwned;

/// Caches one resource and answers signals about it.
#[derive(Debug, Parser)]
struct Args {
    /// URL of the API server
    #[arg(long)]
    server: String,
    /// pods, deployments or endpointslices; only pods with --kind typed
    #[arg(long, default_value = "pods")]
    resource: String,
    /// Only this namespace
    #[arg(long)]
    namespace: Option<String>,
    /// What objects are decoded to
    #[arg(long, value_enum, default_value_t = Kind::Dynamic)]
    kind: Kind,
    /// How the first picture is fetched
    #[arg(long, value_enum, default_value_t = Initial::Stream)]
    initial: Initial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Dynamic,
    Typed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Initial {
    /// Streaming list
    Stream,
    /// Paged list, kube-rs's default
    List,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let session = Session::start().await.context("start")?;
    let client = Client::try_from(Config::new(args.server.parse().context("server")?))
        .context("make client")?;
    let stopped = session.clone();
    tokio::select! {
        ended = follow(&args, client, session) => ended,
        stopped = stopped.until_stopped() => stopped.context("wait for the end"),
    }
}

async fn follow(args: &Args, client: Client, session: Session) -> anyhow::Result<()> {
    let resource = resource(&args.resource)?;
    let namespace = args.namespace.as_deref();
    match args.kind {
        Kind::Typed if args.resource != "pods" => bail!("only pods are known as a type"),
        Kind::Typed => {
            let api: Api<Pod> = namespace.map_or_else(
                || Api::all(client.clone()),
                |n| Api::namespaced(client.clone(), n),
            );
            reflect(api, (), args, session).await
        }
        Kind::Dynamic => {
            let api: Api<DynamicObject> = namespace.map_or_else(
                || Api::all_with(client.clone(), &resource),
                |n| Api::namespaced_with(client.clone(), n, &resource),
            );
            reflect(api, resource.clone(), args, session).await
        }
    }
}

fn resource(name: &str) -> anyhow::Result<ApiResource> {
    let kind = match name {
        "pods" => GroupVersionKind::gvk("", "v1", "Pod"),
        "deployments" => GroupVersionKind::gvk("apps", "v1", "Deployment"),
        "endpointslices" => GroupVersionKind::gvk("discovery.k8s.io", "v1", "EndpointSlice"),
        other => bail!("unknown resource {other:?}"),
    };
    Ok(ApiResource::from_gvk_with_plural(&kind, name))
}

/// Runs the reflector for good. Updates are told from repetitions at a relist by their timestamp.
async fn reflect<K>(
    api: Api<K>,
    dynamic: K::DynamicType,
    args: &Args,
    session: Session,
) -> anyhow::Result<()>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone + Debug,
{
    let writer = reflector::store::Writer::new(dynamic);
    let store = writer.as_reader();
    let config = match args.initial {
        Initial::Stream => watcher::Config::default().streaming_lists(),
        Initial::List => watcher::Config::default(),
    };
    let events = watcher(api, config).default_backoff().reflect(writer);
    futures::pin_mut!(events);
    let mut synced = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::InitApply(_)) if !synced => session.added(),
            Ok(watcher::Event::Apply(object)) => {
                if let Some(timestamp) = object.annotations().get(TIMESTAMP) {
                    session.updated(timestamp);
                }
            }
            Ok(watcher::Event::InitDone) if !synced => {
                synced = true;
                session.synced().context("report")?;
                check_reads(&store)?;
            }
            // The watcher retries by itself; expired watches are part of the benchmark.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Reads by namespace, as the other contestants' listers do.
fn check_reads<K>(store: &reflector::Store<K>) -> anyhow::Result<()>
where
    K: Resource + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let mut namespaces = HashMap::<Option<String>, usize>::new();
    for object in store.state() {
        *namespaces.entry(object.namespace()).or_default() += 1;
    }
    anyhow::ensure!(
        !namespaces.is_empty() || store.is_empty(),
        "the store cannot be read"
    );
    Ok(())
}
