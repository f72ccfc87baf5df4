//! The balancer of one cluster in one worker: which endpoint gets the next request.
//!
//! Pure: time is nanoseconds of any monotonic clock, and every pick brings a random number. A pick allocates nothing; a
//! change of the endpoints, of their health or of an ejection costs in proportion to their number.
//!
//! Invariants: what is draining is never picked; what is unhealthy or ejected is picked only when too little else is left
//! (see [`candidates`]); the state of an endpoint lives as long as the endpoint is in the list.

use std::collections::BTreeMap;

use tidegate_routing::{Balance, Cluster, Destination, Endpoint, Locality, Near, OutlierEjection};

use crate::random::Draws;

use self::{candidates::Candidates, state::State};

pub(crate) mod candidates;
mod choose;
mod outlier;
mod state;
#[cfg(test)]
mod tests;

pub use self::state::EndpointStatus;

/// Names an endpoint of one balancer as long as it is there; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId {
    slot: u32,
    serial: u32,
}

/// What a balancer is told once, and again when it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub balance: Balance,
    pub outliers: Option<OutlierEjection>,
    /// How long an endpoint that joins others takes to get its full share. 0: none.
    pub slow_start_ns: u64,
    /// When fewer than this percentage of endpoints are healthy by active checks, health is ignored: checks that fail for
    /// that many are more likely wrong than right, and the few that are left would drown.
    pub panic_percent: u32,
    /// Where this gateway is.
    pub here: Locality,
    pub near: Near,
}

impl Settings {
    /// What a cluster says, for a gateway in this place.
    pub fn of(cluster: &Cluster, here: &Locality) -> Self {
        let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos());
        Self {
            balance: cluster.balance.clone(),
            outliers: cluster.outliers,
            slow_start_ns: cluster
                .slow_start
                .map_or(0, |time| nanoseconds(time).unwrap_or(u64::MAX)),
            panic_percent: 50,
            here: here.clone(),
            near: cluster.near,
        }
    }
}

/// What a pick may know of its request.
#[derive(Clone, Copy, Debug, Default)]
pub struct PickRequest<'a> {
    /// Of what makes requests stick to an endpoint ([`crate::hash_bytes`]); at random where there is none.
    pub hash: Option<u64>,
    /// Endpoints that were tried for this request. They are avoided while there are others.
    pub tried: &'a [EndpointId],
    /// A random number.
    pub random: u64,
}

/// There is nothing to pick. Answer 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no endpoint to send requests to")]
pub struct NoEndpoint;

/// How a request ended, as far as its endpoint is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered, whatever the client may think of the answer.
    Success,
    /// It broke the connection, timed out, or answered with a failure of its own (5xx).
    Failure,
    /// No connection to it could be made: a failure after which it rests in any case, though not for long.
    Unreachable,
    /// It can't be blamed: the client went away.
    Unknown,
}

/// See the module.
#[derive(Debug)]
pub struct Balancer {
    settings: Settings,
    /// By slot. `None` is free.
    slots: Vec<Option<State>>,
    free: Vec<u32>,
    serials: u32,
    candidates: Candidates,
    ejections: u64,
}

impl Balancer {
    /// Knows these endpoints from the start: none of them starts slowly.
    pub fn new(settings: Settings, endpoints: &[Endpoint], now_ns: u64) -> Self {
        let mut balancer = Self {
            settings,
            slots: Vec::with_capacity(endpoints.len()),
            free: Vec::new(),
            serials: 0,
            candidates: Candidates::default(),
            ejections: 0,
        };
        balancer.set_endpoints(endpoints, now_ns);
        balancer
    }

    /// New settings; the state of endpoints stays.
    pub fn set_settings(&mut self, settings: Settings) {
        if self.settings != settings {
            self.settings = settings;
            self.candidates.invalidate();
        }
    }

