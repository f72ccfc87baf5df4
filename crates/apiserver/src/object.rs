//! Objects as trees on the way in, as bytes in the store and on the way out.
//!
//! Stored bytes always begin with `{"kind":K,"apiVersion":V,"metadata":{"resourceVersion":"N"`, so that the version can
//! be put in at commit, and the kind be changed or left out without reading the rest.

use bytes::Bytes;
use serde_json::{Map, Value};
use tidegate_store::Body;

/// Words about an object's metadata. Missing or mistyped fields read as empty.
pub(crate) trait Meta {
    fn metadata(&self) -> Option<&Map<String, Value>>;
    fn metadata_mut(&mut self) -> &mut Map<String, Value>;

    fn meta_text(&self, key: &str) -> &str {
        self.metadata()
            .and_then(|metadata| metadata.get(key))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.meta_text("name")
    }

    fn namespace(&self) -> &str {
        self.meta_text("namespace")
    }

    fn uid(&self) -> &str {
        self.meta_text("uid")
    }

    fn resource_version(&self) -> &str {
        self.meta_text("resourceVersion")
    }

    fn generation(&self) -> i64 {
        self.metadata()
            .and_then(|metadata| metadata.get("generation"))
            .and_then(Value::as_i64)
            .unwrap_or_default()
    }

    fn is_being_deleted(&self) -> bool {
        !self.meta_text("deletionTimestamp").is_empty()
    }

    fn finalizers(&self) -> Vec<String> {
        let list = self
            .metadata()
            .and_then(|metadata| metadata.get("finalizers"))
            .and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    }

    fn set_finalizers(&mut self, finalizers: Vec<String>) {
        if finalizers.is_empty() {
            self.metadata_mut().remove("finalizers");
        } else {
            self.set_meta("finalizers", finalizers);
        }
    }

    fn set_meta(&mut self, key: &str, value: impl Into<Value>) {
        self.metadata_mut().insert(key.to_owned(), value.into());
    }

    /// Sets a text, or removes it where it is empty.
    fn set_meta_text(&mut self, key: &str, text: &str) {
        if text.is_empty() {
            self.metadata_mut().remove(key);
        } else {
            self.set_meta(key, text);
        }
    }
}

impl Meta for Value {
    fn metadata(&self) -> Option<&Map<String, Value>> {
        self.get("metadata").and_then(Value::as_object)
    }

    fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        if !self["metadata"].is_object() {
            self["metadata"] = Value::Object(Map::new());
        }
        self["metadata"]
            .as_object_mut()
            .expect("invariant: just made an object")
    }
}

/// What Go's decoder calls a value of the wrong type.
pub(crate) fn go_found(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Null | Value::Number(_) => "number",
    }
}

/// Clears what only the server may set.
pub(crate) fn wipe_system_fields(object: &mut Value) {
    let metadata = object.metadata_mut();
    for key in [
        "creationTimestamp",
        "uid",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ] {
        metadata.remove(key);
    }
}

/// The bytes to store. The version is left out; the store puts it in.
pub(crate) fn to_body(object: &Value) -> Body {
    let mut bytes = Vec::with_capacity(512);
    let mut revision_at = None;
    bytes.extend_from_slice(b"{\"kind\":");
    write_json(&mut bytes, &object["kind"]);
    bytes.extend_from_slice(b",\"apiVersion\":");
    write_json(&mut bytes, &object["apiVersion"]);
    bytes.extend_from_slice(b",\"metadata\":{\"resourceVersion\":\"");
    revision_at.replace(bytes.len());
    bytes.push(b'"');
    for (key, value) in object.metadata().into_iter().flatten() {
        if key != "resourceVersion" {
            write_member(&mut bytes, key, value);
        }
    }
    bytes.push(b'}');
    for (key, value) in object.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "kind" | "apiVersion" | "metadata") {
            write_member(&mut bytes, key, value);
        }
    }
    bytes.push(b'}');
    Body { bytes, revision_at }
}

/// The bytes of an object that is not stored, in the same order.
pub(crate) fn to_bytes(object: &Value) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    write_json(&mut bytes, object);
    bytes
}

fn write_member(bytes: &mut Vec<u8>, key: &str, value: &Value) {
    bytes.push(b',');
    write_json(bytes, &Value::from(key));
    bytes.push(b':');
    write_json(bytes, value);
}

fn write_json(bytes: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(bytes, value).expect("invariant: a tree of JSON is written to memory");
}

/// Reads stored bytes.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// What follows `{"kind":K,"apiVersion":V,` in stored bytes, without the brace: how lists of built-in kinds have
/// their items, and how an object gets another version's name.
pub(crate) fn without_kind(bytes: &[u8]) -> &[u8] {
    const METADATA: &[u8] = b"\"metadata\":{\"resourceVersion\":\"";
    // Kind and version are checked names, so they hold no quote; the first match is the object's own.
    let at = bytes
        .windows(METADATA.len())
        .position(|window| window == METADATA);
    at.map_or(bytes, |at| &bytes[at..])
}

/// Stored bytes at another version.
pub(crate) fn at_revision(bytes: &Bytes, revision: u64) -> Bytes {
    const BEFORE: &[u8] = b"\"metadata\":{\"resourceVersion\":\"";
    let Some(at) = bytes
        .windows(BEFORE.len())
        .position(|window| window == BEFORE)
    else {
        return bytes.clone();
    };
    let start = at + BEFORE.len();
    let digits = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let mut out = Vec::with_capacity(bytes.len() + 20);
    out.extend_from_slice(&bytes[..start]);
    out.extend_from_slice(revision.to_string().as_bytes());
    out.extend_from_slice(&bytes[start + digits..]);
    out.into()
}

/// The version in stored bytes; 0 where there is none.
pub(crate) fn revision(bytes: &[u8]) -> u64 {
    const BEFORE: &[u8] = b"\"metadata\":{\"resourceVersion\":\"";
    let Some(at) = bytes
        .windows(BEFORE.len())
        .position(|window| window == BEFORE)
    else {
        return 0;
    };
    let digits = bytes[at + BEFORE.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    })
}
