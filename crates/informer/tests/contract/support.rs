//! What the contract tests share: a cluster, writes to it, and patience.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tidegate_informer::{
    Client, ClientOptions, Event, Gvr, Handler, Informer, InformerFactory, Object, ResourceVersion,
    Source, from_fn,
};
use tidegate_testcluster::{Cluster, Server, User};
use tokio::time::timeout;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn cluster(server: Server) -> &'static Cluster {
    Cluster::shared_on(server)
        .await
        .expect("the test cluster starts")
}

pub(crate) async fn factory_of(server: Server, user: User) -> InformerFactory {
    let path = Some(cluster(server).await.kubeconfig_of(user).to_owned());
    let source = Source::Kubeconfig {
        path,
        context: None,
        cluster: None,
        user: None,
    };
    let client = Client::connect(source, ClientOptions::default())
        .await
        .expect("a client");
    InformerFactory::new(client)
}

pub(crate) fn config_maps() -> Gvr {
    Gvr::new("", "v1", "configmaps")
}

/// ConfigMaps with the label `test=yes` of one new namespace, in sync.
pub(crate) async fn fresh(
    server: Server,
    factory: &InformerFactory,
    prefix: &str,
) -> (String, Informer) {
    let namespace = cluster(server)
        .await
        .namespace(prefix)
        .await
        .expect("a namespace");
    let informer = factory
        .for_resource(config_maps())
        .namespace(&namespace)
        .labels("test=yes")
        .start();
    timeout(PATIENCE, informer.synced())
        .await
        .expect("in time")
        .expect("in sync");
    (namespace, informer)
}

/// Creates or changes ConfigMaps; answers the version of the last.
pub(crate) async fn write(
    server: Server,
    namespace: &str,
    names: &[&str],
    value: &str,
) -> ResourceVersion {
    let documents: Vec<String> = names
        .iter()
        .map(|name| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{test: 'yes'}}}}\ndata: {{value: '{value}'}}\n")
        })
        .collect();
    let cluster = cluster(server).await;
    cluster
        .apply(&documents.join("---\n"))
        .await
        .expect("applied");
    let last = names.last().expect("a name");
    let version = cluster
        .kubectl(&[
            "get",
            "configmap",
            last,
            "-n",
            namespace,
            "-o",
            "jsonpath={.metadata.resourceVersion}",
        ])
        .await
        .expect("it is there");
    ResourceVersion::parse(version.stdout.trim()).expect("a version")
}

pub(crate) async fn remove(server: Server, namespace: &str, name: &str) {
    cluster(server)
        .await
        .kubectl(&["delete", "configmap", name, "-n", namespace])
        .await
        .expect("deleted");
}

pub(crate) async fn reach(informer: &Informer, version: &ResourceVersion) {
    timeout(PATIENCE, informer.reached(version))
        .await
        .expect("in time")
        .expect("reached");
}

pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// A handler that writes down what it is told.
pub(crate) fn recorder() -> (impl Handler, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let book = Arc::clone(&told);
    let handler = from_fn(move |event| {
        let line = match &event {
            Event::Added { object, initial } => format!(
                "added {}{}",
                object.name(),
                if *initial { " initially" } else { "" }
            ),
            Event::Updated { old, new } if old.same(new) => format!("resync {}", new.name()),
            Event::Updated { new, .. } => format!("updated {} to {}", new.name(), value_of(new)),
            Event::Deleted { object, .. } => format!("deleted {}", object.name()),
            Event::Synced => "synced".to_owned(),
        };
        book.lock().expect("no panic").push(line);
    });
    (handler, told)
}

pub(crate) fn value_of(object: &Object) -> String {
    object
        .pointer("/data/value")
        .expect("it decodes")
        .unwrap_or_default()
}
