//! The state that requests and controllers share.
//!
//! Everything that is written goes through [`Cluster::commit`], so that what is derived from objects (who may do what,
//! which resources there are, who owns whom) follows before the writer is answered.

use crate::{
    admission::Policies,
    claims::claims_of,
    clock::Clock,
    faults::Faults,
    ids,
    object::{self, Meta},
    owners::{Owner, Owners, owners_of},
    registry::Registry,
    services::Addresses,
    wake::Wake,
};
use std::{
    sync::{RwLock, RwLockReadGuard},
    time::Duration,
};
use tidegate_access::{Authenticator, Rbac, ServiceAccountKeys};
use tidegate_store::{Committed, Store, Write, WriteError};
use tokio::sync::watch;

/// One API server's state.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    pub(crate) authenticator: Authenticator,
    pub(crate) keys: ServiceAccountKeys,
    pub(crate) policies: Policies,
    pub(crate) owners: Owners,
    pub(crate) addresses: Addresses,
    pub(crate) faults: Faults,
    /// Where the server listens, for those who ask.
    pub(crate) endpoint: crate::endpoint::Endpoint,
    /// Wakes the controllers.
    pub(crate) work: Wake,
    rbac: RwLock<Rbac>,
    stop: watch::Sender<bool>,
}

/// What a cluster is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) authenticator: Authenticator,
    pub(crate) keys: ServiceAccountKeys,
    pub(crate) endpoint: crate::endpoint::Endpoint,
    pub(crate) faults: Faults,
}

impl Cluster {
    pub(crate) fn new(parts: Parts) -> Self {
        let cluster = Self {
            store: parts.store,
            registry: Registry::default(),
            clock: Clock,
            authenticator: parts.authenticator,
            keys: parts.keys,
            policies: Policies::default(),
            owners: Owners::default(),
            addresses: Addresses::default(),
            faults: parts.faults,
            endpoint: parts.endpoint,
            work: Wake::default(),
            rbac: RwLock::default(),
            stop: watch::Sender::new(false),
        };
        cluster.derive_all();
        cluster
    }

    /// Writes, and lets what is derived from the object follow.
    pub(crate) async fn commit(&self, write: Write<'_>) -> Result<Committed, WriteError> {
        let key = match &write {
            Write::Put { key, .. } | Write::Delete { key, .. } => (*key).to_owned(),
        };
        let deleted = matches!(write, Write::Delete { .. });
        let committed = self.store.write(write).await?;
        let before = if deleted {
            owners_of(&committed.entry.value)
        } else {
            Vec::new()
        };
        self.derive(&key);
        if deleted {
            self.wake_after_deletion(&key, &committed.entry.value, &before);
        } else if concerns_garbage(&committed.entry.value) {
            self.work.add(&key);
        }
        Ok(committed)
    }

    /// Wakes those who waited for an object to go: its dependents, its owners, its claims, its namespace.
    fn wake_after_deletion(&self, key: &str, last: &[u8], owners: &[Owner]) {
        let Ok(object) = object::from_bytes(last) else {
            return;
        };
        for dependent in self.owners.dependents(object.uid()) {
            self.work.add(&dependent);
        }
        let resources = self.registry.now();
        for owner in owners {
            if let Some(resource) = resources.of_kind(&owner.api_version, &owner.kind) {
                self.work
                    .add(&resource.key(object.namespace(), &owner.name));
            }
        }
        if key.starts_with("pods/") {
            for claim in claims_of(&object) {
                self.work.add(&claim);
            }
        }
        let namespace = format!("namespaces/{}", object.namespace());
        let ends = self
            .store
            .head(&namespace)
            .is_some_and(|entry| concerns_garbage(&entry.value));
        if ends && namespace != key {
            self.work.add(&namespace);
        }
    }

    /// Brings all that is derived from objects up to the store's state: at the start.
    fn derive_all(&self) {
        let snapshot = self.store.snapshot();
        for (key, entry) in snapshot.range("", None) {
            self.derive_from(key, Some(&entry.value));
        }
    }

    /// The same for one object. It looks at the newest state, so that of two writers the last one to come here is right.
    fn derive(&self, key: &str) {
        let entry = self.store.head(key);
        self.derive_from(key, entry.as_ref().map(|entry| &entry.value));
        self.work.notify(key);
    }

    fn derive_from(&self, key: &str, bytes: Option<&bytes::Bytes>) {
        self.owners.set(key, bytes.map(AsRef::as_ref));
        let collection = key.split('/').next().unwrap_or_default();
        match collection {
            "roles.rbac.authorization.k8s.io"
            | "rolebindings.rbac.authorization.k8s.io"
            | "clusterroles.rbac.authorization.k8s.io"
            | "clusterrolebindings.rbac.authorization.k8s.io" => {
                self.derive_rbac(collection, key, bytes)
            }
            "customresourcedefinitions.apiextensions.k8s.io" => {
                self.registry.set_definition(key, bytes.map(AsRef::as_ref));
            }
            "validatingadmissionpolicies.admissionregistration.k8s.io"
            | "validatingadmissionpolicybindings.admissionregistration.k8s.io" => {
                self.policies.set(key, bytes.map(AsRef::as_ref));
            }
            "services" => self.addresses.set(key, bytes.map(AsRef::as_ref)),
            _ => {}
        }
    }

    fn derive_rbac(&self, collection: &str, key: &str, bytes: Option<&bytes::Bytes>) {
        let kind = match collection.split('.').next().unwrap_or_default() {
            "roles" => "Role",
            "rolebindings" => "RoleBinding",
            "clusterroles" => "ClusterRole",
            _ => "ClusterRoleBinding",
        };
        let below = key.split_once('/').map_or("", |(_, below)| below);
        let (namespace, name) = below.split_once('/').unwrap_or(("", below));
        let object = bytes.and_then(|bytes| crate::object::from_bytes(bytes).ok());
        let mut rbac = self
            .rbac
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        rbac.set(kind, object.as_ref(), namespace, name);
    }

    /// Who may do what.
    pub(crate) fn rbac(&self) -> RwLockReadGuard<'_, Rbac> {
        self.rbac
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// How long a watch lasts: as long as the client says, or some time between `least` and twice that.
    pub(crate) fn watch_time(&self, wanted: Option<i64>, least: u64) -> Duration {
        match wanted.unwrap_or_default() {
            0 => Duration::from_secs(least + ids::below(least)),
            seconds => Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        }
    }

    /// Whether writes can be made durable.
    pub(crate) fn store_is_well(&self) -> bool {
        self.store.is_well()
    }

    /// Begins to end: watches close, readiness is taken back.
    pub(crate) fn begin_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether the server is ending.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits for the end.
    pub(crate) async fn stopping(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as the cluster.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// Whether the garbage collector may have something to do with an object.
pub(crate) fn concerns_garbage(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(bytes, word).is_some();
    has(b"\"ownerReferences\"") || has(b"\"deletionTimestamp\"")
}
