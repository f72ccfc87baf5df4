//! A namespace that is deleted takes all in it along, and goes when nothing is left.

use super::{Settled, account};
use crate::{
    cluster::Cluster,
    object::{self, Meta},
    special,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Looks at a namespace.
pub(super) async fn look(cluster: &Cluster, key: &str) -> Settled {
    let Some((_, namespace)) = cluster.object_at(key) else {
        return Settled::Yes;
    };
    if !namespace.is_being_deleted() {
        return account::ensure(cluster, namespace.name()).await;
    }
    let remaining = empty(cluster, namespace.name()).await;
    if remaining.is_empty() {
        let finished = cluster
            .modify(key, |namespace| {
                let has = namespace["spec"]["finalizers"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty());
                if has && let Some(spec) = namespace["spec"].as_object_mut() {
                    spec.remove("finalizers");
                }
                has
            })
            .await;
        return if finished.is_ok() {
            Settled::Yes
        } else {
            Settled::Later
        };
    }
    let now = cluster.clock.time();
    let told = cluster
        .modify(key, |namespace| {
            let before = namespace["status"].clone();
            tell(namespace, &remaining, &now);
            namespace["status"] != before
        })
        .await;
    if let Err(error) = told {
        tracing::warn!(key, %error, "a namespace's conditions can't be written");
    }
    Settled::Later
}

/// What is left of a resource: how many objects, and how many of them have which finalizer.
#[derive(Debug, Default)]
struct Remaining {
    objects: usize,
    finalizers: BTreeMap<String, usize>,
}

/// Deletes all in a namespace. Gives what stays, by resource.
async fn empty(cluster: &Cluster, namespace: &str) -> BTreeMap<String, Remaining> {
    let mut remaining: BTreeMap<String, Remaining> = BTreeMap::new();
    for resource in cluster.registry.now().collections() {
        if !resource.namespaced {
            continue;
        }
        let prefix = format!("{}/{namespace}/", resource.collection);
        let snapshot = cluster.store.snapshot();
        let keys: Vec<String> = snapshot
            .range(&prefix, None)
            .map(|(key, _)| key.to_owned())
            .collect();
        for key in &keys {
            if let Err(error) = cluster.remove(key, Some("Background")).await {
                tracing::warn!(%key, %error, "an object of a namespace that ends can't be deleted");
            }
        }
        for key in &keys {
            let Some(entry) = cluster.store.head(key) else {
                continue;
            };
            let what = remaining
                .entry(format!("{}.{}", resource.plural, resource.group))
                .or_default();
            what.objects += 1;
            let object = object::from_bytes(&entry.value).unwrap_or_default();
            for finalizer in object.finalizers() {
                *what.finalizers.entry(finalizer).or_default() += 1;
            }
        }
    }
    remaining
}

/// The conditions by which users see what a namespace waits for.
fn tell(namespace: &mut Value, remaining: &BTreeMap<String, Remaining>, now: &str) {
    let mut conditions = vec![
        (
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered".to_owned(),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".to_owned(),
        ),
    ];
    let objects: Vec<String> = remaining
        .iter()
        .map(|(resource, what)| format!("{resource} has {} resource instances", what.objects))
        .collect();
    conditions.push((
        "NamespaceContentRemaining",
        "True",
        "SomeResourcesRemain",
        format!("Some resources are remaining: {}", objects.join(", ")),
    ));
    let mut finalizers: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, count) in remaining.values().flat_map(|what| &what.finalizers) {
        *finalizers.entry(name).or_default() += count;
    }
    if !finalizers.is_empty() {
        let texts: Vec<String> = finalizers
            .iter()
            .map(|(name, count)| format!("{name} in {count} resource instances"))
            .collect();
        conditions.push((
            "NamespaceFinalizersRemaining",
            "True",
            "SomeFinalizersRemain",
            format!(
                "Some content in the namespace has finalizers remaining: {}",
                texts.join(", ")
            ),
        ));
    }
    for (kind, status, reason, message) in conditions {
        special::set_condition(
            namespace,
            json!({
                "type": kind,
                "status": status,
                "reason": reason,
                "message": message,
                "lastTransitionTime": now,
            }),
        );
    }
}
