//! Claims and volumes that are deleted: a claim stays while a pod on a node uses it, and goes with the last one; a volume
//! stays while it is bound.
//!
//! Admission puts the finalizers on, as on the real server. If nobody took them off, no claim would ever go, nor its
//! namespace. Nobody binds volumes here: who does writes the phase.

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

/// Which a volume has until it is bound to no claim.
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";

/// Looks at a volume.
pub(super) async fn look_at_volume(cluster: &Cluster, key: &str) -> Settled {
    match cluster.object_at(key) {
        Some((_, volume)) if may_go(&volume) => {
            drop_finalizer(cluster, key, VOLUME_PROTECTION).await
        }
        _ => Settled::Yes,
    }
}

fn may_go(volume: &Value) -> bool {
    waits(volume, VOLUME_PROTECTION) && volume["status"]["phase"] != "Bound"
}

fn waits(object: &Value, finalizer: &str) -> bool {
    object.is_being_deleted() && object.finalizers().iter().any(|name| name == finalizer)
}

/// Looks at a claim.
pub(super) async fn look(cluster: &Cluster, key: &str) -> Settled {
    let Some((_, claim)) = cluster.object_at(key) else {
        return Settled::Yes;
    };
    if !waits(&claim, PROTECTION) || is_used(cluster, &claim) {
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

#[cfg(test)]
mod tests {
    use super::may_go;
    use serde_json::json;

    #[test]
    fn a_volume_that_is_bound_stays() {
        let protected = "kubernetes.io/pv-protection";
        for (deleted, finalizer, phase, expect) in [
            (Some("2026-01-01T00:00:00Z"), protected, "Released", true),
            (Some("2026-01-01T00:00:00Z"), protected, "Pending", true),
            (Some("2026-01-01T00:00:00Z"), protected, "Bound", false),
            (Some("2026-01-01T00:00:00Z"), "a/b", "Released", false),
            (None, protected, "Released", false),
        ] {
            let volume = json!({
                "metadata": { "deletionTimestamp": deleted, "finalizers": [finalizer] },
                "status": { "phase": phase },
            });
            assert_eq!(may_go(&volume), expect, "{volume}");
        }
    }
}
