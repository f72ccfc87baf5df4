//! What active health checks say, for the balancers of this worker.

use std::net::SocketAddr;

use tidegate_balance::EndpointId;
use tidegate_routing::{ClusterKey, Destination};

use super::{ClusterState, Clusters};
use crate::health::Unhealthy;

impl Clusters {
    /// Something else is known of these clusters than before.
    pub(crate) fn judge(&self, unhealthy: Unhealthy, changed: &[ClusterKey], now_ns: u64) {
        self.unhealthy.replace(unhealthy);
        for key in changed {
            let state = self.known.borrow().get(key).cloned();
            if let Some(state) = state {
                self.judge_one(key, &state, now_ns);
            }
        }
    }

    /// Has a cluster know what is known already.
    pub(super) fn judge_one(&self, key: &ClusterKey, state: &ClusterState, now_ns: u64) {
        state.judge(self.unhealthy.borrow().get(key), now_ns);
    }
}

impl ClusterState {
    fn judge(&self, unhealthy: Option<&imbl::HashSet<SocketAddr>>, now_ns: u64) {
        let mut current = self.current.borrow_mut();
        let checked = current.cluster.health.is_some();
        let healthy = |destination: &Destination| match destination {
            Destination::Address(address) if checked => {
                unhealthy.is_none_or(|unhealthy| !unhealthy.contains(address))
            }
            _ => true,
        };
        let endpoints = current.balancer.endpoints();
        let verdicts: Vec<(EndpointId, bool)> = endpoints
            .map(|(id, endpoint)| (id, healthy(&endpoint.destination)))
            .collect();
        for (id, healthy) in verdicts {
            current.balancer.set_healthy(id, healthy, now_ns);
        }
    }
}
