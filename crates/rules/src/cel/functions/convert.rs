//! Conversions between types.

use super::{no_overload, opaque::Opaque, std::double_text};
use crate::cel::{
    equal, text,
    time::{self, Timestamp},
    value::{Fault, Outcome, Value},
};

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    let [value] = args else {
        return None;
    };
    let result = match name {
        "bool" => to_bool(value),
        "bytes" => match value {
            Value::Bytes(_) => Some(Ok(value.clone())),
            Value::String(text) => Some(Ok(Value::Bytes(text.as_str().as_bytes().into()))),
            _ => None,
        },
        "double" => to_double(value),
        "duration" => match value {
            Value::Duration(_) => Some(Ok(value.clone())),
            Value::String(text) => Some(match time::duration(text.as_str()) {
                Some(nanos) => Ok(Value::Duration(nanos)),
                None => Err(failed("string", "google.protobuf.Duration")),
            }),
            _ => None,
        },
        "int" => to_int(value),
        "uint" => to_uint(value),
        "string" => to_text(value),
        "timestamp" => to_timestamp(value),
        _ => return None,
    };
    Some(result.unwrap_or_else(|| Err(no_overload(name, args))))
}

fn failed(from: &str, to: &str) -> Fault {
    Fault::new(format!("type conversion error from '{from}' to '{to}'"))
}

fn to_bool<'a>(value: &Value<'a>) -> Option<Outcome<'a>> {
    match value {
        Value::Bool(_) => Some(Ok(value.clone())),
        Value::String(text) => Some(match text.as_str() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Value::Bool(false)),
            _ => Err(failed("string", "bool")),
        }),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "as Go converts")]
fn to_double<'a>(value: &Value<'a>) -> Option<Outcome<'a>> {
    Some(match value {
        Value::Double(_) => Ok(value.clone()),
        Value::Int(value) => Ok(Value::Double(*value as f64)),
        Value::Uint(value) => Ok(Value::Double(*value as f64)),
        Value::String(text) => match go_float(text.as_str()) {
            Some(value) => Ok(Value::Double(value)),
            None => Err(failed("string", "double")),
        },
        _ => return None,
    })
}

/// Go's `strconv.ParseFloat`: too large is an error; hexadecimal and underscores are not taken.
fn go_float(text: &str) -> Option<f64> {
    let value: f64 = match text
        .trim_start_matches(['+', '-'])
        .to_ascii_lowercase()
        .as_str()
    {
        "nan" if !text.starts_with(['+', '-']) => f64::NAN,
        "nan" => return None,
        "inf" | "infinity" => {
            return Some(if text.starts_with('-') {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            });
        }
        _ => {
            let value: f64 = text.parse().ok()?;
            if value.is_infinite() {
                return None;
            }
            value
        }
    };
    Some(value)
}

fn to_int<'a>(value: &Value<'a>) -> Option<Outcome<'a>> {
    let overflow = || Fault::new("integer overflow");
    Some(match value {
        Value::Int(_) => Ok(value.clone()),
        Value::Uint(value) => i64::try_from(*value)
            .map(Value::Int)
            .map_err(|_| overflow()),
        Value::Double(value) => double_to_int(*value).map(Value::Int).ok_or_else(overflow),
        Value::Duration(nanos) => Ok(Value::Int(*nanos)),
        Value::Timestamp(at) => Ok(Value::Int(at.seconds)),
        Value::String(text) => match text.as_str().parse() {
            Ok(value) => Ok(Value::Int(value)),
            Err(_) => Err(failed("string", "int")),
        },
        _ => return None,
    })
}

/// Truncates; the bounds themselves are out.
fn double_to_int(value: f64) -> Option<i64> {
    let bound = 2f64.powi(63);
    if value.is_nan() || value <= -bound || value >= bound {
        return None;
    }
    equal::whole(value.trunc())
}

fn to_uint<'a>(value: &Value<'a>) -> Option<Outcome<'a>> {
    let overflow = || Fault::new("unsigned integer overflow");
    Some(match value {
        Value::Uint(_) => Ok(value.clone()),
        Value::Int(value) => u64::try_from(*value)
            .map(Value::Uint)
            .map_err(|_| overflow()),
        Value::Double(value) if *value < 0.0 || value.is_nan() => Err(overflow()),
        Value::Double(value) => equal::whole_unsigned(value.trunc())
            .map(Value::Uint)
            .ok_or_else(overflow),
        Value::String(text) => match text.as_str().parse::<u64>() {
            Ok(value) if !text.as_str().starts_with('+') => Ok(Value::Uint(value)),
            _ => Err(failed("string", "uint")),
        },
        _ => return None,
    })
}

fn to_text<'a>(value: &Value<'a>) -> Option<Outcome<'a>> {
    Some(match value {
        Value::String(_) => Ok(value.clone()),
        Value::Bool(value) => Ok(Value::text(if *value { "true" } else { "false" })),
        Value::Int(value) => Ok(Value::text(value.to_string())),
        Value::Uint(value) => Ok(Value::text(value.to_string())),
        Value::Double(value) => Ok(Value::text(double_text(*value))),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::text(text)),
            Err(_) => Err(Fault::new(
                "invalid UTF-8 in bytes, cannot convert to string",
            )),
        },
        Value::Duration(nanos) => Ok(Value::text(text::seconds(*nanos))),
        Value::Timestamp(at) => Ok(Value::text(at.to_string())),
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Ip(ip) => Ok(Value::text(ip.to_string())),
            Opaque::Cidr(cidr) => Ok(Value::text(cidr.to_string())),
            _ => return None,
        },
        _ => return None,
    })
}

fn to_timestamp<'a>(value: &Value<'a>) -> Option<Outcome<'a>> {
    let overflow = || Fault::new("timestamp overflow");
    Some(match value {
        Value::Timestamp(_) => Ok(value.clone()),
        Value::Int(seconds) => Timestamp::new(*seconds, 0)
            .map(Value::Timestamp)
            .ok_or_else(overflow),
        Value::String(text) => match time::rfc3339(text.as_str()) {
            Some((seconds, nanos)) => Timestamp::new(seconds, nanos)
                .map(Value::Timestamp)
                .ok_or_else(overflow),
            None => Err(failed("string", "google.protobuf.Timestamp")),
        },
        _ => return None,
    })
}
