//! What a scalar means in YAML 1.1, as go-yaml resolves it.

use serde_json::Value;

/// A scalar's meaning.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Beyond i64.
    Uint(u64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// The tag that go-yaml resolved.
    fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Text(_) => "!!str",
        }
    }

    /// As it comes through JSON: a whole float is a whole number after that, and a large one is a float.
    pub(super) fn into_value(self) -> Result<Value, String> {
        let unsupported = |text: &str| Err(format!("json: unsupported value: {text}"));
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(bool),
            Self::Int(int) => int.into(),
            Self::Uint(int) => through_json(&int.to_string()),
            Self::Float(float) if float.is_nan() => return unsupported("NaN"),
            Self::Float(float) if float.is_infinite() => {
                return unsupported(if float > 0.0 { "+Inf" } else { "-Inf" });
            }
            Self::Float(float) => through_json(&crate::gotext::json(&Value::from(float))),
            Self::Text(text) => Value::String(text),
        })
    }

    /// As a key of a map. Null is none.
    pub(super) fn into_key(self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(bool) => bool.to_string(),
            Self::Int(int) => int.to_string(),
            Self::Uint(_) => return None,
            Self::Float(float) if float.is_nan() => ".nan".to_owned(),
            Self::Float(float) if float.is_infinite() => {
                if float > 0.0 { ".inf" } else { "-.inf" }.to_owned()
            }
            Self::Float(float) => key_of(float),
            Self::Text(text) => text,
        })
    }

    /// `%#v` of a key.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Null => "<nil>".to_owned(),
            Self::Bool(bool) => bool.to_string(),
            Self::Int(int) => int.to_string(),
            Self::Uint(int) => format!("{int:#x}"),
            Self::Float(float) => crate::gotext::float_v(*float),
            Self::Text(text) => crate::gotext::quote(text),
        }
    }
}

fn through_json(literal: &str) -> Value {
    crate::parse::json::number_of(literal).unwrap_or_default()
}

/// `strconv.FormatFloat(float, 'g', -1, 32)`.
#[expect(clippy::cast_possible_truncation, reason = "as Go prints such keys")]
fn key_of(float: f64) -> String {
    match float as f32 {
        float if float == f32::INFINITY => ".inf".to_owned(),
        float if float == f32::NEG_INFINITY => "-.inf".to_owned(),
        float => crate::gotext::float32_v(float),
    }
}

/// The meaning of a scalar. A tag that doesn't fit is an error.
pub(super) fn resolve(text: &str, is_implicit: bool, tag: Option<&str>) -> Result<Scalar, String> {
    match tag {
        None if !is_implicit => return Ok(Scalar::Text(text.to_owned())),
        None | Some("!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp") => {}
        Some("!!binary") => return binary(text),
        Some(_) => return Ok(Scalar::Text(text.to_owned())),
    }
    let found = plain(text);
    match (tag, found) {
        (None, found) => Ok(found),
        (Some("!!timestamp"), Scalar::Text(text)) if is_date_like(&text) => Ok(Scalar::Text(text)),
        #[expect(
            clippy::cast_precision_loss,
            reason = "as Go converts an int to a float"
        )]
        (Some("!!float"), Scalar::Int(int)) => Ok(Scalar::Float(int as f64)),
        (Some(tag), found) if tag == found.tag() => Ok(found),
        (Some(tag), found) => Err(format!("cannot decode {} `{text}` as a {tag}", found.tag())),
    }
}

fn is_date_like(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4 && text.as_bytes().get(4) == Some(&b'-')
}

fn binary(text: &str) -> Result<Scalar, String> {
    let bytes = crate::gotext::base64(text).ok_or("!!binary value contains invalid base64 data")?;
    Ok(Scalar::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

fn plain(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => number(text).unwrap_or_else(|| Scalar::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Scalar> {
    match text.as_bytes().first()? {
        b'.' if is_float(text) => finite(text),
        b'0'..=b'9' | b'+' | b'-' => {
            let bare = text.replace('_', "");
            whole(&bare).or_else(|| is_float(&bare).then(|| finite(&bare))?)
        }
        _ => None,
    }
}

fn finite(text: &str) -> Option<Scalar> {
    text.parse()
        .ok()
        .filter(|float: &f64| float.is_finite())
        .map(Scalar::Float)
}

/// As Go's `ParseInt` with base 0: `0x`, `0o`, `0b`, and a plain `0`, which is octal.
fn whole(text: &str) -> Option<Scalar> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let has_sign = digits.len() < text.len();
    let prefix = digits.get(..2).map(str::to_ascii_lowercase);
    let (base, digits) = match prefix.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some(_) if digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    match (i64::try_from(magnitude), negative) {
        (Ok(int), false) => Some(Scalar::Int(int)),
        (Ok(int), true) => Some(Scalar::Int(-int)),
        (Err(_), true) => (magnitude == 1 << 63).then_some(Scalar::Int(i64::MIN)),
        (Err(_), false) => (!has_sign).then_some(Scalar::Uint(magnitude)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => !mantissa.is_empty() && is_digits(mantissa),
    };
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    is_mantissa && is_exponent
}
