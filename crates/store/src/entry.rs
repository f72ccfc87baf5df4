//! What is stored, and what happened to it.

use bytes::Bytes;
use std::sync::Arc;

/// What is stored under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// The revision of the last write.
    pub revision: u64,
    /// The revision of the write that made it.
    pub created_revision: u64,
}

/// What an event did to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// There was nothing before.
    Created,
    /// Another value took the place of the one before.
    Updated,
    /// There is nothing any more.
    Deleted,
}

/// One write, as watchers see it.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// The write's revision. No other write has it.
    pub revision: u64,
    /// The key.
    pub key: Arc<str>,
    /// What happened.
    pub kind: EventKind,
    /// The value after it; for a deletion the last state, as the one who deleted gave it.
    pub value: Bytes,
    /// The value before it.
    pub previous: Option<Bytes>,
    /// What the state held after and before: for the state itself, and for going back.
    pub(crate) after: Option<Arc<Entry>>,
    pub(crate) before: Option<Arc<Entry>>,
}

impl Event {
    /// A put of `value`, or a deletion that leaves it as the last state.
    pub(crate) fn new(
        revision: u64,
        key: Arc<str>,
        delete: bool,
        value: Bytes,
        before: Option<Arc<Entry>>,
    ) -> Self {
        let kind = match (delete, &before) {
            (true, _) => EventKind::Deleted,
            (false, Some(_)) => EventKind::Updated,
            (false, None) => EventKind::Created,
        };
        let after = (!delete).then(|| {
            Arc::new(Entry {
                value: value.clone(),
                revision,
                created_revision: before
                    .as_ref()
                    .map_or(revision, |entry| entry.created_revision),
            })
        });
        Self {
            revision,
            key,
            kind,
            value,
            previous: before.as_ref().map(|entry| entry.value.clone()),
            after,
            before,
        }
    }

    /// The bytes that only the history holds, about.
    pub(crate) fn cost(&self) -> usize {
        const OWN: usize = 256;
        let last = if self.kind == EventKind::Deleted {
            self.key.len() + self.value.len()
        } else {
            0
        };
        OWN + last + self.previous.as_ref().map_or(0, Bytes::len)
    }
}

/// The part of a key that names its collection, with the slash that ends it.
pub(crate) fn collection(key: &str) -> Option<&str> {
    key.find('/').map(|at| &key[..=at])
}
