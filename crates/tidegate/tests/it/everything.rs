//! The whole promise at once: `tidegate watch --all -o json` follows everything through a CRD's life
//! and death, an API server that is killed and a history that is forgotten; its log, replayed, is
//! what a fresh list says.

use crate::process::{Running, tidegate};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tidegate_testcluster::Cluster;

/// A namespaced CRD with one version and one column.
pub(crate) fn crd(name: &str, kind: &str) -> String {
    let (plural, group) = name.split_once('.').expect("plural.group");
    let lower = kind.to_lowercase();
    format!(
        r#"{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {name}}}, spec: {{
            group: {group}, scope: Namespaced, names: {{plural: {plural}, singular: {lower}, kind: {kind}}},
            versions: [{{name: v1, served: true, storage: true,
                additionalPrinterColumns: [{{name: Size, type: integer, jsonPath: .spec.size}}],
                schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}]}}}}"#
    )
}

/// Objects by `gvr namespace/name`.
type Picture = BTreeMap<String, Value>;

/// What a reader of the log knows. Panics where the log contradicts itself.
#[derive(Default)]
struct Replay {
    objects: Picture,
    events: usize,
}

impl Replay {
    fn take(&mut self, line: &str) {
        let event: Value = serde_json::from_str(line).expect("one JSON object a line");
        let kind = event["event"].as_str().expect("a word");
        if kind == "SYNCED" {
            return;
        }
        self.events += 1;
        let key = key(event["gvr"].as_str().expect("a gvr"), &event["object"]);
        let known = self.objects.get(&key);
        match kind {
            "ADDED" => assert!(known.is_none(), "added twice: {line}"),
            "MODIFIED" => assert_eq!(
                known,
                Some(&event["old"]),
                "old is not what was said before: {line}"
            ),
            "DELETED" => assert!(known.is_some(), "deleted what was not there: {line}"),
            other => panic!("unknown event {other}"),
        }
        if kind == "DELETED" {
            self.objects.remove(&key);
        } else {
            self.objects.insert(key, event["object"].clone());
        }
    }
}

