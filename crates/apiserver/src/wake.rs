//! Wakes controllers when an object of theirs has changed.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Keys of objects that have changed since a controller last looked. Each once.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    keys: Mutex<BTreeSet<String>>,
    changed: Notify,
}

/// The collections that controllers look at whatever changes in them.
const FOLLOWED: [&str; 6] = [
    "namespaces",
    "serviceaccounts",
    "configmaps",
    "customresourcedefinitions.apiextensions.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
];

impl Wake {
    /// An object has changed.
    pub(crate) fn notify(&self, key: &str) {
        let collection = key.split('/').next().unwrap_or_default();
        if FOLLOWED.contains(&collection) {
            self.add(key);
        }
    }

    /// Something is to be done about an object.
    pub(crate) fn add(&self, key: &str) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.insert(key.to_owned()) {
            self.changed.notify_one();
        }
    }

    /// The next object to look at. Waits for one.
    pub(crate) async fn next(&self) -> String {
        loop {
            let changed = self.changed.notified();
            let first = self
                .keys
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_first();
            match first {
                Some(key) => return key,
                None => changed.await,
            }
        }
    }
}
