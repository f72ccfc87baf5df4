//! The garbage collector: dependents go with their owners, before or after them, or are set free.

use super::Settled;
use crate::{
    cluster::Cluster,
    object::{self, Meta},
    owners::{Owner, owners_of},
    write::delete::{FOREGROUND, ORPHAN},
};
use serde_json::Value;
use std::collections::HashSet;

/// Looks at an object: as a dependent, and as an owner that is being deleted.
pub(super) async fn look(cluster: &Cluster, key: &str) -> Settled {
    let Some(entry) = cluster.store.head(key) else {
        return Settled::Yes;
    };
    let Ok(object) = object::from_bytes(&entry.value) else {
        return Settled::Yes;
    };
    let owner = as_owner(cluster, key, &object).await;
    let dependent = as_dependent(cluster, key, &object, owners_of(&entry.value)).await;
    if owner == Settled::Later {
        owner
    } else {
        dependent
    }
}

/// How an owner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is there.
    Solid,
    /// It is being deleted, and waits for its dependents.
    Waiting,
    /// It is gone.
    Absent,
}

async fn as_dependent(cluster: &Cluster, key: &str, object: &Value, owners: Vec<Owner>) -> Settled {
    if owners.is_empty() {
        return Settled::Yes;
    }
    let states: Vec<State> = owners
        .iter()
        .map(|owner| state(cluster, object.namespace(), owner))
        .collect();
    let gone: Vec<&str> = owners
        .iter()
        .zip(&states)
        .filter(|(_, state)| **state != State::Solid)
        .map(|(owner, _)| owner.uid.as_str())
        .collect();
    if gone.is_empty() {
        return Settled::Yes;
    }
    if states.contains(&State::Solid) {
        return release(cluster, key, &gone).await;
    }
    if object.is_being_deleted() {
        return Settled::Yes;
    }
    let dependents = cluster.owners.dependents(object.uid());
    let has_dependents = !dependents.is_empty();
    let is_waited_for = states.contains(&State::Waiting);
    // As kube-controller-manager: a dependent that waits already may be what the owners wait for.
    if is_waited_for
        && dependents.iter().any(|key| waits_at(cluster, key))
        && unblock(cluster, key, object.namespace(), &owners).await == Settled::Later
    {
        return Settled::Later;
    }
    let finalizers = object.finalizers();
    let policy = if finalizers.iter().any(|name| name == ORPHAN) {
        "Orphan"
    } else if finalizers.iter().any(|name| name == FOREGROUND) || is_waited_for && has_dependents {
        "Foreground"
    } else {
        "Background"
    };
    match cluster.remove(key, Some(policy)).await {
        Ok(()) => Settled::Yes,
        Err(error) => {
            tracing::warn!(key, %error, "an object without owners can't be deleted");
            Settled::Later
        }
    }
}

/// Where the owner of an object in a namespace is, if its kind is served.
fn key_of(cluster: &Cluster, namespace: &str, owner: &Owner) -> Option<String> {
    let resources = cluster.registry.now();
    let resource = resources.of_kind(&owner.api_version, &owner.kind)?;
    Some(resource.key(namespace, &owner.name))
}

fn state(cluster: &Cluster, namespace: &str, owner: &Owner) -> State {
    let Some(key) = key_of(cluster, namespace, owner) else {
        // Of a kind that nobody serves, nothing can be said; better keep what hangs on it.
        return State::Solid;
    };
    let found = cluster
        .store
        .head(&key)
        .and_then(|entry| object::from_bytes(&entry.value).ok());
    match found {
        Some(found) if found.uid() == owner.uid => {
            if waits(&found) {
                State::Waiting
            } else {
                State::Solid
            }
        }
        _ => State::Absent,
    }
}

/// Whether an object is being deleted and waits for its dependents.
fn waits(object: &Value) -> bool {
    object.is_being_deleted() && object.finalizers().iter().any(|name| name == FOREGROUND)
}

fn waits_at(cluster: &Cluster, key: &str) -> bool {
    let entry = cluster.store.head(key);
    let object = entry.and_then(|entry| object::from_bytes(&entry.value).ok());
    object.is_some_and(|object| waits(&object))
}

/// Lets owners go before an object: in a circle they would wait for each other for ever.
async fn unblock(cluster: &Cluster, key: &str, namespace: &str, owners: &[Owner]) -> Settled {
    let unblocked = cluster
        .modify(key, |object| {
            let owners = object["metadata"]["ownerReferences"].as_array_mut();
            let mut changed = false;
            for owner in owners.into_iter().flatten() {
                if owner["blockOwnerDeletion"] == true {
                    owner["blockOwnerDeletion"] = false.into();
                    changed = true;
                }
            }
            changed
        })
        .await;
    if unblocked.is_err() {
        return Settled::Later;
    }
    for owner in owners {
        if let Some(owner) = key_of(cluster, namespace, owner) {
            cluster.work.add(&owner);
        }
    }
    Settled::Yes
}

/// Removes references to owners.
async fn release(cluster: &Cluster, key: &str, uids: &[&str]) -> Settled {
    let uids: HashSet<&str> = uids.iter().copied().collect();
    let released = cluster
        .modify(key, |object| {
            let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() else {
                return false;
            };
            let before = owners.len();
            owners.retain(|owner| !uids.contains(owner["uid"].as_str().unwrap_or_default()));
            let changed = owners.len() != before;
            if owners.is_empty() {
                object.metadata_mut().remove("ownerReferences");
            }
            changed
        })
        .await;
    if released.is_ok() {
        Settled::Yes
    } else {
        Settled::Later
    }
}

async fn as_owner(cluster: &Cluster, key: &str, object: &Value) -> Settled {
    if !object.is_being_deleted() {
        return Settled::Yes;
    }
    let finalizers = object.finalizers();
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
    let dependents = cluster.owners.dependents(object.uid());
    if has(ORPHAN) {
        for dependent in &dependents {
            if release(cluster, dependent, &[object.uid()]).await == Settled::Later {
                return Settled::Later;
            }
        }
        return drop_finalizer(cluster, key, ORPHAN).await;
    }
    if has(FOREGROUND) {
        let blocking = dependents
            .iter()
            .any(|dependent| blocks(cluster, dependent, object.uid()));
        if !blocking {
            return drop_finalizer(cluster, key, FOREGROUND).await;
        }
        // One that waits itself is looked at when what it waits for is gone.
        for dependent in dependents {
            if !waits_at(cluster, &dependent) {
                cluster.work.add(&dependent);
            }
        }
    }
    Settled::Yes
}

fn blocks(cluster: &Cluster, dependent: &str, uid: &str) -> bool {
    let Some(entry) = cluster.store.head(dependent) else {
        return false;
    };
    owners_of(&entry.value)
        .iter()
        .any(|owner| owner.uid == uid && owner.block_owner_deletion)
}

/// Takes a finalizer off an object. If it was the last one, the object goes.
pub(super) async fn drop_finalizer(cluster: &Cluster, key: &str, name: &str) -> Settled {
    let dropped = cluster
        .modify(key, |object| {
            let before = object.finalizers();
            let after: Vec<String> = before
                .iter()
                .filter(|finalizer| *finalizer != name)
                .cloned()
                .collect();
            let changed = after.len() != before.len();
            object.set_finalizers(after);
            changed
        })
        .await;
    if dropped.is_ok() {
        Settled::Yes
    } else {
        Settled::Later
    }
}
