//! Definitions: names are accepted, resources established, and with a definition its objects go.

use super::Settled;
use crate::{
    cluster::Cluster,
    object::Meta,
    special::{self, CLEANUP},
    write::ownership,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The collection of definitions.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Looks at a definition.
pub(super) async fn look(cluster: &Cluster, key: &str) -> Settled {
    let Some((resource, definition)) = cluster.object_at(key) else {
        look_at_rivals(cluster, key);
        return Settled::Yes;
    };
    if definition.is_being_deleted() && definition.finalizers().iter().any(|name| name == CLEANUP) {
        return clean_up(cluster, key, &definition).await;
    }
    let now = cluster.clock.time();
    let seconds = cluster.clock.seconds();
    let others: Vec<Value> = rivals(cluster, key)
        .into_iter()
        .map(|(_, sketch)| sketch.names())
        .collect();
    let written = cluster
        .modify(key, |definition| {
            let status =
                tidegate_crd::conditions(definition, &others.iter().collect::<Vec<_>>(), &now);
            if definition["status"] == status {
                return false;
            }
            let before = definition.clone();
            definition["status"] = status;
            *definition = ownership::with(&resource, "status", |ownership| {
                ownership.update(Some(&before), definition, "kube-apiserver", seconds)
            });
            true
        })
        .await;
    if written.is_ok() {
        Settled::Yes
    } else {
        Settled::Later
    }
}

/// What definitions of one group are measured against each other by. Their schemas are large, and reading those of
/// hundreds for each of hundreds would take minutes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sketch {
    spec: SketchSpec,
    status: SketchStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SketchSpec {
    group: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SketchStatus {
    accepted_names: Value,
    conditions: Option<Vec<Value>>,
}

impl Sketch {
    /// As `tidegate_crd::conditions` wants other definitions.
    fn names(self) -> Value {
        json!({
            "spec": { "group": self.spec.group },
            "status": { "acceptedNames": self.status.accepted_names },
        })
    }

    fn is_refused(&self) -> bool {
        let mut conditions = self.status.conditions.iter().flatten();
        conditions
            .any(|condition| condition["type"] == "NamesAccepted" && condition["status"] == "False")
    }
}

/// The other definitions of a definition's group. A definition's name is `PLURAL.GROUP`, and no plural has a dot.
fn rivals(cluster: &Cluster, key: &str) -> Vec<(String, Sketch)> {
    let snapshot = cluster.store.snapshot();
    let prefix = format!("{DEFINITIONS}/");
    let group = |key: &str| {
        let name = key.strip_prefix(&prefix)?;
        Some(name.split_once('.')?.1.to_owned())
    };
    let own = group(key);
    snapshot
        .range(&prefix, None)
        .filter(|(other, _)| *other != key && group(other) == own)
        .filter_map(|(other, entry)| {
            let sketch = serde_json::from_slice(&entry.value).ok()?;
            Some((other.to_owned(), sketch))
        })
        .collect()
}

/// A definition has gone: another may now have the names that it held.
fn look_at_rivals(cluster: &Cluster, key: &str) {
    for (rival, sketch) in rivals(cluster, key) {
        if sketch.is_refused() {
            cluster.work.add(&rival);
        }
    }
}

async fn clean_up(cluster: &Cluster, key: &str, definition: &Value) -> Settled {
    let collection = format!(
        "{}.{}",
        definition["spec"]["names"]["plural"]
            .as_str()
            .unwrap_or_default(),
        definition["spec"]["group"].as_str().unwrap_or_default()
    );
    let prefix = format!("{collection}/");
    let keys: Vec<String> = {
        let snapshot = cluster.store.snapshot();
        snapshot
            .range(&prefix, None)
            .map(|(key, _)| key.to_owned())
            .collect()
    };
    for key in &keys {
        if let Err(error) = cluster.remove(key, Some("Background")).await {
            tracing::warn!(%key, %error, "an object of a definition that ends can't be deleted");
        }
    }
    if keys.iter().any(|key| cluster.store.head(key).is_some()) {
        return Settled::Later;
    }
    let now = cluster.clock.time();
    let finished = cluster
        .modify(key, |definition| {
            let kept: Vec<String> = definition
                .finalizers()
                .into_iter()
                .filter(|name| name != CLEANUP)
                .collect();
            definition.set_finalizers(kept);
            special::set_condition(
                definition,
                json!({
                    "type": "Terminating",
                    "status": "False",
                    "reason": "InstanceDeletionCompleted",
                    "message": "removed all instances",
                    "lastTransitionTime": now,
                }),
            );
            true
        })
        .await;
    if finished.is_ok() {
        Settled::Yes
    } else {
        Settled::Later
    }
}
