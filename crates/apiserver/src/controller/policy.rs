//! The status of admission policies: that they were looked at.

use super::Settled;
use crate::{cluster::Cluster, object::Meta};
use serde_json::json;

/// Looks at a policy.
pub(super) async fn look(cluster: &Cluster, key: &str) -> Settled {
    let written = cluster
        .modify(key, |policy| {
            let generation = policy.generation();
            if policy["status"]["observedGeneration"] == generation {
                return false;
            }
            policy["status"] = json!({ "observedGeneration": generation, "typeChecking": {} });
            true
        })
        .await;
    if written.is_ok() {
        Settled::Yes
    } else {
        Settled::Later
    }
}
