//! Faults between an informer and a real API server: each is survived, and the cache ends equal to a fresh list.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use tidegate_informer::{
    Client, ClientOptions, Event, Gvr, Informer, InformerFactory, Phase, Source, from_fn,
};
use tidegate_testcluster::{Cluster, FaultProxy, Options, Server, User, on_both};
use tokio::time::{Instant, sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);

on_both! {
    a_killed_api_server_is_resumed_without_a_relist,
    forgotten_history_is_listed_again,
    half_open_connections_are_noticed_in_ten_seconds,
    rotated_tokens_are_read_again,
    an_etcd_restart_is_survived,
    absent_resources_are_waited_for,
}

async fn own_cluster(server: Server) -> Cluster {
    let options = Options {
        server,
        controller_manager: false,
        ..Options::default()
    };
    Cluster::start_with(options)
        .await
        .expect("the test cluster starts")
}

async fn factory(kubeconfig: PathBuf) -> InformerFactory {
    let source = Source::Kubeconfig {
        path: Some(kubeconfig),
        context: None,
        cluster: None,
        user: None,
    };
    InformerFactory::new(
        Client::connect(source, ClientOptions::default())
            .await
            .expect("a client"),
    )
}

async fn synced(factory: &InformerFactory, group: &str, resource: &str) -> Informer {
    let informer = factory
        .for_resource(Gvr::new(group, "v1", resource))
        .start();
    timeout(PATIENCE, informer.synced())
        .await
        .expect("in time")
        .expect("in sync");
    informer
}

async fn put(cluster: &Cluster, name: &str, value: &str) {
    let document = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\ndata: {{value: '{value}'}}\n"
    );
    cluster.apply(&document).await.expect("applied");
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if holds() {
            return began.elapsed();
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

/// The cache holds what kubectl lists.
async fn equals_a_fresh_list(cluster: &Cluster, informer: &Informer, resource: &str) {
    let mut last = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..100 {
        let template = r#"{range .items[*]}{.metadata.namespace}/{.metadata.name}@{.metadata.resourceVersion}{"\n"}{end}"#;
        let output = cluster
            .kubectl(&["get", resource, "-A", "-o", &format!("jsonpath={template}")])
            .await
            .expect("listed");
        let listed: BTreeMap<String, String> = output
            .stdout
            .lines()
            .filter_map(|line| line.split_once('@'))
            .map(|(key, version)| (key.trim_start_matches('/').to_owned(), version.to_owned()))
            .collect();
        let snapshot = informer.snapshot();
        let cached = snapshot
            .iter()
            .map(|object| {
                (
                    object.key().to_string(),
                    object.resource_version().to_string(),
                )
            })
            .collect();
        if listed == cached {
            return;
        }
        last = (listed, cached);
        sleep(Duration::from_millis(100)).await;
    }
    panic!("the cache differs from a list: {last:?}");
}

fn value(informer: &Informer, name: &str) -> Option<String> {
    informer
        .get(Some("default"), name)?
        .pointer("/data/value")
        .expect("it decodes")
}

/// Full pictures beyond the first that nothing forced: a restarted API server may have lost its history, and says so.
fn needless_relists(factory: &InformerFactory, resource: &str) -> u64 {
    let metrics = factory.metrics();
    let of_resource = metrics
        .informers
        .iter()
        .filter(|one| one.labels.contains(resource));
    let reasons = of_resource.flat_map(|one| &one.relists);
    reasons
        .filter(|(reason, _)| !matches!(**reason, "first" | "expired"))
        .map(|(_, count)| count)
        .sum()
}

fn relists(factory: &InformerFactory, resource: &str) -> u64 {
    let metrics = factory.metrics();
    let of_resource = metrics
        .informers
        .iter()
        .filter(|one| one.labels.contains(resource));
    of_resource.flat_map(|one| one.relists.values()).sum()
}

async fn a_killed_api_server_is_resumed_without_a_relist(server: Server) {
    let cluster = own_cluster(server).await;
    let factory = factory(cluster.kubeconfig().to_owned()).await;
    let informer = synced(&factory, "", "configmaps").await;
    put(&cluster, "a", "1").await;
    eventually("the first write", || {
        value(&informer, "a").as_deref() == Some("1")
    })
    .await;
    cluster.apiserver().kill().await.expect("killed");
    eventually("it is noticed", || informer.status().failure.is_some()).await;
    assert_eq!(
        value(&informer, "a").as_deref(),
        Some("1"),
        "the cache stays readable"
    );
    cluster.apiserver().start().await.expect("started");
    put(&cluster, "a", "2").await;
    eventually("the second write", || {
        value(&informer, "a").as_deref() == Some("2")
    })
    .await;
    equals_a_fresh_list(&cluster, &informer, "configmaps").await;
    assert_eq!(needless_relists(&factory, "configmaps"), 0);
}

async fn forgotten_history_is_listed_again(server: Server) {
    let cluster = own_cluster(server).await;
    let proxy = FaultProxy::start(cluster.address()).await.expect("a proxy");
    let kubeconfig = cluster
        .kubeconfig_via(User::Admin, proxy.address())
        .await
        .expect("a kubeconfig");
    let factory = factory(kubeconfig).await;
    let informer = synced(&factory, "", "configmaps").await;
    put(&cluster, "goes", "1").await;
    put(&cluster, "stays", "1").await;
    eventually("the first writes", || value(&informer, "stays").is_some()).await;
    let (send, mut events) = tokio::sync::mpsc::unbounded_channel();
    let _registration = informer.add_handler(from_fn(move |event| drop(send.send(event))));

    proxy.refuse();
    proxy.cut();
    put(&cluster, "stays", "2").await;
    cluster
        .kubectl(&["delete", "configmap", "goes", "-n", "default"])
        .await
        .expect("deleted");
    put(&cluster, "comes", "1").await;
    cluster.forget_history().await.expect("forgotten");
    proxy.resume();

    eventually("the last write", || value(&informer, "comes").is_some()).await;
    equals_a_fresh_list(&cluster, &informer, "configmaps").await;
    assert_eq!(relists(&factory, "configmaps"), 2);
    let mut deleted = Vec::new();
    while let Ok(Some(event)) = timeout(Duration::from_secs(2), events.recv()).await {
        if let Event::Deleted {
            object,
            final_state_unknown,
        } = event
        {
            deleted.push((object.name().to_owned(), final_state_unknown));
        }
    }
    assert_eq!(deleted, [("goes".to_owned(), true)]);
}

async fn half_open_connections_are_noticed_in_ten_seconds(server: Server) {
    let cluster = own_cluster(server).await;
    let proxy = FaultProxy::start(cluster.address()).await.expect("a proxy");
    let kubeconfig = cluster
        .kubeconfig_via(User::Admin, proxy.address())
        .await
        .expect("a kubeconfig");
    let factory = factory(kubeconfig).await;
    let informer = synced(&factory, "", "configmaps").await;
    proxy.stall();
    let noticed = eventually("it is noticed", || informer.status().failure.is_some()).await;
    assert!(noticed <= Duration::from_secs(10), "{noticed:?}");
    put(&cluster, "meanwhile", "1").await;
    proxy.resume();
    eventually("the write", || value(&informer, "meanwhile").is_some()).await;
    assert_eq!(relists(&factory, "configmaps"), 1, "only the first picture");
}

async fn rotated_tokens_are_read_again(server: Server) {
    let cluster = own_cluster(server).await;
    let factory = factory(cluster.kubeconfig_of(User::Rotating).to_owned()).await;
    let informer = synced(&factory, "", "configmaps").await;
    cluster.rotate_token(User::Rotating).await.expect("rotated");
    cluster.apiserver().restart().await.expect("restarted");
    put(&cluster, "after", "1").await;
    eventually("the write", || value(&informer, "after").is_some()).await;
    assert_eq!(needless_relists(&factory, "configmaps"), 0);
}

async fn an_etcd_restart_is_survived(server: Server) {
    let cluster = own_cluster(server).await;
    let factory = factory(cluster.kubeconfig().to_owned()).await;
    let informer = synced(&factory, "", "configmaps").await;
    cluster.restart_etcd().await.expect("restarted");
    put(&cluster, "after", "1").await;
    eventually("the write", || value(&informer, "after").is_some()).await;
    equals_a_fresh_list(&cluster, &informer, "configmaps").await;
}

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tides.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: tides, singular: tide, kind: Tide}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";
const TIDE: &str =
    "apiVersion: example.com/v1\nkind: Tide\nmetadata: {name: high, namespace: default}\n";

