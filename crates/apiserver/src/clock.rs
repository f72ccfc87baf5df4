//! The time, as objects have it.

use jiff::Timestamp;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock;

impl Clock {
    /// Seconds since 1970.
    pub(crate) fn seconds(self) -> i64 {
        Timestamp::now().as_second()
    }

    /// `2026-11-25T13:00:00Z`: `metav1.Time`.
    pub(crate) fn time(self) -> String {
        text(self.seconds())
    }
}

/// A moment as `metav1.Time` writes it.
pub(crate) fn text(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

/// Reads what `text` writes, and any other RFC 3339 time.
pub(crate) fn parse(text: &str) -> Option<i64> {
    text.parse().ok().map(Timestamp::as_second)
}
