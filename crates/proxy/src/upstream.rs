//! One worker's view of clusters: their endpoints, the connections kept to them, and who gets the next request.
//!
//! State is made when a cluster is first used, and brought up to date when a request finds that the snapshot holds
//! another version of it. So a change of configuration costs nothing here until it is used, and a change of endpoints
//! touches no connection of those that stay.

mod connect;
mod endpoint;

pub(crate) use self::{
    connect::ConnectError,
    endpoint::{Endpoint, Link},
};

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use tidegate_routing::{Cluster, ClusterKey, Destination};
use tokio_rustls::TlsConnector;

use crate::{clock::Clock, worker::Config};

/// All clusters that this worker has used.
#[derive(Default)]
pub(crate) struct Clusters {
    known: RefCell<HashMap<ClusterKey, Rc<ClusterState>>>,
}

/// One cluster.
pub(crate) struct ClusterState {
    /// The worker's version of the configuration that this was last compared with.
    serial: Cell<u64>,
    current: RefCell<Current>,
    /// Whose turn it is.
    turn: Cell<usize>,
}

/// What follows from the snapshot's cluster.
struct Current {
    cluster: Arc<Cluster>,
    /// In the cluster's order; draining ones too.
    endpoints: Vec<Rc<Endpoint>>,
    /// Made when first needed.
    connector: Option<TlsConnector>,
}

impl Clusters {
    /// A cluster as `config` has it. `None`: it has none of this name.
    pub(crate) fn get(&self, config: &Config, key: &ClusterKey) -> Option<Rc<ClusterState>> {
        let known = self.known.borrow().get(key).cloned();
        match known {
            Some(state) if state.serial.get() >= config.serial => Some(state),
            Some(state) => {
                let cluster = config.snapshot.clusters.get(key)?;
                state.serial.set(config.serial);
                state.update(cluster);
                Some(state)
            }
            None => {
                let cluster = config.snapshot.clusters.get(key)?;
                let state = Rc::new(ClusterState::new(cluster, config.serial));
                self.known.borrow_mut().insert(key.clone(), state.clone());
                Some(state)
            }
        }
    }

    /// Closes connections that were idle for too long, and forgets clusters that are gone.
    pub(crate) fn sweep(&self, clock: &Clock, config: &Config) {
        self.known.borrow_mut().retain(|key, state| {
            for endpoint in &state.current.borrow().endpoints {
                endpoint.sweep(clock);
            }
            state.serial.get() >= config.serial || config.snapshot.clusters.contains_key(key)
        });
    }
}

impl ClusterState {
    fn new(cluster: &Arc<Cluster>, serial: u64) -> Self {
        Self {
            serial: Cell::new(serial),
            current: RefCell::new(Current {
                cluster: cluster.clone(),
                endpoints: endpoints(cluster, &[]),
                connector: None,
            }),
            turn: Cell::new(0),
        }
    }

    fn update(&self, cluster: &Arc<Cluster>) {
        let mut current = self.current.borrow_mut();
        if Arc::ptr_eq(&current.cluster, cluster) {
            return;
        }
        // Connections that were made by other rules may not be used by these.
        let same_wire =
            current.cluster.tls == cluster.tls && current.cluster.protocol == cluster.protocol;
        let kept = if same_wire {
            std::mem::take(&mut current.endpoints)
        } else {
            current.connector = None;
            Vec::new()
        };
        current.endpoints = endpoints(cluster, &kept);
        current.cluster = cluster.clone();
    }

    /// The snapshot's cluster.
    pub(crate) fn cluster(&self) -> Arc<Cluster> {
        self.current.borrow().cluster.clone()
    }

    /// How long its unused connections are kept.
    pub(crate) fn idle_timeout(&self) -> Option<Duration> {
        self.current.borrow().cluster.limits.idle_timeout
    }

    /// The endpoint for the next try: none of those that were tried, if others are there.
    pub(crate) fn choose(&self, tried: &[Rc<Endpoint>]) -> Option<Rc<Endpoint>> {
        let current = self.current.borrow();
        let count = current.endpoints.len();
        let start = self.turn.get();
        self.turn.set(start.wrapping_add(1));
        let from_turn = (0..count).map(|step| (start + step) % count);
        let usable = || {
            from_turn
                .clone()
                .filter(|index| !current.cluster.endpoints[*index].draining)
                .map(|index| &current.endpoints[index])
        };
        let fresh =
            usable().find(|endpoint| !tried.iter().any(|other| Rc::ptr_eq(other, endpoint)));
        fresh.or_else(|| usable().next()).cloned()
    }
}

/// States for a cluster's endpoints: those of `kept` with the same destination, or new ones.
fn endpoints(cluster: &Cluster, kept: &[Rc<Endpoint>]) -> Vec<Rc<Endpoint>> {
    let by_destination: HashMap<&Destination, &Rc<Endpoint>> = kept
        .iter()
        .map(|endpoint| (endpoint.destination(), endpoint))
        .collect();
    cluster
        .endpoints
        .iter()
        .map(|endpoint| match by_destination.get(&endpoint.destination) {
            Some(known) => (*known).clone(),
            None => Rc::new(Endpoint::new(endpoint.destination.clone())),
        })
        .collect()
}
