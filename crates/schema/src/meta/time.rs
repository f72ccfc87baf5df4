//! Times as Go's `time.Parse` reads RFC 3339, and as Kubernetes writes them: whole seconds, in UTC.

use crate::gotext::quote;

const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
const DAY: i64 = 86_400;

/// The time in the form that Kubernetes stores, or Go's word for what is wrong with it.
pub fn canonical_time(text: &str) -> Result<String, String> {
    let mut reader = Reader { text, rest: text };
    let year = reader.digits(4, 4, "2006")?;
    reader.literal("-")?;
    let month = reader.digits(2, 2, "01")?;
    reader.within(month, 1, 12, "month")?;
    reader.literal("-")?;
    let day = reader.digits(2, 2, "02")?;
    reader.literal("T")?;
    let hour = reader.digits(1, 2, "15")?;
    reader.within(hour, 0, 23, "hour")?;
    reader.literal(":")?;
    let minute = reader.digits(2, 2, "04")?;
    reader.within(minute, 0, 59, "minute")?;
    reader.literal(":")?;
    let second = reader.digits(2, 2, "05")?;
    reader.within(second, 0, 59, "second")?;
    reader.fraction();
    let offset = reader.zone()?;
    if !reader.rest.is_empty() {
        return Err(format!(
            "parsing time {}: extra text: {}",
            quote(text),
            quote(reader.rest)
        ));
    }
    reader.within(day, 1, days_in(year, month), "day")?;
    let seconds = days_before(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    Ok(written(seconds))
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn digits(&mut self, min: usize, max: usize, layout: &str) -> Result<i64, String> {
        let count = self
            .rest
            .bytes()
            .take(max)
            .take_while(u8::is_ascii_digit)
            .count();
        if count < min {
            return Err(self.unreadable(layout));
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        digits.parse().map_err(|_| self.unreadable(layout))
    }

    fn literal(&mut self, literal: &str) -> Result<(), String> {
        self.rest = self
            .rest
            .strip_prefix(literal)
            .ok_or_else(|| self.unreadable(literal))?;
        Ok(())
    }

    /// Fractions of a second are read and forgotten.
    fn fraction(&mut self) {
        if let Some(after) = self.rest.strip_prefix(['.', ','])
            && after.starts_with(|c: char| c.is_ascii_digit())
        {
            self.rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        }
    }

    /// Seconds east of UTC.
    fn zone(&mut self) -> Result<i64, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let bytes = self.rest.as_bytes();
        if bytes.len() < 6 || bytes[3] != b':' {
            return Err(self.unreadable("Z07:00"));
        }
        let number = |at: usize| match (bytes[at], bytes[at + 1]) {
            (tens @ b'0'..=b'9', ones @ b'0'..=b'9') => {
                Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
            }
            _ => None,
        };
        let hours = number(1);
        let minutes = hours.and_then(|_| number(4));
        self.within(minutes.unwrap_or(0), 0, 60, "time zone offset minute")?;
        self.within(hours.unwrap_or(0), 0, 24, "time zone offset hour")?;
        let (sign, Some(hours), Some(minutes)) = (bytes[0], hours, minutes) else {
            return Err(self.unreadable("Z07:00"));
        };
        let sign = match sign {
            b'+' => 1,
            b'-' => -1,
            _ => return Err(self.unreadable("Z07:00")),
        };
        self.rest = &self.rest[6..];
        Ok(sign * (hours * 3600 + minutes * 60))
    }

    fn within(&self, value: i64, min: i64, max: i64, name: &str) -> Result<(), String> {
        if (min..=max).contains(&value) {
            return Ok(());
        }
        Err(format!(
            "parsing time {}: {name} out of range",
            quote(self.text)
        ))
    }

    fn unreadable(&self, layout: &str) -> String {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(self.text),
            quote(LAYOUT),
            quote(self.rest),
            quote(layout)
        )
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since the first day of the year 0.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let leap_days = match year {
        0 => 0,
        year => (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1,
    };
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    year * 365 + leap_days + months + day - 1
}

fn written(seconds: i64) -> String {
    let (mut days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Guessed low, then walked.
    let mut year = days.div_euclid(366).max(-1);
    let year_length = |year: i64| 365 + i64::from(is_leap(year));
    let start = |year: i64| {
        if year < 0 {
            -365
        } else {
            days_before(year, 1, 1)
        }
    };
    while days >= start(year) + year_length(year) {
        year += 1;
    }
    days -= start(year);
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let sign = if year < 0 { "-" } else { "" };
    let year = year.abs();
    format!(
        "{sign}{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        days + 1
    )
}
