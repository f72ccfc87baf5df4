//! Quantities: `1500m`, `1.5Gi`, `12e6`, read and written in canonical form.

use std::cmp::Ordering;

const WRONG_FORM: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const WRONG_NUMBER: &str = "unable to parse numeric part of quantity";
const WRONG_SUFFIX: &str = "unable to parse quantity's suffix";
/// More digits than any real amount has; an `i128` holds them.
const DIGITS_MAX: usize = 30;

/// An amount: `value × 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity {
    value: i128,
    scale: i32,
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Exponent,
    Binary,
    Decimal,
}

/// The canonical text of a quantity.
pub(crate) fn normal(text: &str) -> Result<String, &'static str> {
    let parts = split(text)?;
    let (base, exponent, format) = suffix(parts.suffix).ok_or(WRONG_SUFFIX)?;
    if parts.is_canonical(exponent, format) {
        return Ok(text.to_owned());
    }
    Ok(parts.amount(base, exponent, format)?.text())
}

/// The amount that a text means.
pub(crate) fn quantity(text: &str) -> Result<Quantity, &'static str> {
    let parts = split(text)?;
    let (base, exponent, format) = suffix(parts.suffix).ok_or(WRONG_SUFFIX)?;
    parts.amount(base, exponent, format)
}

struct Parts<'t> {
    negative: bool,
    num: &'t str,
    denom: &'t str,
    suffix: &'t str,
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn split(text: &str) -> Result<Parts<'_>, &'static str> {
    if text.is_empty() {
        return Err(WRONG_FORM);
    }
    let negative = text.starts_with('-');
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (num, rest) = digits(rest.trim_start_matches('0'));
    let (denom, suffix) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    let tail = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let tail = tail.strip_prefix(['-', '+']).unwrap_or(tail);
    if !digits(tail).1.is_empty() {
        return Err(WRONG_FORM);
    }
    let num = if num.is_empty() { "0" } else { num };
    Ok(Parts {
        negative,
        num,
        denom,
        suffix,
    })
}

const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

fn suffix(text: &str) -> Option<(u32, i32, Format)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(suffix, _)| *suffix == text) {
        return Some((10, *exponent, Format::Decimal));
    }
    if let Some(at) = BINARY.iter().position(|suffix| *suffix == text) {
        return Some((2, 10 * i32::try_from(at + 1).ok()?, Format::Binary));
    }
    let exponent = text
        .strip_prefix(['e', 'E'])
        .filter(|rest| !rest.is_empty())?;
    Some((10, exponent.parse().ok()?, Format::Exponent))
}

impl Parts<'_> {
    /// The text is kept as it is.
    fn is_canonical(&self, exponent: i32, format: Format) -> bool {
        let shifted = format!("{}{}", self.num, self.denom);
        let places = i32::try_from(self.denom.len()).unwrap_or(i32::MAX);
        if shifted.len() > 15 || shifted.starts_with('0') {
            return false;
        }
        let value: i64 = shifted.parse().unwrap_or_default();
        match format {
            Format::Binary => {
                let digits = i32::try_from(self.num.len()).unwrap_or(i32::MAX);
                let fits = self.denom.is_empty() && 15 - digits - exponent * 3 / 10 > 0;
                fits && value & 7 != 0
            }
            _ => {
                let scale = exponent.saturating_sub(places);
                scale >= -9 && scale % 3 == 0 && !shifted.ends_with("000")
            }
        }
    }

    fn amount(&self, base: u32, exponent: i32, format: Format) -> Result<Quantity, &'static str> {
        let all = format!("{}{}", self.num, self.denom);
        if all.len() > DIGITS_MAX {
            return Err(WRONG_NUMBER);
        }
        let mut value: i128 = all.parse().map_err(|_| WRONG_NUMBER)?;
        let places = i32::try_from(self.denom.len()).map_err(|_| WRONG_NUMBER)?;
        let mut scale = -places;
        if base == 10 {
            scale = scale.saturating_add(exponent);
        } else {
            value = value.checked_mul(1 << exponent).unwrap_or(i128::MAX);
        }
        while scale < -9 && value != 0 {
            value = value / 10 + i128::from(value % 10 != 0);
            scale += 1;
            if value == 1 {
                scale = -9;
            }
        }
        let mut format = format;
        if format == Format::Binary {
            let one = 10_i128.pow(scale.unsigned_abs().min(9));
            let most = i128::from(i64::MAX).saturating_mul(one);
            value = value.min(most);
            if value > 0 && value < one {
                format = Format::Decimal;
            }
        }
        if self.negative {
            value = -value;
        }
        Ok(Quantity {
            value,
            scale,
            format,
        })
    }
}

