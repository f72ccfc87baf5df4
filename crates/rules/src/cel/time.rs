//! Points in time and durations: what Go's `time` package makes of text, without its clock and its zones.

use std::fmt;

/// A point in time: seconds since 1970 and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

/// 0001-01-01 and 9999-12-31: the bounds of timestamps.
const MIN: i64 = -62_135_596_800;
const MAX: i64 = 253_402_300_799;

/// A date and a time of day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Timestamp {
    /// Within the years 1 to 9999.
    pub(crate) fn new(seconds: i64, nanos: u32) -> Option<Self> {
        (MIN..=MAX)
            .contains(&seconds)
            .then_some(Self { seconds, nanos })
    }

    pub(crate) fn is_zero(self) -> bool {
        self.seconds == MIN && self.nanos == 0
    }

    /// The date and time at an offset from UTC, in seconds.
    pub(crate) fn civil(self, offset: i64) -> Civil {
        let seconds = self.seconds + offset;
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = from_days(days);
        Civil {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
        }
    }

    /// 0 is Sunday.
    pub(crate) fn weekday(self, offset: i64) -> i64 {
        ((self.seconds + offset).div_euclid(86_400) + 4).rem_euclid(7)
    }

    /// 0 is the first of January.
    pub(crate) fn day_of_year(self, offset: i64) -> i64 {
        let civil = self.civil(offset);
        days(civil.year, civil.month, civil.day) - days(civil.year, 1, 1)
    }

    /// All nanoseconds since 1970.
    pub(crate) fn total(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos)
    }

    pub(crate) fn from_total(total: i128) -> Option<Self> {
        let seconds = i64::try_from(total.div_euclid(1_000_000_000)).ok()?;
        let nanos = u32::try_from(total.rem_euclid(1_000_000_000)).ok()?;
        Self::new(seconds, nanos)
    }
}

/// As RFC 3339 with as many digits of the second as there are.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self.civil(0);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if self.nanos > 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Days since 1970 of a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads digits from the front.
struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    fn number(&mut self, width: usize) -> Option<i64> {
        let digits = self.0.get(..width)?;
        let value = digits.iter().try_fold(0i64, |sum, c| {
            c.is_ascii_digit().then(|| sum * 10 + i64::from(c - b'0'))
        })?;
        self.0 = &self.0[width..];
        Some(value)
    }

    fn sign(&mut self, c: u8) -> Option<()> {
        (self.0.first() == Some(&c)).then(|| self.0 = &self.0[1..])
    }

    fn date(&mut self) -> Option<(i64, i64, i64)> {
        let year = self.number(4)?;
        self.sign(b'-')?;
        let month = self.number(2)?;
        self.sign(b'-')?;
        let day = self.number(2)?;
        let fits = (1..=12).contains(&month) && (1..=month_length(year, month)).contains(&day);
        fits.then_some((year, month, day))
    }

    /// The seconds of the day, and nanoseconds.
    fn time(&mut self, lenient: bool) -> Option<(i64, u32)> {
        // Go takes an hour of one digit.
        let wide = self.0.get(1).is_some_and(u8::is_ascii_digit);
        let hour = self.number(if wide || !lenient { 2 } else { 1 })?;
        self.sign(b':')?;
        let minute = self.number(2)?;
        self.sign(b':')?;
        let second = self.number(2)?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut nanos = 0;
        if matches!(self.0.first(), Some(b'.' | b','))
            && self.0.get(1).is_some_and(u8::is_ascii_digit)
        {
            self.0 = &self.0[1..];
            let mut scale = 100_000_000;
            while let Some(c) = self.0.first().filter(|c| c.is_ascii_digit()) {
                nanos += u32::from(c - b'0') * scale;
                scale /= 10;
                self.0 = &self.0[1..];
            }
        }
        Some((hour * 3600 + minute * 60 + second, nanos))
    }

    /// Seconds east of UTC.
    fn zone(&mut self) -> Option<i64> {
        if self.sign(b'Z').is_some() {
            return Some(0);
        }
        let sign = if self.sign(b'+').is_some() {
            1
        } else {
            self.sign(b'-')?;
            -1
        };
        let hours = self.number(2)?;
        self.sign(b':')?;
        let minutes = self.number(2)?;
        (hours <= 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

/// Go's `time.Parse(time.RFC3339, text)`, without bounds.
pub(crate) fn rfc3339(text: &str) -> Option<(i64, u32)> {
    let mut reader = Reader(text.as_bytes());
    let (year, month, day) = reader.date()?;
    reader.sign(b'T')?;
    let (seconds, nanos) = reader.time(true)?;
    let offset = reader.zone()?;
    reader
        .0
        .is_empty()
        .then_some((days(year, month, day) * 86_400 + seconds - offset, nanos))
}

/// `YYYY-MM-DD`.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    let mut reader = Reader(text.as_bytes());
    let (year, month, day) = reader.date()?;
    reader.0.is_empty().then(|| Timestamp {
        seconds: days(year, month, day) * 86_400,
        nanos: 0,
    })
}

/// What OpenAPI's format `date-time` may hold: RFC 3339, or without a zone.
pub(crate) fn open_api_date_time(text: &str) -> Option<Timestamp> {
    if text.is_empty() {
        return Some(Timestamp {
            seconds: 0,
            nanos: 0,
        });
    }
    let zoned = if text.ends_with('Z') || rfc3339(text).is_some() {
        rfc3339(text)
    } else {
        rfc3339(&format!("{text}Z"))
    };
    zoned.map(|(seconds, nanos)| Timestamp { seconds, nanos })
}

/// Go's `time.ParseDuration`, in nanoseconds.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole_len = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = rest.split_at(whole_len);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(tail) => tail.split_at(tail.bytes().take_while(u8::is_ascii_digit).count()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit_len = after
            .bytes()
            .take_while(|c| *c != b'.' && !c.is_ascii_digit())
            .count();
        let (unit, after) = after.split_at(unit_len);
        let scale = unit_nanos(unit)?;
        let mut part = if whole.is_empty() {
            0
        } else {
            whole.parse::<u64>().ok()?.checked_mul(scale)?
        };
        part = part.checked_add(fraction_of(fraction, scale))?;
        total = total.checked_add(part)?;
        if total > 1 << 63 {
            return None;
        }
        rest = after;
    }
    if negative {
        return i64::try_from(-i128::from(total)).ok();
    }
    i64::try_from(total).ok()
}

