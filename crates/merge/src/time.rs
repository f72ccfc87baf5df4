//! Times of managedFields entries: whole seconds, UTC, RFC 3339.

use jiff::Timestamp;

/// Unix seconds of an RFC 3339 time, or none if it is none.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok()?;
    // Half seconds before the epoch belong to the second before.
    Some(time.as_second() - i64::from(time.subsec_nanosecond() < 0))
}

/// `2006-01-02T15:04:05Z`.
pub(crate) fn format(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or_default()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}
