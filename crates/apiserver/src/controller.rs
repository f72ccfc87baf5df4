//! Controllers: what a cluster does by itself. Namespaces empty themselves, dependents follow their owners, definitions
//! become resources, every namespace has a service account, roles are aggregated, volumes and claims of them go
//! when they are not used.
//!
//! One task looks at one object after the other. Looking twice does no harm, so whoever changes something just says so.

mod account;
mod claim;
mod definition;
mod events;
mod garbage;
mod namespace;
mod policy;
mod roles;
mod work;

use crate::cluster::{Cluster, concerns_garbage};
use std::{sync::Arc, time::Duration};

/// How long an object rests that could not be settled.
const RETRY: Duration = Duration::from_millis(500);

/// What comes of looking at an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    /// Nothing more to do until it changes.
    Yes,
    /// Look again in a while.
    Later,
}

/// Runs until the cluster stops. Definitions are always looked after, the rest only if `all` is wanted.
pub(crate) async fn run(cluster: Arc<Cluster>, all: bool) {
    begin(&cluster);
    let mut minute = tokio::time::interval(events::LOOK_EVERY);
    loop {
        let key = tokio::select! {
            _ = minute.tick() => {
                events::forget(&cluster).await;
                continue;
            }
            () = cluster.stopping() => return,
            key = cluster.work.next() => key,
        };
        let settled = look(&cluster, &key, all).await;
        // Looking need not wait for anything, and there may be much to look at: requests come in between.
        tokio::task::yield_now().await;
        if settled == Settled::Later {
            let cluster = cluster.clone();
            tokio::spawn(async move {
                tokio::time::sleep(RETRY).await;
                cluster.work.add(&key);
            });
        }
    }
}

/// At the start, everything that may wait for something is looked at.
fn begin(cluster: &Cluster) {
    let snapshot = cluster.store.snapshot();
    for (key, entry) in snapshot.range("", None) {
        cluster.work.notify(key);
        if concerns_garbage(&entry.value) {
            cluster.work.add(key);
        }
    }
}

async fn look(cluster: &Arc<Cluster>, key: &str, all: bool) -> Settled {
    let collection = key.split('/').next().unwrap_or_default();
    if collection == "customresourcedefinitions.apiextensions.k8s.io" {
        return definition::look(cluster, key).await;
    }
    if !all {
        return Settled::Yes;
    }
    let special = match collection {
        "namespaces" => namespace::look(cluster, key).await,
        "serviceaccounts" | "configmaps" => account::look_again(cluster, key),
        "persistentvolumeclaims" => claim::look(cluster, key).await,
        "persistentvolumes" => claim::look_at_volume(cluster, key).await,
        "pods" => claim::look_at_pod(cluster, key),
        "clusterroles.rbac.authorization.k8s.io" => roles::look(cluster).await,
        "validatingadmissionpolicies.admissionregistration.k8s.io" => {
            policy::look(cluster, key).await
        }
        _ => Settled::Yes,
    };
    let garbage = garbage::look(cluster, key).await;
    if special == Settled::Later {
        special
    } else {
        garbage
    }
}
