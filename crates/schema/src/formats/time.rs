//! Dates, times and durations.

/// `2006-01-02`, and a day that exists.
pub(super) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let number = |from: usize, to: usize| {
        text.get(from..to)
            .filter(|part| is_digits(part))
            .and_then(|part| part.parse::<u32>().ok())
    };
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// A date, a `t`, a time and a zone. What follows a second `t` isn't looked at; nor is a leap second known.
pub(super) fn is_date_time(text: &str) -> bool {
    if text.len() < 4 {
        return false;
    }
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else {
        return false;
    };
    is_date(date) && is_time(time).is_some()
}

/// `([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))`
fn is_time(text: &str) -> Option<()> {
    let (hours, rest) = two_digits(text)?;
    let (minutes, rest) = two_digits(rest.strip_prefix(':')?)?;
    let (seconds, rest) = two_digits(rest.strip_prefix(':')?)?;
    if hours > "23" || minutes > "59" || seconds > "59" {
        return None;
    }
    if is_zone(rest) {
        return Some(());
    }
    // Any character may stand before the fraction.
    let mut chars = rest.chars();
    chars.next().filter(|c| *c != '\n')?;
    let fraction = chars.as_str();
    let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (zone.len() < fraction.len() && is_zone(zone)).then_some(())
}

fn is_zone(text: &str) -> bool {
    let offset = |text: &str| {
        let (_, rest) = two_digits(text.strip_prefix(['+', '-'])?)?;
        let (_, rest) = two_digits(rest.strip_prefix(':')?)?;
        rest.is_empty().then_some(())
    };
    text == "z" || offset(text).is_some()
}

fn two_digits(text: &str) -> Option<(&str, &str)> {
    let digits = text.get(..2).filter(|digits| is_digits(digits))?;
    Some((digits, &text[2..]))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What Go's `time.ParseDuration` reads, or numbers with words for units somewhere in the text (`3 days`).
pub(super) fn is_duration(text: &str) -> bool {
    is_go_duration(text).is_some() || has_worded_duration(text)
}

const LIMIT: u64 = 1 << 63;

fn is_go_duration(text: &str) -> Option<()> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Some(());
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = split_digits(rest);
        let mut value: u64 = match whole {
            "" => 0,
            digits => digits.parse().ok().filter(|value| *value <= LIMIT)?,
        };
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split_digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = nanoseconds(unit)?;
        if value > LIMIT / unit {
            return None;
        }
        value *= unit;
        value += part_of(fraction, unit);
        sum = sum
            .checked_add(value)
            .filter(|sum| value <= LIMIT && *sum <= LIMIT)?;
        rest = after;
    }
    (negative || sum < LIMIT).then_some(())
}

/// The nanoseconds of a fraction of a unit, near enough to see an overflow.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a fraction of an hour"
)]
fn part_of(digits: &str, unit: u64) -> u64 {
    let fraction: f64 = format!("0.{digits}0").parse().unwrap_or(0.0);
    (fraction * unit as f64) as u64
}

fn nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Units by their short names, or by words that begin with the long one.
fn has_worded_duration(text: &str) -> bool {
    const SHORT: [&str; 16] = [
        "ns", "nano", "us", "µs", "micro", "ms", "milli", "s", "sec", "m", "min", "h", "hr",
        "hour", "d", "day",
    ];
    const WEEKS: [&str; 3] = ["w", "wk", "week"];
    const LONG: [&str; 8] = [
        "nano", "micro", "milli", "sec", "min", "hour", "day", "week",
    ];
    let mut rest = text;
    let mut found = false;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (digits, after) = split_digits(&rest[start..]);
        let after = after.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']);
        let end = after
            .find(|c: char| !(c.is_ascii_alphabetic() || c == 'µ'))
            .unwrap_or(after.len());
        rest = &after[end..];
        if end == 0 {
            continue;
        }
        if digits.parse::<i64>().is_err() {
            return false;
        }
        let unit = after[..end].to_lowercase();
        let is_short = SHORT
            .iter()
            .chain(&WEEKS)
            .any(|short| *short == unit || (*short == "µs" && unit == "μs"));
        found |= is_short || LONG.iter().any(|long| unit.starts_with(long));
    }
    found
}
