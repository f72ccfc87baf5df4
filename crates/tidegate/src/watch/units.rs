//! Durations and sizes as kubectl and Go write them: `30s`, `1m30s`, `256Mi`.

use std::time::Duration;

/// `None` for zero. A bare number counts seconds.
pub(super) fn duration(text: &str) -> Result<Option<Duration>, String> {
    let bad = || format!("{text:?} is no duration such as 30s or 2m");
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok((seconds > 0).then(|| Duration::from_secs(seconds.into())));
    }
    if text.is_empty() {
        return Err(bad());
    }
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .ok_or_else(bad)?;
        let number: f64 = rest[..digits].parse().map_err(|_| bad())?;
        rest = &rest[digits..];
        let end = rest
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(bad()),
        };
        rest = &rest[end..];
        sum += Duration::try_from_secs_f64(number * unit).map_err(|_| bad())?;
    }
    Ok((!sum.is_zero()).then_some(sum))
}

pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let bad = || format!("{text:?} is no size such as 64Mi or 1Gi");
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| bad())?;
    let unit: u64 = match &text[digits..] {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(bad()),
    };
    number
        .checked_mul(unit)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    //! Both notations, and what is neither.

    use super::{bytes, duration};
    use std::time::Duration;

    #[test]
    fn durations() {
        assert_eq!(duration("0"), Ok(None));
        assert_eq!(duration("0s"), Ok(None));
        assert_eq!(duration("30"), Ok(Some(Duration::from_secs(30))));
        assert_eq!(duration("1m30s"), Ok(Some(Duration::from_secs(90))));
        assert_eq!(duration("1.5s"), Ok(Some(Duration::from_millis(1500))));
        assert_eq!(duration("250ms"), Ok(Some(Duration::from_millis(250))));
        for bad in ["", "s", "-1s", "3x", "9e99h", "1s2"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("256Mi"), Ok(256 << 20));
        assert_eq!(bytes("1k"), Ok(1_000));
        assert_eq!(bytes("17"), Ok(17));
        for bad in ["", "Mi", "0", "1Ti", "99999999999999Gi", "-1"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