async fn define(cluster: &Cluster) {
    cluster.apply(DEFINITION).await.expect("defined");
    let wait = [
        "wait",
        "--for=condition=Established",
        "crd/tides.example.com",
        "--timeout=30s",
    ];
    cluster.kubectl(&wait).await.expect("established");
}

/// Discovery lags behind `Established`, and kubectl asks discovery.
async fn put_tide(cluster: &Cluster) {
    for _ in 0..50 {
        if cluster.apply(TIDE).await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(200)).await;
    }
    panic!("the custom resource was never accepted");
}

async fn absent_resources_are_waited_for(server: Server) {
    let cluster = own_cluster(server).await;
    let factory = factory(cluster.kubeconfig().to_owned()).await;
    let informer = factory
        .for_resource(Gvr::new("example.com", "v1", "tides"))
        .start();
    let status = timeout(PATIENCE, informer.settled())
        .await
        .expect("in time");
    assert_eq!(status.phase, Phase::Absent);
    let (send, mut events) = tokio::sync::mpsc::unbounded_channel();
    let registration = informer.add_handler(from_fn(move |event| drop(send.send(event))));

    for round in 0..2 {
        define(&cluster).await;
        timeout(Duration::from_secs(5), informer.synced())
            .await
            .expect("soon after it is established")
            .expect("in sync");
        put_tide(&cluster).await;
        eventually("the object", || informer.snapshot().len() == 1).await;
        cluster
            .kubectl(&["delete", "crd", "tides.example.com"])
            .await
            .expect("deleted");
        eventually("it is gone", || informer.status().phase == Phase::Absent).await;
        assert!(informer.snapshot().is_empty(), "round {round}");
    }
    eventually("the handler has caught up", || registration.depth() == 0).await;
    drop(registration);
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        told.push(match event {
            Event::Added { .. } => "added",
            Event::Updated { .. } => "updated",
            Event::Deleted { .. } => "deleted",
            Event::Synced => "synced",
        });
    }
    told.retain(|event| *event != "updated");
    assert_eq!(told, ["synced", "added", "deleted", "added", "deleted"]);
}
