//! How long to wait before the next try: doubling, with jitter, forgotten after a quiet time.

use crate::rng::Rng;
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
/// When the server cannot be reached, it may be back soon, and trying costs it nothing.
const CAP_UNREACHABLE: Duration = Duration::from_secs(5);
/// When it refuses, asking often makes things worse.
const CAP_REFUSED: Duration = Duration::from_secs(30);
/// Failures further apart than this have nothing to do with each other.
const QUIET: Duration = Duration::from_secs(120);
const DOUBLINGS_MAX: u32 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Unreachable,
    Refused,
}

#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    last: Duration,
}

impl Backoff {
    /// The wait after a failure at `now`; between 0.5 and 1.5 times the nominal one.
    pub(super) fn next(&mut self, now: Duration, cause: Cause, rng: &mut Rng) -> Duration {
        if now.saturating_sub(self.last) > QUIET {
            self.failures = 0;
        }
        self.last = now;
        let cap = match cause {
            Cause::Unreachable => CAP_UNREACHABLE,
            Cause::Refused => CAP_REFUSED,
        };
        let nominal = FIRST
            .saturating_mul(1 << self.failures.min(DOUBLINGS_MAX))
            .min(cap);
        self.failures = self.failures.saturating_add(1);
        rng.duration(nominal / 2, nominal * 3 / 2)
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Cause, Duration, Rng};

    #[test]
    fn waits_double_to_the_cap_and_are_forgotten() {
        let (mut backoff, mut rng) = (Backoff::default(), Rng::new(1));
        let mut now = Duration::ZERO;
        for (nominal_ms, cause) in [
            (200, Cause::Refused),
            (400, Cause::Refused),
            (800, Cause::Unreachable),
            (1600, Cause::Unreachable),
            (3200, Cause::Unreachable),
            (5000, Cause::Unreachable),
            (12_800, Cause::Refused),
            (25_600, Cause::Refused),
            (30_000, Cause::Refused),
        ] {
            let wait = backoff.next(now, cause, &mut rng);
            let nominal = Duration::from_millis(nominal_ms);
            assert!(
                wait >= nominal / 2 && wait <= nominal * 3 / 2,
                "{wait:?} for {nominal:?}"
            );
            now += wait;
        }
        now += Duration::from_secs(121);
        assert!(backoff.next(now, Cause::Refused, &mut rng) < Duration::from_millis(301));
    }
}
