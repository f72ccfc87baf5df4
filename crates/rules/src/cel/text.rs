//! How Go prints numbers, durations and quoted text: what `string()` and messages need.

use std::fmt::Write as _;

/// Go's `%g`.
pub(crate) fn double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let short = format!("{value:e}");
    let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// Go's `time.Duration.String()`.
pub(crate) fn duration(nanos: i64) -> String {
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let fraction = |value: u64, unit: u64| {
        let rest = value % unit;
        if rest == 0 {
            return String::new();
        }
        let width = unit.ilog10() as usize;
        let digits = format!("{rest:0width$}");
        format!(".{}", digits.trim_end_matches('0'))
    };
    if magnitude == 0 {
        return "0s".to_owned();
    }
    if magnitude < 1_000 {
        return format!("{sign}{magnitude}ns");
    }
    if magnitude < 1_000_000 {
        return format!(
            "{sign}{}{}µs",
            magnitude / 1_000,
            fraction(magnitude, 1_000)
        );
    }
    if magnitude < 1_000_000_000 {
        let part = fraction(magnitude, 1_000_000);
        return format!("{sign}{}{part}ms", magnitude / 1_000_000);
    }
    let seconds = magnitude / 1_000_000_000;
    let part = fraction(magnitude, 1_000_000_000);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{sign}{hours}h{minutes}m{rest}{part}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m{rest}{part}s")
    } else {
        format!("{sign}{rest}{part}s")
    }
}

/// Seconds as `string(duration)` gives them: `5400s`, `1.5s`.
pub(crate) fn seconds(nanos: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "as Go's Duration.Seconds does")]
    let value = (nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9;
    format!("{value}s")
}

/// Go's `%q`.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