    /// The endpoints are now these. Those that stay keep their state and their id. Of two with the same destination, the
    /// first counts.
    pub fn set_endpoints(&mut self, endpoints: &[Endpoint], now_ns: u64) {
        let mut old: BTreeMap<Destination, u32> = BTreeMap::new();
        for (slot, state) in (0..).zip(&self.slots) {
            if let Some(state) = state {
                old.insert(state.endpoint.destination.clone(), slot);
            }
        }
        let warm = old.is_empty();
        let mut kept: BTreeMap<&Destination, ()> = BTreeMap::new();
        for endpoint in endpoints {
            if kept.insert(&endpoint.destination, ()).is_some() {
                continue;
            }
            match old.remove(&endpoint.destination) {
                Some(slot) => {
                    if let Some(state) = &mut self.slots[slot as usize] {
                        state.endpoint = endpoint.clone();
                    }
                }
                None => self.add(endpoint.clone(), (!warm).then_some(now_ns)),
            }
        }
        for slot in old.into_values() {
            self.slots[slot as usize] = None;
            self.free.push(slot);
        }
        self.candidates.invalidate();
    }

    fn add(&mut self, endpoint: Endpoint, joined_ns: Option<u64>) {
        let serial = self.serials;
        self.serials = self.serials.wrapping_add(1);
        let state = State::new(endpoint, serial, joined_ns);
        match self.free.pop() {
            Some(slot) => self.slots[slot as usize] = Some(state),
            None => self.slots.push(Some(state)),
        }
    }

    /// Picks the endpoint for a request, which counts as under way there until [`Balancer::finish`].
    ///
    /// # Errors
    /// There is none that takes new requests.
    pub fn pick(
        &mut self,
        request: &PickRequest<'_>,
        now_ns: u64,
    ) -> Result<EndpointId, NoEndpoint> {
        let mut draws = Draws::new(request.random);
        if self.candidates.is_stale(now_ns) {
            self.candidates
                .rebuild(&mut self.slots, &self.settings, now_ns, &mut draws);
        }
        let slot = self.choose(request, now_ns, &mut draws).ok_or(NoEndpoint)?;
        let state = self.slots[slot as usize].as_mut().ok_or(NoEndpoint)?;
        state.active += 1;
        Ok(EndpointId {
            slot,
            serial: state.serial,
        })
    }

    /// A request that was picked for ended. An endpoint that is gone by now is no error.
    pub fn finish(
        &mut self,
        id: EndpointId,
        outcome: Outcome,
        latency_ns: Option<u64>,
        now_ns: u64,
    ) {
        let outliers = self.settings.outliers;
        let Some(state) = self.state_mut(id) else {
            return;
        };
        debug_assert!(state.active > 0, "finished more than was picked");
        state.active = state.active.saturating_sub(1);
        if let (Some(latency_ns), Outcome::Success) = (latency_ns, outcome) {
            state.latency.observe(latency_ns, now_ns);
        }
        if let Some(outliers) = outliers {
            self.judge(id, outcome, outliers, now_ns);
        }
        self.rest(id, outcome, now_ns);
    }

    /// The result of active health checks, when it changes. Endpoints are healthy until said otherwise.
    pub fn set_healthy(&mut self, id: EndpointId, healthy: bool, now_ns: u64) {
        let Some(state) = self.state_mut(id) else {
            return;
        };
        if state.healthy != healthy {
            state.healthy = healthy;
            if healthy {
                state.joined_ns = Some(now_ns);
            }
            self.candidates.invalidate();
        }
    }

    /// The endpoint, while it is there.
    pub fn endpoint(&self, id: EndpointId) -> Option<&Endpoint> {
        self.state(id).map(|state| &state.endpoint)
    }

    /// How it is, while it is there.
    pub fn status(&self, id: EndpointId, now_ns: u64) -> Option<EndpointStatus> {
        self.state(id).map(|state| state.status(now_ns))
    }

    /// All endpoints, in no particular order.
    pub fn endpoints(&self) -> impl Iterator<Item = (EndpointId, &Endpoint)> {
        (0..).zip(&self.slots).filter_map(|(slot, state)| {
            let state = state.as_ref()?;
            let serial = state.serial;
            Some((EndpointId { slot, serial }, &state.endpoint))
        })
    }

    /// How often an endpoint was ejected so far.
    pub fn ejections(&self) -> u64 {
        self.ejections
    }

    fn state(&self, id: EndpointId) -> Option<&State> {
        let state = self.slots.get(id.slot as usize)?.as_ref()?;
        (state.serial == id.serial).then_some(state)
    }

    fn state_mut(&mut self, id: EndpointId) -> Option<&mut State> {
        let state = self.slots.get_mut(id.slot as usize)?.as_mut()?;
        (state.serial == id.serial).then_some(state)
    }
}
