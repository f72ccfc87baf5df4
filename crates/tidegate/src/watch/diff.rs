//! What changed between two forms of one object, as a short list of field changes.
//!
//! Pure: two JSON values in, changes out, in an order that depends on nothing else. Lists that
//! Kubernetes treats as maps are matched by their keys; bookkeeping fields are left out.
//!
//! Invariant: no value from a Secret's `data` or `stringData` is ever part of a change.

mod keyed;
mod lines;
mod redact;
mod render;
mod walk;

pub(crate) use self::{
    lines::{Line, line_diff},
    render::{one_line, printable, value_text},
};

use crate::watch::event::WatchEvent;
use serde_json::{Value, json};

/// One field that differs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// `status.conditions[Ready].status`
    pub(crate) path: String,
    pub(crate) what: What,
    /// How late it comes in the one-line form: 0 first.
    rank: u8,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    Added(Value),
    Removed(Value),
    Changed(Value, Value),
    /// Same items, other order; the items' keys.
    Reordered(Value, Value),
}

impl Change {
    /// The form in `-o json`: `{"path":…,"op":…,"old":…,"new":…}`.
    pub(crate) fn to_json(&self) -> Value {
        let path = &self.path;
        match &self.what {
            What::Added(new) => json!({"path": path, "op": "add", "new": new}),
            What::Removed(old) => json!({"path": path, "op": "remove", "old": old}),
            What::Changed(old, new) => {
                json!({"path": path, "op": "change", "old": old, "new": new})
            }
            What::Reordered(old, new) => {
                json!({"path": path, "op": "reorder", "old": old, "new": new})
            }
        }
    }
}

/// The changes between an event's old and new object; none unless it has both.
pub(crate) fn of_event(event: &WatchEvent) -> Vec<Change> {
    match (&event.old, &event.object) {
        (Some(old), Some(new)) => between(old.value(), new.value(), event.resource.is_secret()),
        _ => Vec::new(),
    }
}

/// The changes from `old` to `new`; with `secret`, payload values become their sizes.
pub(crate) fn between(old: &Value, new: &Value, secret: bool) -> Vec<Change> {
    let mut changes = walk::changes(&walk::without_noise(old), &walk::without_noise(new));
    if secret {
        redact::secret_payload(&mut changes);
    }
    changes
}

#[cfg(test)]
mod tests;
