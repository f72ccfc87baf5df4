//! A token bucket. Time is an argument.

use std::time::{Duration, Instant};

/// Allows `rate` a second, and `burst` at once.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(rate: f64, burst: f64) -> Self {
        Self {
            rate,
            burst,
            tokens: burst,
            at: None,
        }
    }

    /// Takes a token, or says when there will be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let passed = self
            .at
            .map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.at = Some(now);
        self.tokens = (self.tokens + passed.as_secs_f64() * self.rate).min(self.burst);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - self.tokens) / self.rate;
        Err(now + Duration::from_secs_f64(missing).max(Duration::from_millis(1)))
    }

    /// A token was not used.
    pub(super) fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;
    use std::time::{Duration, Instant};

    #[test]
    fn the_rate_holds_over_time() {
        let zero = Instant::now();
        let mut bucket = Bucket::new(10.0, 5.0);
        let mut taken = Vec::new();
        for millis in 0..2000 {
            if bucket.take(zero + Duration::from_millis(millis)).is_ok() {
                taken.push(millis);
            }
        }
        assert_eq!(taken.len(), 5 + 19);
        assert_eq!(taken[..6], [0, 1, 2, 3, 4, 100]);
    }

    #[test]
    fn it_says_when_to_come_again() {
        let zero = Instant::now();
        let mut bucket = Bucket::new(10.0, 1.0);
        assert_eq!(bucket.take(zero), Ok(()));
        assert_eq!(bucket.take(zero), Err(zero + Duration::from_millis(100)));
        bucket.give_back();
        assert_eq!(bucket.take(zero), Ok(()));
    }
}
