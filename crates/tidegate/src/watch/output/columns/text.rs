//! Small pieces that cells are made of: ages as kubectl writes them, joined lists, placeholders.

use super::Subject;
use jiff::Timestamp;
use serde_json::Value;

pub(super) const NONE: &str = "<none>";
pub(super) const UNKNOWN: &str = "<unknown>";

/// A string field; empty when absent.
pub(super) fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A scalar, or `<none>`.
pub(super) fn or_none(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => NONE.to_owned(),
    }
}

/// A count that the API leaves out when it is zero.
pub(super) fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

pub(super) fn joined(items: impl IntoIterator<Item = String>) -> String {
    let text = items
        .into_iter()
        .filter(|item| !item.is_empty())
        .collect::<Vec<_>>()
        .join(",");
    if text.is_empty() {
        NONE.to_owned()
    } else {
        text
    }
}

/// `a=1,b=2` of a map of strings.
pub(super) fn pairs(map: &Value) -> String {
    joined(
        map.as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", string(value))),
    )
}

pub(super) fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn age_of(subject: &Subject<'_>) -> String {
    since(
        &subject.object["metadata"]["creationTimestamp"],
        subject.now,
    )
}

/// How long ago a timestamp field was; `<unknown>` without one.
pub(super) fn since(time: &Value, now: Timestamp) -> String {
    match time
        .as_str()
        .and_then(|text| text.parse::<Timestamp>().ok())
    {
        Some(time) => human_duration(now.as_second() - time.as_second()),
        None => UNKNOWN.to_owned(),
    }
}

/// Between two timestamp fields, or until now.
pub(super) fn between(start: &Value, end: &Value, now: Timestamp) -> String {
    match end.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
        Some(end) => since(start, end),
        None if start.is_string() => since(start, now),
        None => String::new(),
    }
}

/// Two significant units at most, as in kubectl: `45s`, `3m10s`, `26h`, `9d`, `2y31d`.
pub(super) fn human_duration(seconds: i64) -> String {
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    let seconds = seconds.max(0);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let two = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 {
            format!("{whole}{unit}")
        } else {
            format!("{whole}{unit}{rest}{small}")
        }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    //! kubectl's own table of ages.

    use super::human_duration;

    #[test]
    fn ages_read_as_in_kubectl() {
        let cases = [
            (-5, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (190, "3m10s"),
            (660, "11m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (90_000, "25h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (800_000, "9d"),
            (63_072_000 + 86_400, "2y1d"),
            (300_000_000, "9y"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(human_duration(seconds), expected, "{seconds}");
        }
    }
}
