//! Times as Go reads them (RFC 3339) and Kubernetes writes them: in UTC, to the second or to the microsecond.

/// A text in the form that is written; or Go's words for what is wrong with it.
pub(crate) fn normal(text: &str, micros: bool) -> Result<String, String> {
    let (seconds, nanos) = Parser::new(text, micros).read()?;
    let base = time_text(seconds);
    if micros {
        let base = base.trim_end_matches('Z');
        return Ok(format!("{base}.{:06}Z", nanos / 1000));
    }
    Ok(base)
}

/// Seconds since 1970 of a time that Kubernetes wrote.
pub(crate) fn civil_seconds(text: &str) -> Option<i64> {
    Parser::new(text, false)
        .read()
        .ok()
        .map(|(seconds, _)| seconds)
}

/// `2026-01-02T03:04:05Z`.
pub(crate) fn time_text(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Days since 1970 of a date in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let index = (5 * day_of_year + 2) / 153;
    let (day, month) = (
        day_of_year - (153 * index + 2) / 5 + 1,
        (index + 2) % 12 + 1,
    );
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
    micros: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, micros: bool) -> Self {
        Self {
            text,
            rest: text,
            micros,
        }
    }

    fn layout(&self) -> &'static str {
        if self.micros {
            "2006-01-02T15:04:05.000000Z07:00"
        } else {
            "2006-01-02T15:04:05Z07:00"
        }
    }

    fn wrong(&self, part: &str) -> String {
        let rest = self.rest;
        format!(
            "parsing time {:?} as {:?}: cannot parse {rest:?} as {part:?}",
            self.text,
            self.layout()
        )
    }

    fn out_of_range(&self, what: &str) -> String {
        format!("parsing time {:?}: {what} out of range", self.text)
    }

    fn number(&mut self, width: usize, part: &str) -> Result<i64, String> {
        let found = self
            .rest
            .get(..width)
            .filter(|found| found.bytes().all(|byte| byte.is_ascii_digit()));
        let number = found
            .and_then(|found| found.parse().ok())
            .ok_or_else(|| self.wrong(part))?;
        self.rest = &self.rest[width..];
        Ok(number)
    }

    fn literal(&mut self, part: &str) -> Result<(), String> {
        self.rest = self
            .rest
            .strip_prefix(part)
            .ok_or_else(|| self.wrong(part))?;
        Ok(())
    }

    fn ranged(
        &mut self,
        part: &str,
        what: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, String> {
        let number = self.number(2, part)?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(self.out_of_range(what))
        }
    }

    /// Seconds since 1970, and nanoseconds.
    fn read(mut self) -> Result<(i64, i64), String> {
        let year = self.number(4, "2006")?;
        self.literal("-")?;
        let month = self.ranged("01", "month", 1..=12)?;
        self.literal("-")?;
        let day = self.number(2, "02")?;
        self.literal("T")?;
        let hour = self.ranged("15", "hour", 0..=23)?;
        self.literal(":")?;
        let minute = self.ranged("04", "minute", 0..=59)?;
        self.literal(":")?;
        let second = self.ranged("05", "second", 0..=59)?;
        let nanos = self.fraction()?;
        let offset = self.offset()?;
        if !self.rest.is_empty() {
            let rest = self.rest;
            return Err(format!(
                "parsing time {:?}: extra text: {rest:?}",
                self.text
            ));
        }
        let next = if month == 12 {
            days(year + 1, 1, 1)
        } else {
            days(year, month + 1, 1)
        };
        if day < 1 || day > next - days(year, month, 1) {
            return Err(self.out_of_range("day"));
        }
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Ok((seconds - offset, nanos))
    }

    fn fraction(&mut self) -> Result<i64, String> {
        let digits = self.rest.strip_prefix(['.', ',']).map_or("", |rest| {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            &rest[..end]
        });
        if self.micros && digits.len() < 6 {
            return Err(self.wrong(".000000"));
        }
        if digits.is_empty() {
            return Ok(0);
        }
        let taken = if self.micros { &digits[..6] } else { digits };
        self.rest = &self.rest[1 + taken.len()..];
        let padded: String = taken.chars().chain("000000000".chars()).take(9).collect();
        Ok(padded.parse().unwrap_or_default())
    }

    fn offset(&mut self) -> Result<i64, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let whole = self.rest;
        let bad = |this: &mut Self| {
            this.rest = whole;
            this.wrong("Z07:00")
        };
        let sign = match self.rest.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(bad(self)),
        };
        self.rest = &self.rest[1..];
        let hours = self.number(2, "").map_err(|_| bad(self))?;
        self.literal(":").map_err(|_| bad(self))?;
        let minutes = self.number(2, "").map_err(|_| bad(self))?;
        if hours > 24 {
            return Err(self.out_of_range("time zone offset hour"));
        }
        if minutes > 60 {
            return Err(self.out_of_range("time zone offset minute"));
        }
        Ok(sign * (hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn times_are_written_in_utc() {
        let layout =
            "parsing time \"X\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"X\" as \"2006\"";
        let cases: &[(&str, bool, Result<&str, &str>)] = &[
            ("2026-01-02T03:04:05Z", false, Ok("2026-01-02T03:04:05Z")),
            (
                "2026-01-02T03:04:05.678+01:30",
                false,
                Ok("2026-01-02T01:34:05Z"),
            ),
            (
                "2024-02-29T23:59:59-01:00",
                false,
                Ok("2024-03-01T00:59:59Z"),
            ),
            (
                "2026-01-02T03:04:05.678901Z",
                true,
                Ok("2026-01-02T03:04:05.678901Z"),
            ),
            ("1969-12-31T23:59:59Z", false, Ok("1969-12-31T23:59:59Z")),
            ("X", false, Err(layout)),
            (
                "2026-13-02T03:04:05Z",
                false,
                Err("parsing time \"2026-13-02T03:04:05Z\": month out of range"),
            ),
            (
                "2025-02-29T03:04:05Z",
                false,
                Err("parsing time \"2025-02-29T03:04:05Z\": day out of range"),
            ),
        ];
        for (text, micros, expect) in cases {
            let expect = expect.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(normal(text, *micros), expect, "{text}");
        }
    }
}
