//! What a balancer remembers of one endpoint.

use tidegate_routing::Endpoint;

use crate::hash::hash_destination;

/// How an endpoint is, for explanations and metrics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndpointStatus {
    /// By active checks.
    pub healthy: bool,
    /// It rests after failures.
    pub ejected: bool,
    /// Requests under way from this worker.
    pub active: u32,
    /// The expected latency, once there was an answer.
    pub latency_ns: Option<u64>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) endpoint: Endpoint,
    pub(super) serial: u32,
    /// Requests under way.
    pub(super) active: u32,
    /// By active checks.
    pub(super) healthy: bool,
    /// When it joined others, or came back to them.
    pub(super) joined_ns: Option<u64>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// How often it was ejected lately, for longer rests.
    pub(super) ejected_times: u32,
    pub(super) ejected_until_ns: u64,
    /// Rests in a row because no connection could be made.
    pub(super) unreachable_times: u32,
    pub(super) latency: Latency,
    /// Its turn in the order of round robin, in virtual time.
    pub(super) turn: u64,
    /// Whether it was a candidate when candidates were last gathered.
    pub(super) candidate: bool,
    pub(super) hash: u64,
}

impl State {
    pub(super) fn new(endpoint: Endpoint, serial: u32, joined_ns: Option<u64>) -> Self {
        let hash = hash_destination(&endpoint.destination);
        Self {
            endpoint,
            serial,
            active: 0,
            healthy: true,
            joined_ns,
            failures: 0,
            ejected_times: 0,
            ejected_until_ns: 0,
            unreachable_times: 0,
            latency: Latency::default(),
            turn: 0,
            candidate: false,
            hash,
        }
    }

    pub(super) fn is_ejected(&self, now_ns: u64) -> bool {
        self.ejected_until_ns > now_ns
    }

    pub(super) fn weight(&self) -> u64 {
        u64::from(self.endpoint.weight.max(1))
    }

    /// Which share of its weight it gets: grows from a tenth to all while it starts slowly.
    pub(super) fn warmth(&self, slow_start_ns: u64, now_ns: u64) -> f64 {
        let Some(joined_ns) = self.joined_ns else {
            return 1.0;
        };
        let age_ns = now_ns.saturating_sub(joined_ns);
        if age_ns >= slow_start_ns {
            return 1.0;
        }
        (age_ns as f64 / slow_start_ns as f64).max(0.1)
    }

    pub(super) fn status(&self, now_ns: u64) -> EndpointStatus {
        EndpointStatus {
            healthy: self.healthy,
            ejected: self.is_ejected(now_ns),
            active: self.active,
            latency_ns: self.latency.nanoseconds(),
        }
    }
}

/// Expected latency: rises to a peak at once, and falls slowly. Peak EWMA, as Finagle made it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latency {
    /// 0 is unknown.
    expected_ns: f64,
    at_ns: u64,
}

/// How fast old observations fade.
const FADE_NS: f64 = 10e9;

impl Latency {
    pub(super) fn observe(&mut self, latency_ns: u64, now_ns: u64) {
        let latency_ns = latency_ns.max(1) as f64;
        let kept = self.kept(now_ns);
        self.expected_ns = match latency_ns > self.expected_ns {
            true => latency_ns,
            false => self.expected_ns * kept + latency_ns * (1.0 - kept),
        };
        self.at_ns = now_ns;
    }

    /// Falls while nothing is observed, so that a slow one is tried again.
    pub(super) fn expected_ns(&self, now_ns: u64) -> Option<f64> {
        (self.expected_ns > 0.0).then(|| self.expected_ns * self.kept(now_ns))
    }

    fn kept(&self, now_ns: u64) -> f64 {
        (-(now_ns.saturating_sub(self.at_ns) as f64) / FADE_NS).exp()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a saturating cast of a positive number of nanoseconds, to show"
    )]
    fn nanoseconds(&self) -> Option<u64> {
        (self.expected_ns > 0.0).then_some(self.expected_ns as u64)
    }
}
