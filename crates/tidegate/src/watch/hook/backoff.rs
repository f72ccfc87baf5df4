//! How long to wait before the next attempt. Pure: the attempt's number and a random number in.

use jiff::{Timestamp, fmt::rfc2822};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);
/// A receiver may ask for more patience than we would have, but not for eternity.
const RETRY_AFTER_LONGEST: Duration = Duration::from_secs(3600);

/// Doubles with each failure up to a minute. `random` in 0..1 takes up to half of it away.
pub(super) fn delay(failures: u32, random: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled
        .min(LONGEST)
        .mul_f64(1.0 - random.clamp(0.0, 1.0) / 2.0)
}

/// `Retry-After` in seconds or as an HTTP date.
pub(super) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    let wait = match header.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let time = rfc2822::DateTimeParser::new()
                .parse_timestamp(header)
                .ok()?;
            Duration::try_from(time.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_LONGEST))
}

/// A random number in 0..1.
pub(super) fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness the wait is only less spread out.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    //! The series of waits, and both forms of `Retry-After`.

    use super::{delay, retry_after};
    use std::time::Duration;

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<u128> = [1, 2, 3, 7, 8, 9, u32::MAX]
            .into_iter()
            .map(|failures| delay(failures, 0.0).as_millis())
            .collect();
        assert_eq!(waits, [500, 1_000, 2_000, 32_000, 60_000, 60_000, 60_000]);
        assert_eq!(delay(2, 1.0), Duration::from_millis(500));
        assert_eq!(delay(2, 7.0), Duration::from_millis(500));
    }

    #[test]
    fn retry_after_takes_seconds_and_dates() {
        let now = "2026-11-25T10:00:00Z".parse().expect("a time");
        let wait = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait("Wed, 25 Nov 2026 10:00:30 GMT"), Some(30));
        assert_eq!(wait("Wed, 25 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!(wait("9999999"), Some(3600));
        assert_eq!(wait("soon"), None);
    }
}
