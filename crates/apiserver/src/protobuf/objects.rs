//! From the bytes of a message to what JSON has for it.

use super::{
    ProtobufError,
    messages::{self, Field, Message, Shape},
    wire::{Fields, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use serde_json::{Map, Value, json};

/// Messages in messages beyond this are refused.
const DEEPEST: usize = 200;
/// The message of an object's schema.
const SCHEMA: &str = "apiextensions.k8s.io/v1.JSONSchemaProps";

/// Reads a message. Fields that the table lacks are dropped, as older servers do.
pub(super) fn read(
    message: Message,
    bytes: &[u8],
    depth: usize,
) -> Result<Map<String, Value>, ProtobufError> {
    if depth > DEEPEST {
        return Err(ProtobufError::Depth);
    }
    let mut object = Map::new();
    for found in Fields::of(bytes) {
        let (number, payload) = found?;
        let Some(field) = message.field(number) else {
            continue;
        };
        take(&mut object, field, payload, depth)?;
    }
    Ok(object)
}

/// Adds what a field holds.
fn take(
    object: &mut Map<String, Value>,
    field: Field,
    payload: Payload<'_>,
    depth: usize,
) -> Result<(), ProtobufError> {
    match field.shape {
        Shape::One => {
            let value = value(field.kind, payload, depth)?;
            match value {
                Value::Object(fields) if field.name == "." => object.extend(fields),
                value => {
                    object.insert(field.name.to_owned(), value);
                }
            }
        }
        Shape::List => {
            let slot = object.entry(field.name).or_insert_with(|| json!([]));
            if let Value::Array(items) = slot {
                items.push(value(field.kind, payload, depth)?);
            }
        }
        Shape::Map => {
            let (key, value) = entry(field.kind, bytes_of(payload)?, depth)?;
            let slot = object.entry(field.name).or_insert_with(|| json!({}));
            slot[key] = value;
        }
    }
    Ok(())
}

/// An entry of a map: a message of a key and a value. Either may be left out where it is empty.
fn entry(kind: &str, bytes: &[u8], depth: usize) -> Result<(String, Value), ProtobufError> {
    let mut key = String::new();
    let mut found = None;
    for field in Fields::of(bytes) {
        match field? {
            (1, payload) => key = text(payload)?,
            (2, payload) => found = Some(value(kind, payload, depth)?),
            _ => {}
        }
    }
    let value = match found {
        Some(value) => value,
        None => value(kind, Payload::Bytes(&[]), depth)?,
    };
    Ok((key, value))
}

fn value(kind: &str, payload: Payload<'_>, depth: usize) -> Result<Value, ProtobufError> {
    Ok(match kind {
        "string" => text(payload)?.into(),
        "bool" => (number_of(payload)? != 0).into(),
        "int" => number_of(payload)?.into(),
        "double" => match payload {
            Payload::Double(number) => double(number),
            _ => return Err(ProtobufError::WireType),
        },
        "bytes" => STANDARD.encode(bytes_of(payload)?).into(),
        "time" => time(bytes_of(payload)?, 0)?,
        "microtime" => time(bytes_of(payload)?, 6)?,
        "quantity" => match last(1, bytes_of(payload)?)? {
            Some(payload) => text(payload)?.into(),
            None => "0".into(),
        },
        "int-or-string" => int_or_string(bytes_of(payload)?)?,
        "json" => match last(1, bytes_of(payload)?)?.map(bytes_of).transpose()? {
            None | Some(&[]) => Value::Null,
            Some(bytes) => {
                tidegate_schema::parse_json(bytes)
                    .map_err(|_| ProtobufError::Json)?
                    .value
            }
        },
        "strings" => strings(1, bytes_of(payload)?)?,
        "schema-or-bool" => {
            let bytes = bytes_of(payload)?;
            schema_or(2, bytes, depth, || {
                let allows = last(1, bytes)?.map(number_of).transpose()?;
                Ok((allows.unwrap_or_default() != 0).into())
            })?
        }
        "schema-or-strings" => {
            let bytes = bytes_of(payload)?;
            schema_or(1, bytes, depth, || strings(2, bytes))?
        }
        "schema-or-array" => {
            let bytes = bytes_of(payload)?;
            schema_or(1, bytes, depth, || schemas(bytes, depth))?
        }
        name => Value::Object(message(name, bytes_of(payload)?, depth)?),
    })
}

fn message(name: &str, bytes: &[u8], depth: usize) -> Result<Map<String, Value>, ProtobufError> {
    // The table has all messages that it names; a test sees to it.
    messages::find(name).map_or_else(|| Ok(Map::new()), |message| read(message, bytes, depth + 1))
}

/// The schema in a field of that number if there is one, else something else.
fn schema_or(
    number: u64,
    bytes: &[u8],
    depth: usize,
    other: impl Fn() -> Result<Value, ProtobufError>,
) -> Result<Value, ProtobufError> {
    match last(number, bytes)? {
        Some(payload) => Ok(message(SCHEMA, bytes_of(payload)?, depth)?.into()),
        None => other(),
    }
}

fn schemas(bytes: &[u8], depth: usize) -> Result<Value, ProtobufError> {
    let mut all = Vec::new();
    for field in Fields::of(bytes) {
        if let (2, Payload::Bytes(schema)) = field? {
            all.push(message(SCHEMA, schema, depth)?.into());
        }
    }
    Ok(Value::Array(all))
}

fn strings(number: u64, bytes: &[u8]) -> Result<Value, ProtobufError> {
    let mut all = Vec::new();
    for field in Fields::of(bytes) {
        let (found, payload) = field?;
        if found == number {
            all.push(Value::String(text(payload)?));
        }
    }
    Ok(Value::Array(all))
}

/// The last field of a number, which is the one that counts.
fn last(number: u64, bytes: &[u8]) -> Result<Option<Payload<'_>>, ProtobufError> {
    let mut found_last = None;
    for field in Fields::of(bytes) {
        let (found, payload) = field?;
        if found == number {
            found_last = Some(payload);
        }
    }
    Ok(found_last)
}

/// Seconds and nanoseconds since 1970; nothing is no time.
fn time(bytes: &[u8], precision: u8) -> Result<Value, ProtobufError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let seconds = last(1, bytes)?
        .map(number_of)
        .transpose()?
        .unwrap_or_default();
    let nanos = last(2, bytes)?
        .map(number_of)
        .transpose()?
        .unwrap_or_default();
    let nanos = i32::try_from(nanos).unwrap_or_default();
    let moment = Timestamp::new(seconds, nanos).unwrap_or(Timestamp::UNIX_EPOCH);
    let printer = DateTimePrinter::new().precision(Some(precision));
    Ok(printer.timestamp_to_string(&moment).into())
}

fn int_or_string(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let is_string = last(1, bytes)?.map(number_of).transpose()? == Some(1);
    Ok(if is_string {
        last(3, bytes)?
            .map(text)
            .transpose()?
            .unwrap_or_default()
            .into()
    } else {
        last(2, bytes)?
            .map(number_of)
            .transpose()?
            .unwrap_or_default()
            .into()
    })
}

/// Go writes whole numbers without a point.
fn double(number: f64) -> Value {
    let whole = format!("{number}");
    match whole.parse::<i64>() {
        Ok(whole) => whole.into(),
        Err(_) => number.into(),
    }
}

fn text(payload: Payload<'_>) -> Result<String, ProtobufError> {
    Ok(String::from_utf8_lossy(bytes_of(payload)?).into_owned())
}

fn bytes_of(payload: Payload<'_>) -> Result<&[u8], ProtobufError> {
    match payload {
        Payload::Bytes(bytes) => Ok(bytes),
        _ => Err(ProtobufError::WireType),
    }
}

fn number_of(payload: Payload<'_>) -> Result<i64, ProtobufError> {
    match payload {
        // Negative numbers are written as their two's complement.
        Payload::Number(number) => Ok(number.cast_signed()),
        _ => Err(ProtobufError::WireType),
    }
}
