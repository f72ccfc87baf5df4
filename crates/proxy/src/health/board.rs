//! What is probed, and what is known of it. Does no IO.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{Hash, Hasher},
    net::SocketAddr,
    sync::Arc,
};

use tidegate_balance::Health;
use tidegate_routing::{
    ClusterKey, Destination, HealthCheck, Offer, ProxyProtocol, Snapshot, UpstreamTls,
};
use tokio::task::AbortHandle;

use super::{EndpointHealth, ProbeCounts, Unhealthy};
use crate::names::Known;

/// What is probed: clusters that say the same of the same endpoint share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// What the cluster says.
    pub(super) destination: Destination,
    /// Where that leads.
    pub(super) address: SocketAddr,
    pub(super) check: HealthCheck,
    pub(super) offer: Offer,
    pub(super) tls: Option<Arc<UpstreamTls>>,
    pub(super) proxy_protocol: Option<ProxyProtocol>,
}

/// All that is probed now.
#[derive(Debug, Default)]
pub(super) struct Board {
    known: HashMap<Arc<Target>, State>,
    unhealthy: Unhealthy,
    counts: ProbeCounts,
}

/// News for the workers.
#[derive(Debug, PartialEq)]
pub(super) struct News {
    pub(super) unhealthy: Unhealthy,
    /// Those of which something else is known than before.
    pub(super) changed: Vec<ClusterKey>,
}

#[derive(Debug)]
struct State {
    users: BTreeSet<ClusterKey>,
    health: Health,
    fault: Option<Arc<str>>,
    /// Stops the task when this goes.
    _task: Task,
}

#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The rest is seldom another one.
        self.address.hash(state);
    }
}

impl Board {
    /// Probes what a snapshot has, by `start`, and stops what it has not.
    pub(super) fn follow(
        &mut self,
        snapshot: &Snapshot,
        known: &Known,
        start: impl Fn(Arc<Target>) -> AbortHandle,
    ) -> Option<News> {
        let mut old = std::mem::take(&mut self.known);
        for (target, users) in wanted(snapshot, known) {
            let (target, mut state) = old.remove_entry(&target).unwrap_or_else(|| {
                let target = Arc::new(target);
                let state = State {
                    users: BTreeSet::new(),
                    health: Health::default(),
                    fault: None,
                    _task: Task(start(target.clone())),
                };
                (target, state)
            });
            state.users = users;
            self.known.insert(target, state);
        }
        let mut unhealthy = Unhealthy::new();
        for (target, state) in &self.known {
            if state.health.verdict() == Some(false) {
                for user in &state.users {
                    let of_user = unhealthy.entry(user.clone()).or_default();
                    of_user.insert(target.address);
                }
            }
        }
        let before = std::mem::replace(&mut self.unhealthy, unhealthy);
        let keys: BTreeSet<&ClusterKey> = before.keys().chain(self.unhealthy.keys()).collect();
        let differs = |key: &&&ClusterKey| before.get(**key) != self.unhealthy.get(**key);
        let changed: Vec<ClusterKey> = keys.iter().filter(differs).copied().cloned().collect();
        (!changed.is_empty()).then(|| self.news(changed))
    }

    /// A probe has ended.
    pub(super) fn observe(&mut self, target: &Target, result: Result<(), String>) -> Option<News> {
        // It may have gone meanwhile.
        let state = self.known.get_mut(target)?;
        match &result {
            Ok(()) => self.counts.passed += 1,
            Err(_) => self.counts.failed += 1,
        }
        let passed = result.is_ok();
        state.fault = result.err().map(Into::into);
        let before = state.health.verdict();
        let verdict = state.health.observe(&target.check, passed)?;
        tracing::info!(
            endpoint = %target.destination,
            address = %target.address,
            healthy = verdict,
            fault = state.fault.as_deref(),
            "health"
        );
        if before.is_none() && verdict {
            return None;
        }
        let changed: Vec<ClusterKey> = state.users.iter().cloned().collect();
        for user in &changed {
            let of_user = self.unhealthy.entry(user.clone()).or_default();
            match verdict {
                true => of_user.remove(&target.address),
                false => of_user.insert(target.address),
            };
            if of_user.is_empty() {
                self.unhealthy.remove(user);
            }
        }
        Some(self.news(changed))
    }

    fn news(&self, changed: Vec<ClusterKey>) -> News {
        News {
            unhealthy: self.unhealthy.clone(),
            changed,
        }
    }

    pub(super) fn endpoints(&self) -> Vec<EndpointHealth> {
        let each = self.known.iter().flat_map(|(target, state)| {
            state.users.iter().map(|user| EndpointHealth {
                cluster: user.clone(),
                destination: target.destination.clone(),
                address: target.address,
                healthy: state.health.verdict(),
                fault: state.fault.clone(),
            })
        });
        let mut all: Vec<EndpointHealth> = each.collect();
        all.sort_by(|one, other| {
            let one = (&one.cluster, &one.destination, one.address);
            one.cmp(&(&other.cluster, &other.destination, other.address))
        });
        all
    }

    pub(super) fn counts(&self) -> ProbeCounts {
        self.counts
    }
}

/// All endpoints that a snapshot wants probed, with the clusters that want it. What is draining gets no requests anyway.
fn wanted(snapshot: &Snapshot, known: &Known) -> HashMap<Target, BTreeSet<ClusterKey>> {
    let mut wanted: HashMap<Target, BTreeSet<ClusterKey>> = HashMap::new();
    for cluster in snapshot.clusters.iter() {
        let Some(check) = &cluster.health else {
            continue;
        };
        if cluster.refused.is_some() {
            continue;
        }
        for endpoint in cluster.endpoints.iter().filter(|one| !one.draining) {
            for address in known.addresses(&endpoint.destination).unwrap_or_default() {
                let target = Target {
                    destination: endpoint.destination.clone(),
                    address,
                    check: check.clone(),
                    offer: cluster.offer(),
                    tls: cluster.tls.clone(),
                    proxy_protocol: cluster.proxy_protocol,
                };
                wanted
                    .entry(target)
                    .or_default()
                    .insert(cluster.key.clone());
            }
        }
    }
    wanted
}
