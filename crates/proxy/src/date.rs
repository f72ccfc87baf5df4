//! The time of day as text: for the `Date` header and for logs.

use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: &[u8] = b"ThuFriSatSunMonTueWed";
const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// A day of the Gregorian calendar. Month and day count from 1.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
}

impl Civil {
    /// From days since 1970, after Howard Hinnant: years begin in March.
    fn new(days: u64) -> Self {
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let month = if month_index < 10 {
            month_index + 3
        } else {
            month_index - 9
        };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_index + 2) / 5 + 1,
        }
    }
}

/// Writes a number's last digits, as many as there is room for.
fn put(place: &mut [u8], value: u64) {
    let mut rest = value;
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}

/// The three letters of a list's entry.
fn letters(list: &[u8], index: u64) -> &[u8] {
    let start = usize::try_from(index).unwrap_or(0) * 3;
    list.get(start..start + 3).unwrap_or(b"???")
}

/// Seconds since 1970 as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, IMF-fixdate).
pub(crate) fn imf_fixdate(seconds: u64) -> [u8; 29] {
    let days = seconds / 86_400;
    let civil = Civil::new(days);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    text[..3].copy_from_slice(letters(DAYS, days % 7));
    put(&mut text[5..7], civil.day);
    text[8..11].copy_from_slice(letters(MONTHS, civil.month - 1));
    put(&mut text[12..16], civil.year);
    put(&mut text[17..19], seconds / 3600 % 24);
    put(&mut text[20..22], seconds / 60 % 60);
    put(&mut text[23..25], seconds % 60);
    text
}

/// Nanoseconds since 1970.
pub(crate) fn unix_ns(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Moments as `2026-11-25T18:00:00.123Z` (RFC 3339), of which most differ from the one before in milliseconds only.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    /// Since 1970, plus 1.
    second: u64,
    text: [u8; 24],
}

impl Moments {
    pub(crate) fn text(&mut self, unix_ns: u64) -> &[u8] {
        let second = unix_ns / 1_000_000_000;
        if self.second != second + 1 {
            self.second = second + 1;
            self.text = rfc3339(second);
        }
        put(&mut self.text[20..23], unix_ns / 1_000_000 % 1_000);
        &self.text
    }
}

fn rfc3339(seconds: u64) -> [u8; 24] {
    let civil = Civil::new(seconds / 86_400);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    put(&mut text[..4], civil.year);
    put(&mut text[5..7], civil.month);
    put(&mut text[8..10], civil.day);
    put(&mut text[11..13], seconds / 3600 % 24);
    put(&mut text[14..16], seconds / 60 % 60);
    put(&mut text[17..19], seconds % 60);
    text
}

#[cfg(test)]
mod tests {
    use super::{Moments, imf_fixdate};

    fn check_date(seconds: u64, expect: &str) {
        assert_eq!(std::str::from_utf8(&imf_fixdate(seconds)), Ok(expect));
    }

    #[test]
    fn dates() {
        check_date(0, "Thu, 01 Jan 1970 00:00:00 GMT");
        check_date(784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT");
        check_date(951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT");
        check_date(1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT");
        check_date(4_102_444_800, "Fri, 01 Jan 2100 00:00:00 GMT");
    }

    #[test]
    fn moments() {
        let mut moments = Moments::default();
        let mut check = |unix_ns, expect: &str| {
            assert_eq!(std::str::from_utf8(moments.text(unix_ns)), Ok(expect));
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(999_000_000, "1970-01-01T00:00:00.999Z");
        check(951_782_400_007_999_999, "2000-02-29T00:00:00.007Z");
        check(1_735_689_599_999_000_000, "2024-12-31T23:59:59.999Z");
    }
}