impl Quantity {
    /// Less, equal or more than zero.
    pub(crate) fn sign(&self) -> i32 {
        match self.value.cmp(&0) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }
    }

    /// As a whole number, rounded away from zero.
    pub(crate) fn rounded_up(&self) -> i128 {
        let factor = 10_i128
            .checked_pow(self.scale.unsigned_abs())
            .unwrap_or(i128::MAX);
        if self.scale >= 0 {
            self.value.saturating_mul(factor)
        } else {
            self.value / factor + (self.value % factor).signum()
        }
    }

    /// Whether it is less than another amount.
    pub(crate) fn is_less(&self, other: &Self) -> bool {
        let low = self.scale.min(other.scale);
        let at = |amount: &Self| {
            let steps = amount.scale.saturating_sub(low).unsigned_abs().min(38);
            amount
                .value
                .saturating_mul(10_i128.checked_pow(steps).unwrap_or(i128::MAX))
        };
        at(self) < at(other)
    }

    /// A whole number of the smallest unit that `places` decimal places can tell.
    pub(crate) fn has_at_most_places(&self, places: i32) -> bool {
        let (mut value, mut scale) = (self.value, self.scale);
        while value != 0 && value % 10 == 0 {
            value /= 10;
            scale = scale.saturating_add(1);
        }
        value == 0 || scale >= -places
    }

    /// How many thousandths it is, rounded up.
    pub(crate) fn thousandths(&self) -> Option<i128> {
        let steps = self.scale.checked_add(3)?;
        let factor = 10_i128.checked_pow(steps.unsigned_abs())?;
        if steps >= 0 {
            return self.value.checked_mul(factor);
        }
        Some(self.value / factor + (self.value % factor).signum())
    }

    /// The text of the amount rounded up to three decimal places, where it has more.
    pub(crate) fn to_milli(mut self) -> Option<String> {
        if self.has_at_most_places(3) {
            return None;
        }
        while self.scale < -3 {
            self.value = self.value / 10 + (self.value % 10).signum();
            self.scale += 1;
        }
        Some(self.text())
    }

    fn text(&self) -> String {
        if self.value == 0 {
            return "0".to_owned();
        }
        let whole = self.whole();
        match (self.format, whole) {
            (Format::Binary, Some(whole)) if whole.abs() >= 1024 => binary(whole),
            (Format::Exponent, _) => self.decimal(true),
            _ => self.decimal(false),
        }
    }

    /// As a whole number, where it is one.
    fn whole(&self) -> Option<i128> {
        let steps = self.scale.unsigned_abs();
        let factor = 10_i128.checked_pow(steps)?;
        if self.scale >= 0 {
            self.value.checked_mul(factor)
        } else {
            (self.value % factor == 0).then_some(self.value / factor)
        }
    }

    fn decimal(&self, exponents: bool) -> String {
        let (mut value, mut scale) = (self.value, self.scale);
        while value % 10 == 0 {
            value /= 10;
            scale = scale.saturating_add(1);
        }
        while scale % 3 != 0 {
            value = value.saturating_mul(10);
            scale -= 1;
        }
        if exponents {
            return if scale == 0 {
                value.to_string()
            } else {
                format!("{value}e{scale}")
            };
        }
        let suffix = DECIMAL.iter().find(|(_, exponent)| *exponent == scale);
        format!("{value}{}", suffix.map_or("", |(suffix, _)| suffix))
    }
}

fn binary(whole: i128) -> String {
    let (mut value, mut times) = (whole, 0);
    while value.abs() >= 1024 && value % 1024 == 0 {
        value /= 1024;
        times += 1;
    }
    let suffix = if times == 0 {
        ""
    } else {
        BINARY.get(times - 1).copied().unwrap_or_default()
    };
    format!("{value}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::{WRONG_FORM, WRONG_SUFFIX, normal};

    #[test]
    fn texts_become_canonical() {
        let cases: &[(&str, Result<&str, &str>)] = &[
            ("0", Ok("0")),
            ("1", Ok("1")),
            ("0.5", Ok("500m")),
            ("1.5Gi", Ok("1536Mi")),
            ("1024Mi", Ok("1Gi")),
            ("100Mi", Ok("100Mi")),
            ("1000", Ok("1k")),
            ("1000m", Ok("1")),
            ("2000000", Ok("2M")),
            ("12e6", Ok("12e6")),
            ("12E6", Ok("12E6")),
            ("1e1", Ok("10")),
            ("0.1n", Ok("1n")),
            ("1.1Ki", Ok("1126400m")),
            ("512Ki", Ok("512Ki")),
            ("0Ki", Ok("0")),
            ("-1.5", Ok("-1500m")),
            ("+1", Ok("+1")),
            ("9Ei", Ok("9223372036854775807")),
            ("0.5Ki", Ok("512")),
            ("", Err(WRONG_FORM)),
            ("1 Gi", Err(WRONG_FORM)),
            ("1Gib", Err(WRONG_FORM)),
            ("1iG", Err(WRONG_SUFFIX)),
            ("abc", Err(WRONG_FORM)),
        ];
        for (text, expect) in cases {
            assert_eq!(normal(text), expect.map(str::to_owned), "{text}");
        }
    }
}
