//! Bodies in Kubernetes' protobuf form, as kubectl and typed clients send them: read into JSON.
//!
//! A body is an envelope with the object's kind and version, and the object. Which fields a message has is a recorded
//! table; nothing is written in this form, since every client that sends it also reads JSON.

mod messages;
mod objects;
mod wire;

use self::wire::{Fields, Payload};
use crate::{negotiate::JSON, status::ApiError};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

/// Its media type.
const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// With which every body begins.
const MAGIC: &[u8] = b"k8s\0";
/// Options and other kinds that belong to every version.
const EVERYWHERE: &str = "meta.k8s.io/v1";

/// Why a body can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum ProtobufError {
    /// Not the form at all.
    #[error(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
    )]
    Prefix,
    /// It ends in the middle of something.
    #[error("unexpected EOF")]
    End,
    /// A field of an unexpected form.
    #[error("proto: wrong wireType")]
    WireType,
    /// A number of more than ten bytes.
    #[error("proto: integer overflow")]
    Overflow,
    /// Messages in messages in messages.
    #[error("proto: nested too deeply")]
    Depth,
    /// A field that holds JSON holds none.
    #[error("proto: a field of JSON can't be read")]
    Json,
}

/// A body in this form becomes one in JSON, and its headers say so. One of a kind that has no such form stays as it is.
pub(crate) fn translated(
    mut headers: HeaderMap,
    body: Bytes,
) -> Result<(HeaderMap, Bytes), ApiError> {
    let found = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = found
        .and_then(|text| text.split(';').next())
        .unwrap_or_default();
    let is_ours = media_type.trim().eq_ignore_ascii_case(MEDIA_TYPE) && body.starts_with(MAGIC);
    if !is_ours {
        // A body that only says it is in this form is refused where its kind is known.
        return Ok((headers, body));
    }
    let object = to_json(&body).map_err(|error| ApiError::bad_request(error.to_string()))?;
    Ok(match object {
        None => (headers, body),
        Some(object) => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
            (headers, object.to_string().into())
        }
    })
}

/// The object in a body as JSON, or nothing if its kind has no such form.
fn to_json(body: &[u8]) -> Result<Option<Value>, ProtobufError> {
    let envelope = body.strip_prefix(MAGIC).ok_or(ProtobufError::Prefix)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in Fields::of(envelope) {
        match field? {
            (1, Payload::Bytes(types)) => {
                for field in Fields::of(types) {
                    match field? {
                        (1, Payload::Bytes(text)) => {
                            api_version = String::from_utf8_lossy(text).into_owned()
                        }
                        (2, Payload::Bytes(text)) => {
                            kind = String::from_utf8_lossy(text).into_owned()
                        }
                        _ => {}
                    }
                }
            }
            (2, Payload::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let message = messages::find(&format!("{api_version}.{kind}"));
    let Some(message) = message.or_else(|| messages::find(&format!("{EVERYWHERE}.{kind}"))) else {
        return Ok(None);
    };
    let mut object = objects::read(message, raw, 0)?;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Some(Value::Object(object)))
}

#[cfg(test)]
mod tests;
