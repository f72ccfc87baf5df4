//! Times in certificates: two digits for the year until 2049, four from then on.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use yasna::{
    Tag,
    models::TaggedDerValue,
    tags::{TAG_GENERALIZEDTIME, TAG_UTCTIME},
};

const LONG: &str = "%Y%m%d%H%M%SZ";

/// The DER of a time in Unix seconds. `None`: no calendar goes so far.
pub(crate) fn der_time(seconds: i64) -> Option<TaggedDerValue> {
    let time = Timestamp::from_second(seconds)
        .ok()?
        .to_zoned(TimeZone::UTC);
    let text = time.strftime(LONG).to_string();
    Some(match time.year() {
        1950..2050 => {
            TaggedDerValue::from_tag_and_bytes(TAG_UTCTIME, text.as_bytes()[2..].to_vec())
        }
        0..=9999 => TaggedDerValue::from_tag_and_bytes(TAG_GENERALIZEDTIME, text.into_bytes()),
        _ => return None,
    })
}

/// The Unix seconds of a time in DER, in one of the two forms that certificates may have.
pub(crate) fn unix_seconds(tag: Tag, bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let long = match tag {
        TAG_UTCTIME if text.len() == 13 => {
            let century = if text < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        TAG_GENERALIZEDTIME if text.len() == 15 => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime(LONG, long).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::{der_time, unix_seconds};

    #[test]
    fn times_are_written_and_read_in_the_form_of_their_century() {
        fn check(seconds: i64, expect: &str) {
            let der = der_time(seconds).expect("in the calendar");
            assert_eq!(std::str::from_utf8(der.value()), Ok(expect));
            assert_eq!(unix_seconds(der.tag(), der.value()), Some(seconds));
        }
        check(0, "700101000000Z");
        check(-1, "691231235959Z");
        check(1_795_613_798, "261125133638Z");
        check(2_524_607_999, "491231235959Z");
        check(2_524_608_000, "20500101000000Z");
        check(-631_152_000, "500101000000Z");
        check(-631_152_001, "19491231235959Z");
    }

    #[test]
    fn other_forms_are_refused() {
        use yasna::tags::{TAG_GENERALIZEDTIME, TAG_UTCTIME, TAG_UTF8STRING};
        fn check(tag: yasna::Tag, text: &str) {
            assert_eq!(unix_seconds(tag, text.as_bytes()), None, "{text}");
        }
        check(TAG_UTCTIME, "2611251336Z");
        check(TAG_UTCTIME, "261125133638+0100");
        check(TAG_UTCTIME, "269925133638Z");
        check(TAG_UTCTIME, "");
        check(TAG_GENERALIZEDTIME, "261125133638Z");
        check(TAG_GENERALIZEDTIME, "20261125133638.5Z");
        check(TAG_UTF8STRING, "261125133638Z");
        assert_eq!(der_time(i64::MAX).map(|_| ()), None);
    }
}
