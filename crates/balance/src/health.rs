//! From probes to a verdict: how many in a row it takes. Knows nothing of how probes are sent.

use tidegate_routing::HealthCheck;

/// What is known of one endpoint by its probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// `None` before the first probe has ended.
    verdict: Option<bool>,
    /// Probes in a row that contradict it.
    against: u32,
}

impl Health {
    /// A probe has ended. Yields the verdict where it is another one than before. The first probe decides alone: there
    /// is nothing else to go by, and a start shall not take many intervals.
    pub fn observe(&mut self, check: &HealthCheck, passed: bool) -> Option<bool> {
        let Some(verdict) = self.verdict else {
            self.verdict = Some(passed);
            return Some(passed);
        };
        if verdict == passed {
            self.against = 0;
            return None;
        }
        self.against = self.against.saturating_add(1);
        let enough = match passed {
            true => check.healthy_after,
            false => check.unhealthy_after,
        };
        if self.against < enough {
            return None;
        }
        *self = Self {
            verdict: Some(passed),
            against: 0,
        };
        Some(passed)
    }

    /// Whether it passes. `None`: no probe has ended yet, so it gets requests.
    pub fn verdict(&self) -> Option<bool> {
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::Health;
    use std::time::Duration;
    use tidegate_routing::{HealthCheck, Probe};

    /// `probes`: `+` passes, `-` fails. `verdicts`: what is told after each, `.` for nothing new.
    fn check(healthy_after: u32, unhealthy_after: u32, probes: &str, verdicts: &str) {
        let settings = HealthCheck {
            probe: Probe::Connect,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
            healthy_after,
            unhealthy_after,
        };
        let mut health = Health::default();
        let told = probes
            .chars()
            .map(|probe| match health.observe(&settings, probe == '+') {
                None => '.',
                Some(true) => 'H',
                Some(false) => 'U',
            });
        assert_eq!(told.collect::<String>(), verdicts, "{probes}");
    }

    #[test]
    fn the_first_probe_decides_and_then_so_many_in_a_row() {
        check(1, 3, "", "");
        check(1, 3, "+", "H");
        check(1, 3, "-", "U");
        check(1, 3, "++--+---", "H......U");
        check(1, 3, "---+", "U..H");
        check(2, 2, "-+-++", "U...H");
        check(1, 1, "+-+-", "HUHU");
        check(3, 1, "+-++-+++", "HU.....H");
    }
}