fn key(gvr: &str, object: &Value) -> String {
    let text = |field: &str| {
        object["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    format!("{gvr} {}/{}", text("namespace"), text("name"))
}

/// Everything that the server lists now, by kubectl, each object as uid and resourceVersion.
async fn fresh(cluster: &Cluster) -> Option<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    let groups = cluster.kubectl(&["get", "--raw", "/apis"]).await.ok()?;
    let groups: Value = serde_json::from_str(&groups.stdout).ok()?;
    let mut versions = vec!["v1".to_owned()];
    let preferred = groups["groups"]
        .as_array()?
        .iter()
        .filter_map(|group| group["preferredVersion"]["groupVersion"].as_str());
    versions.extend(preferred.map(str::to_owned));
    for version in versions {
        let root = if version.contains('/') {
            format!("/apis/{version}")
        } else {
            format!("/api/{version}")
        };
        let list = cluster.kubectl(&["get", "--raw", &root]).await.ok()?;
        let list: Value = serde_json::from_str(&list.stdout).ok()?;
        for resource in list["resources"].as_array()? {
            let name = resource["name"].as_str()?;
            let has = |verb: &str| {
                resource["verbs"]
                    .as_array()
                    .is_some_and(|verbs| verbs.iter().any(|one| one == verb))
            };
            // Events are the same objects in two groups.
            if !has("list") || !has("watch") || version == "events.k8s.io/v1" {
                continue;
            }
            let objects = cluster
                .kubectl(&["get", "--raw", &format!("{root}/{name}")])
                .await
                .ok()?;
            let objects: Value = serde_json::from_str(&objects.stdout).ok()?;
            for object in objects["items"].as_array()? {
                all.insert(
                    key(&format!("{version}/{name}"), object),
                    identity(name, object),
                );
            }
        }
    }
    Some(all)
}

/// Leases change every two seconds, so that two looks never agree on their versions.
fn identity(resource: &str, object: &Value) -> String {
    let metadata = &object["metadata"];
    if resource == "leases" {
        metadata["uid"].to_string()
    } else {
        format!("{}@{}", metadata["uid"], metadata["resourceVersion"])
    }
}

fn identities(picture: &Picture) -> BTreeMap<String, String> {
    let resource = |key: &str| {
        key.split(' ')
            .next()
            .and_then(|gvr| gvr.rsplit('/').next())
            .unwrap_or_default()
            .to_owned()
    };
    picture
        .iter()
        .map(|(key, object)| (key.clone(), identity(&resource(key), object)))
        .collect()
}

async fn widgets(cluster: &Cluster, count: u32, size: u32) {
    let yaml: Vec<String> = (0..count)
        .map(|number| {
            format!("{{apiVersion: all.example.com/v1, kind: Widget, metadata: {{name: w{number}, namespace: default}}, spec: {{size: {size}}}}}")
        })
        .collect();
    // A CRD that is Established is not served everywhere at once.
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = cluster.apply(&yaml.join("\n---\n")).await {
        assert!(Instant::now() < deadline, "{error}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn create_crd(cluster: &Cluster) {
    cluster
        .apply(&crd("widgets.all.example.com", "Widget"))
        .await
        .expect("applied");
    cluster
        .kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd/widgets.all.example.com",
            "--timeout=30s",
        ])
        .await
        .expect("established");
}

/// The running watch and what its log says so far.
struct Log {
    watch: Running,
    replay: Replay,
}

impl Log {
    /// Replays up to the event that the test waits for.
    fn until(&mut self, wanted: impl Fn(&Value) -> bool) {
        loop {
            let line = self.watch.line();
            self.replay.take(&line);
            let event: Value = serde_json::from_str(&line).expect("one JSON object a line");
            if wanted(&event) {
                return;
            }
        }
    }

    fn until_widget(&mut self, kind: &str, name: &str, size: u32) {
        self.until(|event| {
            event["event"] == kind
                && event["gvr"] == "all.example.com/v1/widgets"
                && event["object"]["metadata"]["name"] == name
                && event["object"]["spec"]["size"] == size
        });
    }

    /// Waits until the log and a fresh list agree.
    async fn until_equal(&mut self, cluster: &Cluster) {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let listed = fresh(cluster).await;
            for line in self.watch.drain() {
                self.replay.take(&line);
            }
            let replayed = identities(&self.replay.objects);
            match listed {
                Some(listed) if listed == replayed => return,
                Some(listed) if Instant::now() > deadline => {
                    let differs =
                        |(key, value): &(&String, &String)| replayed.get(*key) != Some(*value);
                    let listed_only: Vec<_> = listed.iter().filter(differs).collect();
                    let replayed_only: Vec<_> = replayed
                        .iter()
                        .filter(|(key, _)| !listed.contains_key(*key))
                        .collect();
                    panic!(
                        "the log differs from a list\nlisted: {listed_only:#?}\nreplayed: {replayed_only:#?}"
                    );
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_replayed_log_equals_a_fresh_list() {
    let cluster = Cluster::start().await.expect("a cluster of its own");
    let arguments = ["watch", "--all", "-A", "-o", "json"];
    let watch = Running::start(&mut tidegate(cluster.kubeconfig(), &arguments));
    let mut log = Log {
        watch,
        replay: Replay::default(),
    };
    let kubectl =
        async |arguments: &[&str]| cluster.kubectl(arguments).await.expect("kubectl works");
    log.until(|event| event["event"] == "SYNCED" && event["gvr"] == "v1/namespaces");

    // A CRD is created and filled.
    create_crd(&cluster).await;
    widgets(&cluster, 20, 1).await;
    log.until_widget("ADDED", "w19", 1);
    kubectl(&["delete", "widget", "w3", "w4", "-n", "default"]).await;
    widgets(&cluster, 3, 2).await;
    log.until_widget("MODIFIED", "w2", 2);

    // The API server is killed.
    cluster.apiserver().kill().await.expect("killed");
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.apiserver().start().await.expect("started");
    widgets(&cluster, 2, 3).await;
    log.until_widget("MODIFIED", "w1", 3);

    // The history is forgotten.
    cluster.forget_history().await.expect("compacted");
    kubectl(&["delete", "widget", "w5", "-n", "default"]).await;
    log.until_widget("DELETED", "w5", 1);

    // The CRD is deleted, and created and filled again.
    kubectl(&["delete", "crd", "widgets.all.example.com"]).await;
    log.until(|event| {
        event["event"] == "DELETED"
            && event["gvr"] == "apiextensions.k8s.io/v1/customresourcedefinitions"
    });
    create_crd(&cluster).await;
    widgets(&cluster, 7, 9).await;
    log.until_widget("ADDED", "w6", 9);

    log.until_equal(&cluster).await;
    assert!(log.replay.events > 100, "{}", log.replay.events);
    assert!(
        log.replay.objects.len() > 100,
        "{}",
        log.replay.objects.len()
    );
}
