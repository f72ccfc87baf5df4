//! The JSON form of an event, shared by `-o json`, `-o yaml`, `--on-event` and `--webhook`.
//!
//! `{"event":…,"gvr":…,"initial":…,"object":…,"old":…,"diff":…}`, on one line. Objects keep the
//! bytes that the server sent, a Secret's values included, as with `kubectl get -o json`; only
//! `diff` never holds them.

use crate::watch::{
    diff,
    event::{Body, EventKind, WatchEvent},
};
use serde_json::Value;
use std::sync::Arc;

/// One line without its end.
pub(crate) fn envelope(event: &WatchEvent) -> Vec<u8> {
    let size = |body: &Option<Arc<Body>>| body.as_ref().map_or(4, |body| body.json().len());
    let mut out = Vec::with_capacity(size(&event.object) + size(&event.old) + 256);
    out.extend_from_slice(b"{\"event\":\"");
    out.extend_from_slice(event.kind.word().as_bytes());
    out.extend_from_slice(b"\",\"gvr\":");
    out.extend_from_slice(Value::from(event.resource.gvr()).to_string().as_bytes());
    out.extend_from_slice(if event.initial {
        b",\"initial\":true"
    } else {
        b",\"initial\":false"
    });
    if event.final_state_unknown {
        out.extend_from_slice(b",\"finalStateUnknown\":true");
    }
    out.extend_from_slice(b",\"object\":");
    push_body(event.object.as_deref(), &mut out);
    out.extend_from_slice(b",\"old\":");
    push_body(event.old.as_deref(), &mut out);
    out.extend_from_slice(b",\"diff\":");
    if event.kind == EventKind::Modified {
        let changes: Value = diff::of_event(event)
            .iter()
            .map(diff::Change::to_json)
            .collect();
        out.extend_from_slice(changes.to_string().as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
    out.push(b'}');
    out
}

/// The bytes as they are, unless they would break the line.
fn push_body(body: Option<&Body>, out: &mut Vec<u8>) {
    match body {
        None => out.extend_from_slice(b"null"),
        Some(body) if body.json().contains(&b'\n') => {
            out.extend_from_slice(body.value().to_string().as_bytes())
        }
        Some(body) => out.extend_from_slice(body.json()),
    }
}
