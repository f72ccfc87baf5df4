//! Definitions: names are accepted, resources established, and with a definition its objects go.

use super::Settled;
use crate::{
    cluster::Cluster,
    object::{self, Meta},
    special::{self, CLEANUP},
    write::ownership,
};
use serde_json::{Value, json};

/// The collection of definitions.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Looks at a definition.
pub(super) async fn look(cluster: &Cluster, key: &str) -> Settled {
    let Some((resource, definition)) = cluster.object_at(key) else {
        look_at_rivals(cluster);
        return Settled::Yes;
    };
    if definition.is_being_deleted() && definition.finalizers().iter().any(|name| name == CLEANUP) {
        return clean_up(cluster, key, &definition).await;
    }
    let now = cluster.clock.time();
    let seconds = cluster.clock.seconds();
    let others = others(cluster, key);
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

fn others(cluster: &Cluster, key: &str) -> Vec<Value> {
    let snapshot = cluster.store.snapshot();
    let prefix = format!("{DEFINITIONS}/");
    let others = snapshot
        .range(&prefix, None)
        .filter(|(other, _)| *other != key);
    others
        .filter_map(|(_, entry)| object::from_bytes(&entry.value).ok())
        .collect()
}

/// A definition has gone: another may now have the names that it held.
fn look_at_rivals(cluster: &Cluster) {
    let snapshot = cluster.store.snapshot();
    for (key, entry) in snapshot.range(&format!("{DEFINITIONS}/"), None) {
        let refused = object::from_bytes(&entry.value).is_ok_and(|definition| {
            let conditions = definition["status"]["conditions"].as_array();
            let mut conditions = conditions.into_iter().flatten();
            conditions.any(|condition| {
                condition["type"] == "NamesAccepted" && condition["status"] == "False"
            })
        });
        if refused {
            cluster.work.add(key);
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
