//! Claims of volumes that are deleted: they stay while a pod on a node uses them, and go with the last one.
//!
//! Admission puts the finalizer on, as on the real server. If nobody took it off, no claim would ever go, nor its
//! namespace.

use super::{Settled, garbage::drop_finalizer};
use crate::{
    claims,
    cluster::Cluster,
    object::{self, Meta},
};
use memchr::memmem;
use serde_json::Value;

/// Which a claim has until nobody uses it.
const PROTECTION: &str = "kubernetes.io/pvc-protection";

/// Looks at a claim.
pub(super) async fn look(cluster: &Cluster, key: &str) -> Settled {
    let Some((_, claim)) = cluster.object_at(key) else {
        return Settled::Yes;
    };
    let waits =
        claim.is_being_deleted() && claim.finalizers().iter().any(|name| name == PROTECTION);
    if !waits || is_used(cluster, &claim) {
        return Settled::Yes;
    }
    drop_finalizer(cluster, key, PROTECTION).await
}

/// Looks at a pod that is being deleted: it may keep its claims no longer.
pub(super) fn look_at_pod(cluster: &Cluster, key: &str) -> Settled {
    if let Some((_, pod)) = cluster.object_at(key) {
        for claim in claims::claims_of(&pod) {
            cluster.work.add(&claim);
        }
    }
    Settled::Yes
}

fn is_used(cluster: &Cluster, claim: &Value) -> bool {
    let snapshot = cluster.store.snapshot();
    let words: [&[u8]; 2] = [b"\"persistentVolumeClaim\"", b"\"ephemeral\""];
    snapshot
        .range(&format!("pods/{}/", claim.namespace()), None)
        .filter(|(_, entry)| {
            let mut words = words.iter();
            words.any(|word| memmem::find(&entry.value, word).is_some())
        })
        .filter_map(|(_, entry)| object::from_bytes(&entry.value).ok())
        .any(|pod| claims::uses(&pod, claim))
}
