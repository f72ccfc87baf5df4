//! Cluster roles that are made of others.

use super::Settled;
use crate::{cluster::Cluster, object};
use serde_json::Value;

/// The collection of cluster roles.
const ROLES: &str = "clusterroles.rbac.authorization.k8s.io";

/// A role has changed: those that are made of others are made again.
pub(super) async fn look(cluster: &Cluster) -> Settled {
    let roles: Vec<(String, Value)> = {
        let snapshot = cluster.store.snapshot();
        let roles = snapshot.range("clusterroles.rbac.authorization.k8s.io/", None);
        roles
            .filter_map(|(key, entry)| {
                Some((key.to_owned(), object::from_bytes(&entry.value).ok()?))
            })
            .collect()
    };
    debug_assert!(roles.iter().all(|(key, _)| key.starts_with(ROLES)));
    let all: Vec<&Value> = roles.iter().map(|(_, role)| role).collect();
    for (key, role) in roles
        .iter()
        .filter(|(_, role)| !role["aggregationRule"].is_null())
    {
        let Some(rules) = tidegate_access::aggregate(role, all.iter().copied()) else {
            continue;
        };
        let rules = Value::Array(rules);
        let written = cluster
            .modify(key, |role| {
                let changed = role["rules"] != rules;
                role["rules"] = rules.clone();
                changed
            })
            .await;
        if written.is_err() {
            return Settled::Later;
        }
    }
    Settled::Yes
}
