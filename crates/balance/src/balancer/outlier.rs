//! Passive health: an endpoint that fails several times in a row rests, each time longer; one that takes no connection
//! does at once, whatever the cluster says: others can have the request without any loss.

use tidegate_routing::OutlierEjection;

use super::{Balancer, EndpointId, Outcome};

/// How long one rests that took no connection: a second, then twice as long, up to 16 seconds.
const UNREACHABLE_NS: u64 = 1_000_000_000;
const UNREACHABLE_DOUBLED_MAX: u32 = 4;
/// No rest is longer: 5 minutes.
const REST_MAX_NS: u64 = 300_000_000_000;

impl Balancer {
    pub(super) fn judge(
        &mut self,
        id: EndpointId,
        outcome: Outcome,
        outliers: OutlierEjection,
        now_ns: u64,
    ) {
        let Some(state) = self.state_mut(id) else {
            return;
        };
        // Requests from before the ejection say nothing new.
        if state.is_ejected(now_ns) {
            return;
        }
        match outcome {
            Outcome::Unknown => return,
            Outcome::Success => {
                state.failures = 0;
                // It has kept up for as long as it rested: forgiven.
                let rest_ns = rest_ns(outliers, state.ejected_times);
                if now_ns.saturating_sub(state.ejected_until_ns) > rest_ns {
                    state.ejected_times = 0;
                }
                return;
            }
            Outcome::Failure | Outcome::Unreachable => {
                state.failures = state.failures.saturating_add(1);
            }
        }
        if state.failures < outliers.consecutive_failures.max(1)
            || !self.may_eject(outliers, now_ns)
        {
            return;
        }
        let Some(state) = self.state_mut(id) else {
            return;
        };
        state.ejected_times = state.ejected_times.saturating_add(1);
        state.ejected_until_ns = now_ns.saturating_add(rest_ns(outliers, state.ejected_times));
        // The first failure after the rest suffices.
        state.failures = outliers.consecutive_failures.saturating_sub(1);
        self.ejections += 1;
        self.candidates.invalidate();
    }

    /// After a connection that could not be made, or was.
    pub(super) fn rest(&mut self, id: EndpointId, outcome: Outcome, now_ns: u64) {
        let Some(state) = self.state_mut(id) else {
            return;
        };
        match outcome {
            Outcome::Unknown | Outcome::Failure => {}
            Outcome::Success => state.unreachable_times = 0,
            // Others that were sent there at the same time say nothing new.
            Outcome::Unreachable if state.is_ejected(now_ns) => {}
            Outcome::Unreachable => {
                let doubled = state.unreachable_times.min(UNREACHABLE_DOUBLED_MAX);
                state.unreachable_times = state.unreachable_times.saturating_add(1);
                state.ejected_until_ns = now_ns.saturating_add(UNREACHABLE_NS << doubled);
                self.candidates.invalidate();
            }
        }
    }

    /// Whether one more may rest: of those in the list, not more than the share, but one in any case. A cluster of one
    /// goes on being used (see `candidates`).
    fn may_eject(&self, outliers: OutlierEjection, now_ns: u64) -> bool {
        let (mut all, mut ejected) = (0_u64, 0_u64);
        for state in self.slots.iter().flatten() {
            all += u64::from(!state.endpoint.draining);
            ejected += u64::from(!state.endpoint.draining && state.is_ejected(now_ns));
        }
        let percent = u64::from(outliers.max_ejected_percent);
        percent > 0 && ejected < (all * percent / 100).max(1)
    }
}

/// How long the rest is after that many ejections.
fn rest_ns(outliers: OutlierEjection, times: u32) -> u64 {
    let base = u64::try_from(outliers.base_ejection.as_nanos()).unwrap_or(REST_MAX_NS);
    let factor = 1_u64 << times.saturating_sub(1).min(20);
    base.saturating_mul(factor).min(REST_MAX_NS.max(base))
}
