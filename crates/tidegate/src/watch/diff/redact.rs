//! Takes the values of a Secret out of its changes and leaves their sizes.
//!
//! Covers `data` and `stringData`, whole or by entry; everything else in a Secret is metadata.

use super::{Change, What};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

pub(super) fn secret_payload(changes: &mut [Change]) {
    for change in changes {
        let Some(encoded) = payload(&change.path) else {
            continue;
        };
        match &mut change.what {
            What::Added(value) | What::Removed(value) => redact(value, encoded),
            What::Changed(old, new) | What::Reordered(old, new) => {
                redact(old, encoded);
                redact(new, encoded);
            }
        }
    }
}

/// Whether the path lies in the payload, and if so, whether that part is base64.
fn payload(path: &str) -> Option<bool> {
    let under = |root: &str| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    if under("data") {
        Some(true)
    } else if under("stringData") {
        Some(false)
    } else {
        // An object that isn't shaped like a Secret at all could come at the root: hide it whole.
        path.is_empty().then_some(false)
    }
}

fn redact(value: &mut Value, encoded: bool) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| redact(value, encoded)),
        Value::Array(items) => items.iter_mut().for_each(|value| redact(value, encoded)),
        Value::Null => {}
        Value::String(text) => *value = Value::String(placeholder(text, encoded)),
        Value::Bool(_) | Value::Number(_) => *value = Value::String("<redacted>".to_owned()),
    }
}

fn placeholder(text: &str, encoded: bool) -> String {
    let bytes = if encoded {
        STANDARD
            .decode(text)
            .map_or(text.len(), |bytes| bytes.len())
    } else {
        text.len()
    };
    format!("<redacted, {bytes} bytes>")
}
