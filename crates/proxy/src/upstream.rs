//! One worker's view of clusters: their endpoints, the connections kept to them, and who gets the next request.
//!
//! State is made when a cluster is first used, and brought up to date when a request finds that the snapshot holds
//! another version of it. So a change of configuration costs nothing here until it is used, and a change of endpoints
//! touches no connection of those that stay.

mod announce;
mod connect;
mod dial;
mod endpoint;
mod h2;
mod judge;
mod open;
mod resolve;
mod shares;
mod spread;

pub(crate) use self::{
    announce::announce,
    connect::ConnectError,
    dial::dial,
    endpoint::{Endpoint, Link},
    h2::{Answer, Slot},
    open::{Need, Way},
};

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use foldhash::fast::RandomState;
use tidegate_balance::{
    Balancer, Breakers, BudgetSettings, EndpointId, Outcome, PickRequest, Resource, RetryBudget,
    Settings, Tripped,
};
use tidegate_routing::{Balance, Cluster, ClusterKey, Destination, Hedging, Locality, Offer};
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;

use self::spread::{Spread, spread};
use crate::{clock::Clock, health::Unhealthy, names::Known, worker::Config};

/// All clusters that this worker has used.
#[derive(Default)]
pub(crate) struct Clusters {
    known: RefCell<HashMap<ClusterKey, Rc<ClusterState>, RandomState>>,
    /// Where this worker is.
    here: Locality,
    /// By active health checks.
    unhealthy: RefCell<Unhealthy>,
    names: RefCell<Known>,
    /// Counts how often something was said of names.
    named: Cell<u64>,
    told: Notify,
}

/// One cluster.
pub(crate) struct ClusterState {
    /// The worker's version of the configuration that this was last compared with.
    serial: Cell<u64>,
    /// What was said of names when its endpoints were last gathered; nothing can be said of a cluster without names.
    named: Cell<u64>,
    current: RefCell<Current>,
    breakers: SharedBreakers,
}

/// Counts a cluster's connections and requests. Links hold it too, so that closing one is counted wherever it happens.
pub(crate) type SharedBreakers = Rc<RefCell<Breakers>>;

/// What follows from the snapshot's cluster.
struct Current {
    cluster: Arc<Cluster>,
    /// Its endpoints.
    spread: Spread,
    balancer: Balancer,
    budget: RetryBudget,
    endpoints: HashMap<EndpointId, Rc<Endpoint>, RandomState>,
    /// What its connections offer, where a request needs nothing else.
    offer: Offer,
    /// By what they offer.
    connectors: HashMap<Offer, TlsConnector, RandomState>,
}

/// An endpoint that was chosen for a try: it counts as busy until [`ClusterState::finish`].
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) id: EndpointId,
    pub(crate) endpoint: Rc<Endpoint>,
}

impl Clusters {
    /// For a worker in this place.
    pub(crate) fn new(here: Locality) -> Self {
        Self {
            here,
            ..Self::default()
        }
    }

    /// A cluster as `config` has it. `None`: it has none of this name.
    pub(crate) fn get(
        &self,
        config: &Config,
        key: &ClusterKey,
        now_ns: u64,
    ) -> Option<Rc<ClusterState>> {
        let known = self.known.borrow().get(key).cloned();
        match known {
            Some(state) if state.serial.get() >= config.serial => {
                if state.named.get() < self.named.get() {
                    let cluster = state.current.borrow().cluster.clone();
                    self.update(&state, &cluster, now_ns);
                }
                Some(state)
            }
            Some(state) => {
                let cluster = config.snapshot.clusters.get(&key.0)?;
                state.serial.set(config.serial);
                self.update(&state, cluster, now_ns);
                Some(state)
            }
            None => {
                let cluster = config.snapshot.clusters.get(&key.0)?;
                let spread = spread(&cluster.endpoints, &self.names.borrow());
                let state = ClusterState::new(cluster, spread, &self.here, config.serial, now_ns);
                let state = Rc::new(state);
                self.known.borrow_mut().insert(key.clone(), state.clone());
                self.mark(&state);
                self.judge_one(key, &state, now_ns);
                Some(state)
            }
        }
    }

    fn update(&self, state: &ClusterState, cluster: &Arc<Cluster>, now_ns: u64) {
        let spread = spread(&cluster.endpoints, &self.names.borrow());
        if state.update(cluster, spread, &self.here, now_ns) {
            self.judge_one(&cluster.key, state, now_ns);
        }
        self.mark(state);
    }

    /// A cluster knows what is known of its names.
    fn mark(&self, state: &ClusterState) {
        let named = state.current.borrow().spread.named;
        state
            .named
            .set(if named { self.named.get() } else { u64::MAX });
    }

    /// Closes connections that were idle for too long, and forgets clusters that are gone.
    pub(crate) fn sweep(&self, clock: &Clock, config: &Config) {
        let now_ns = clock.coarse_ns();
        self.known.borrow_mut().retain(|key, state| {
            if state.named.get() < self.named.get() {
                let cluster = state.current.borrow().cluster.clone();
                self.update(state, &cluster, now_ns);
            }
            for endpoint in state.current.borrow().endpoints.values() {
                endpoint.sweep(clock);
            }
            state.serial.get() >= config.serial || config.snapshot.clusters.get(&key.0).is_some()
        });
    }
}

