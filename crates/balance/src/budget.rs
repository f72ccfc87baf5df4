//! Retry budget: retries are at most a share of requests, plus a few per second, so that they never become a storm.
//!
//! Two buckets of thousandths of retries: one that every request fills a little, one that time fills.

/// Thousandths that one retry costs.
const RETRY: u64 = 1_000;
/// What the share may save up: 100 retries.
const SAVED_MAX: u64 = 100 * RETRY;

/// How many retries are allowed. Gateway API's GEP-3388 suggests 20 % and 10 per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Retries for 100 requests.
    pub percent: u32,
    /// Retries per second that are always allowed. Not saved up for more than one second.
    pub per_second: u32,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            percent: 20,
            per_second: 10,
        }
    }
}

/// The budget of one cluster in one worker.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    settings: BudgetSettings,
    of_requests: u64,
    of_time: u64,
    filled_at_ns: u64,
}

impl RetryBudget {
    /// With one second's worth to begin with.
    pub fn new(settings: BudgetSettings, now_ns: u64) -> Self {
        Self {
            settings,
            of_requests: 0,
            of_time: u64::from(settings.per_second) * RETRY,
            filled_at_ns: now_ns,
        }
    }

    /// A request came, not counting retries.
    pub fn request(&mut self) {
        let share = u64::from(self.settings.percent) * RETRY / 100;
        self.of_requests = (self.of_requests + share).min(SAVED_MAX);
    }

    /// Whether one more retry is allowed now. If so, it is taken.
    pub fn try_retry(&mut self, now_ns: u64) -> bool {
        self.fill(now_ns);
        let bucket = match self.of_requests >= RETRY {
            true => &mut self.of_requests,
            false => &mut self.of_time,
        };
        let allowed = *bucket >= RETRY;
        if allowed {
            *bucket -= RETRY;
        }
        allowed
    }

    fn fill(&mut self, now_ns: u64) {
        let per_second = u64::from(self.settings.per_second);
        let most = per_second * RETRY;
        if per_second == 0 {
            return;
        }
        let step_ns = 1_000_000_000 / (per_second * RETRY).min(1_000_000_000);
        let steps = now_ns.saturating_sub(self.filled_at_ns) / step_ns;
        self.of_time = self.of_time.saturating_add(steps).min(most);
        self.filled_at_ns += steps * step_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::{BudgetSettings, RetryBudget};

    /// How many of this many requests per second, all of which fail and want one retry, are retried in 10 s.
    fn retries(per_second: u64) -> u64 {
        let mut budget = RetryBudget::new(BudgetSettings::default(), 0);
        (0..per_second * 10)
            .filter(|at| {
                budget.request();
                budget.try_retry(at * 1_000_000_000 / per_second)
            })
            .count() as u64
    }

    /// Load is at most 1.2 times what it was, plus 10 per second (and the second's worth of the start).
    #[test]
    fn retries_never_become_a_storm() {
        for per_second in [1, 5, 10, 50, 100, 1_000, 20_000] {
            let got = retries(per_second);
            let most = per_second * 10 / 5 + 10 * 10 + 10;
            assert!(got <= most, "{per_second}/s: {got} retries of {most}");
            let least = (per_second * 10).min(per_second * 10 / 5 + 90);
            assert!(
                got >= least,
                "{per_second}/s: {got} retries, {least} were due"
            );
        }
    }

    #[test]
    fn a_quiet_hour_saves_up_no_more_than_a_second() {
        let mut budget = RetryBudget::new(BudgetSettings::default(), 0);
        let hour = 3_600_000_000_000;
        let burst = (0..1_000).filter(|_| budget.try_retry(hour)).count();
        assert_eq!(burst, 10);
        assert!(!budget.try_retry(0), "time that goes back fills nothing");
    }

    #[test]
    fn a_budget_of_nothing_allows_nothing() {
        let settings = BudgetSettings {
            percent: 0,
            per_second: 0,
        };
        let mut budget = RetryBudget::new(settings, 0);
        budget.request();
        assert!(!budget.try_retry(u64::MAX));
    }
}
