//! The compiler: takes changes of objects, and gives a snapshot and statuses.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use foldhash::HashMap;
use tidegate_routing::Snapshot;

use crate::{
    addresses::Leases,
    binds::Members,
    change::{Change, ChangeError},
    graph::Graph,
    intern::Interner,
    key::{Kind, ObjectKey},
    object::route::Regexes,
    options::Options,
    output::{Infrastructure, Output},
    state::{Dirty, Store},
};

/// Objects of Gateway API in, routing snapshot and statuses out. Pure: no IO, no clock.
#[derive(Debug)]
pub struct Compiler {
    pub(crate) options: Options,
    pub(crate) interner: Interner,
    pub(crate) regexes: Regexes,
    pub(crate) store: Store,
    pub(crate) graph: Graph,
    pub(crate) dirty: Dirty,
    pub(crate) leases: Leases,
    pub(crate) members: BTreeMap<SocketAddr, Members>,
    pub(crate) infrastructure: HashMap<ObjectKey, Infrastructure>,
    pub(crate) snapshot: Snapshot,
    /// Whether the snapshot changed since the build before.
    pub(crate) changed: bool,
    pub(crate) serial: u64,
    /// The namespace of what has none.
    pub(crate) nothing: Arc<str>,
}

impl Compiler {
    /// A compiler that knows no object yet.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            interner: Interner::default(),
            regexes: Regexes::default(),
            store: Store::default(),
            graph: Graph::default(),
            dirty: Dirty::default(),
            leases: Leases::default(),
            members: BTreeMap::new(),
            infrastructure: HashMap::default(),
            snapshot: Snapshot::default(),
            changed: false,
            serial: 0,
            nothing: "".into(),
        }
    }

    /// Takes one change. What follows from it is worked out by the next [`Compiler::build`].
    ///
    /// # Errors
    /// The object's metadata can't be read. Everything else that is wrong with objects ends up in their statuses.
    pub fn apply(&mut self, change: Change<'_>) -> Result<(), ChangeError> {
        match change {
            Change::Upsert { kind, object } => self.upsert(kind, object)?,
            Change::Delete { kind, key } => self.delete(kind, &key),
            Change::Bind { address, error } => self.note_bind(address, error.as_deref()),
        }
        Ok(())
    }

    /// Works out what follows from all changes since the build before. `now_s` is seconds since 1970: statuses bear it.
    ///
    /// Each step feeds only those after it: Gateways, routes, policies and Backends, clusters, addresses, statuses.
    pub fn build(&mut self, now_s: i64) -> Output {
        self.reserve_addresses();
        for key in std::mem::take(&mut self.dirty.gateways) {
            self.compile_gateway(&key);
            self.forget_gateway(&key);
        }
        for key in std::mem::take(&mut self.dirty.routes) {
            self.compile_route(&key);
        }
        for key in std::mem::take(&mut self.dirty.policies) {
            self.compile_policy(&key);
        }
        for key in std::mem::take(&mut self.dirty.backends) {
            self.compile_backend(&key);
        }
        for key in std::mem::take(&mut self.dirty.clusters) {
            self.compile_cluster(&key);
        }
        for id in std::mem::take(&mut self.dirty.listeners) {
            self.refresh_listener(id);
        }
        for address in std::mem::take(&mut self.dirty.binds) {
            self.compile_bind(address);
        }
        let statuses = self.report(now_s);
        let infrastructure = self.report_infrastructure();
        let changed = std::mem::take(&mut self.changed);
        // The first one counts also where there is nothing in it.
        if changed || self.snapshot.generation == 0 {
            self.snapshot.generation += 1;
        }
        Output {
            snapshot: self.snapshot.clone(),
            changed,
            statuses,
            references: self.graph.take_changes(),
            infrastructure,
        }
    }

    /// Asks the next build to give this object's status again if it still differs, as after a write that failed.
    pub fn recheck(&mut self, kind: Kind, key: &ObjectKey) {
        self.dirty.statuses.insert((kind, key.clone()));
    }

    /// All objects of a kind that others refer to: of Secrets and ConfigMaps, only these need be watched.
    pub fn references(&self, kind: Kind) -> BTreeSet<ObjectKey> {
        self.graph.needed(kind)
    }

    /// Drops a Gateway that was deleted.
    fn forget_gateway(&mut self, key: &ObjectKey) {
        let is_gone = self
            .store
            .gateways
            .get(key)
            .is_some_and(|one| one.held.form.is_none() && one.held.fault.is_none());
        if is_gone {
            self.store.gateways.remove(key);
        }
    }
}