impl ClusterState {
    fn new(
        cluster: &Arc<Cluster>,
        spread: Spread,
        here: &Locality,
        serial: u64,
        now_ns: u64,
    ) -> Self {
        let settings = Settings::of(cluster, here);
        let balancer = Balancer::new(settings, &spread.endpoints, now_ns);
        let endpoints = endpoints(&balancer, &mut HashMap::default());
        Self {
            serial: Cell::new(serial),
            named: Cell::new(0),
            breakers: Rc::new(RefCell::new(Breakers::new(cluster.limits))),
            current: RefCell::new(Current {
                cluster: cluster.clone(),
                spread,
                balancer,
                budget: RetryBudget::new(BudgetSettings::default(), now_ns),
                endpoints,
                offer: cluster.offer(),
                connectors: HashMap::default(),
            }),
        }
    }

    /// Says whether anything is different.
    fn update(&self, cluster: &Arc<Cluster>, spread: Spread, here: &Locality, now_ns: u64) -> bool {
        let mut current = self.current.borrow_mut();
        let current = &mut *current;
        let same = current.spread.endpoints == spread.endpoints;
        current.spread = spread;
        if same && Arc::ptr_eq(&current.cluster, cluster) {
            return false;
        }
        // Connections that were made by other rules may not be used by these.
        if current.cluster.tls != cluster.tls
            || current.cluster.protocol != cluster.protocol
            || current.cluster.proxy_protocol != cluster.proxy_protocol
        {
            current.connectors.clear();
            current.endpoints.clear();
        }
        self.breakers.borrow_mut().set_limits(cluster.limits);
        let settings = Settings::of(cluster, here);
        current.balancer.set_settings(settings);
        if !same {
            let endpoints = &current.spread.endpoints;
            current.balancer.set_endpoints(endpoints, now_ns);
        }
        current.endpoints = endpoints(&current.balancer, &mut current.endpoints);
        current.offer = cluster.offer();
        current.cluster = cluster.clone();
        true
    }

    /// The status that all requests get, where the cluster must not be used.
    pub(crate) fn refused(&self) -> Option<u16> {
        let current = self.current.borrow();
        current.cluster.refused.as_ref().map(|(status, _)| *status)
    }

    /// What requests are spread by, where it is something of theirs.
    pub(crate) fn with_balance<T>(&self, act: impl FnOnce(&Balance) -> T) -> T {
        act(&self.current.borrow().cluster.balance)
    }

    /// Whether its endpoints may speak HTTP/2.
    pub(crate) fn may_speak_h2(&self) -> bool {
        self.current.borrow().offer != Offer::Http1
    }

    /// Whether its endpoints are spoken to by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.current.borrow().cluster.tls.is_some()
    }

    /// Whether a late answer is worth a second try.
    pub(crate) fn hedging(&self) -> Option<Hedging> {
        self.current.borrow().cluster.hedging
    }

    /// How long its unused connections are kept.
    pub(crate) fn idle_timeout(&self) -> Option<Duration> {
        self.current.borrow().cluster.limits.idle_timeout
    }

    /// Counts a request, until [`ClusterState::leave`].
    ///
    /// # Errors
    /// There are as many as may be.
    pub(crate) fn enter(&self) -> Result<(), Tripped> {
        self.breakers.borrow_mut().admit(Resource::Request)?;
        self.current.borrow_mut().budget.request();
        Ok(())
    }

    pub(crate) fn leave(&self) {
        self.breakers.borrow_mut().release(Resource::Request);
    }

    /// The same for a second try of a request that was counted, if the cluster can bear it.
    pub(crate) fn enter_again(&self, now_ns: u64) -> bool {
        let admitted = self.breakers.borrow_mut().admit(Resource::Request).is_ok();
        let bears = admitted && self.try_retry(now_ns);
        if admitted && !bears {
            self.leave();
        }
        bears
    }

    /// Whether the cluster can bear one more retry. If so, it is counted.
    pub(crate) fn try_retry(&self, now_ns: u64) -> bool {
        self.current.borrow_mut().budget.try_retry(now_ns)
    }

    /// The endpoint for the next try.
    pub(crate) fn choose(&self, request: &PickRequest<'_>, now_ns: u64) -> Option<Chosen> {
        let mut current = self.current.borrow_mut();
        let id = current.balancer.pick(request, now_ns).ok()?;
        let endpoint = current.endpoints.get(&id)?.clone();
        Some(Chosen { id, endpoint })
    }

    /// A try has ended.
    pub(crate) fn finish(
        &self,
        chosen: &Chosen,
        outcome: Outcome,
        latency_ns: Option<u64>,
        now_ns: u64,
    ) {
        let mut current = self.current.borrow_mut();
        current
            .balancer
            .finish(chosen.id, outcome, latency_ns, now_ns);
    }
}

/// States for a balancer's endpoints: those of `kept` with the same id, or new ones.
fn endpoints(
    balancer: &Balancer,
    kept: &mut HashMap<EndpointId, Rc<Endpoint>, RandomState>,
) -> HashMap<EndpointId, Rc<Endpoint>, RandomState> {
    balancer
        .endpoints()
        .filter_map(|(id, endpoint)| {
            let Destination::Address(address) = endpoint.destination else {
                return None;
            };
            let state = kept.remove(&id);
            Some((id, state.unwrap_or_else(|| Rc::new(Endpoint::new(address)))))
        })
        .collect()
}
