//! Who depends on whom: for the garbage collector.
//!
//! Holds only objects that have owners.

use memchr::memmem;
use serde::Deserialize;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// An owner, as its dependent names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Owner {
    #[serde(default)]
    pub(crate) api_version: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) uid: String,
    #[serde(default)]
    pub(crate) block_owner_deletion: bool,
}

/// The index.
#[derive(Debug, Default)]
pub(crate) struct Owners(Mutex<Index>);

#[derive(Debug, Default)]
struct Index {
    /// The keys of the dependents of an identity.
    dependents: HashMap<String, BTreeSet<String>>,
    /// The owners' identities of a dependent.
    owners: HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Sketch {
    metadata: SketchMeta,
}

#[derive(Deserialize)]
struct SketchMeta {
    #[serde(default, rename = "ownerReferences")]
    owner_references: Vec<Owner>,
}

/// The owners that an object names.
pub(crate) fn owners_of(bytes: &[u8]) -> Vec<Owner> {
    if memmem::find(bytes, b"\"ownerReferences\"").is_none() {
        return Vec::new();
    }
    serde_json::from_slice::<Sketch>(bytes)
        .map_or_else(|_| Vec::new(), |sketch| sketch.metadata.owner_references)
}

impl Owners {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object has come, changed or gone.
    pub(crate) fn set(&self, key: &str, bytes: Option<&[u8]>) {
        let owners: Vec<String> = bytes
            .map(owners_of)
            .into_iter()
            .flatten()
            .map(|owner| owner.uid)
            .collect();
        let mut index = self.index();
        let before = if owners.is_empty() {
            index.owners.remove(key)
        } else {
            index.owners.insert(key.to_owned(), owners.clone())
        };
        for uid in before.into_iter().flatten() {
            let empty = index.dependents.get_mut(&uid).is_some_and(|keys| {
                keys.remove(key);
                keys.is_empty()
            });
            if empty {
                index.dependents.remove(&uid);
            }
        }
        for uid in owners {
            index
                .dependents
                .entry(uid)
                .or_default()
                .insert(key.to_owned());
        }
    }

    /// The keys of the objects that name this identity as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<String> {
        let index = self.index();
        index
            .dependents
            .get(uid)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Owners;

    fn object(owners: &[&str]) -> Vec<u8> {
        let owners: Vec<_> = owners
            .iter()
            .map(|uid| serde_json::json!({ "uid": uid }))
            .collect();
        serde_json::json!({ "metadata": { "ownerReferences": owners } })
            .to_string()
            .into_bytes()
    }

    #[test]
    fn dependents_follow_their_owners() {
        let owners = Owners::default();
        owners.set("pods/a/1", Some(&object(&["x", "y"])));
        owners.set("pods/a/2", Some(&object(&["x"])));
        assert_eq!(owners.dependents("x"), ["pods/a/1", "pods/a/2"]);
        owners.set("pods/a/1", Some(&object(&["y"])));
        owners.set("pods/a/2", None);
        assert_eq!(owners.dependents("x"), Vec::<String>::new());
        assert_eq!(owners.dependents("y"), ["pods/a/1"]);
        owners.set("pods/a/1", Some(b"{\"metadata\":{}}"));
        assert_eq!(owners.dependents("y"), Vec::<String>::new());
    }
}