fn unit_nanos(unit: &str) -> Option<u64> {
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

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as Go's leadingFraction does"
)]
fn fraction_of(digits: &str, scale: u64) -> u64 {
    let mut value: u64 = 0;
    let mut divisor = 1f64;
    for c in digits.bytes() {
        match value
            .checked_mul(10)
            .and_then(|v| v.checked_add(u64::from(c - b'0')))
        {
            Some(next) if next <= i64::MAX as u64 => {
                value = next;
                divisor *= 10.0;
            }
            _ => break,
        }
    }
    (value as f64 * (scale as f64 / divisor)) as u64
}

/// What OpenAPI's format `duration` may hold: Go's durations, or `1 day`.
pub(crate) fn open_api_duration(text: &str) -> Option<i64> {
    if let Some(nanos) = duration(text) {
        return Some(nanos);
    }
    let mut found = false;
    let mut total: i64 = 0;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        rest = &rest[start..];
        let (digits, after) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
        let spaced = after.trim_start_matches([' ', '\t', '\n', '\u{c}', '\r']);
        let unit_len: usize = spaced
            .chars()
            .take_while(|c| c.is_ascii_alphabetic() || *c == 'µ')
            .map(char::len_utf8)
            .sum();
        let (unit, after) = spaced.split_at(unit_len);
        rest = after;
        if unit.is_empty() {
            continue;
        }
        let factor: i64 = digits.parse().ok()?;
        if let Some(scale) = long_unit(&unit.to_lowercase()) {
            found = true;
            total = total.wrapping_add(factor.wrapping_mul(scale));
        }
    }
    found.then_some(total)
}

fn long_unit(unit: &str) -> Option<i64> {
    const UNITS: [(&[&str], i64); 8] = [
        (&["ns", "nano"], 1),
        (&["us", "µs", "micro"], 1_000),
        (&["ms", "milli"], 1_000_000),
        (&["s", "sec"], 1_000_000_000),
        (&["m", "min"], 60_000_000_000),
        (&["h", "hr", "hour"], 3_600_000_000_000),
        (&["d", "day"], 86_400_000_000_000),
        (&["w", "wk", "week"], 604_800_000_000_000),
    ];
    UNITS.iter().find_map(|(names, scale)| {
        let last = names.last().copied().unwrap_or_default();
        (names.contains(&unit) || unit.starts_with(last)).then_some(*scale)
    })
}
