//! A state to read from, of one moment, for as long as it is held.

use crate::{entry::Entry, state::State};
use std::sync::Arc;

/// The state at one revision. It never changes and takes no lock; copies are free.
#[derive(Debug, Clone)]
pub struct Snapshot {
    state: Arc<State>,
}

impl Snapshot {
    pub(crate) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    /// The revision: that of the last write in it.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.state.revision
    }

    /// What is stored under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.state.get(key).map(|(_, entry)| &**entry)
    }

    /// The entries whose keys begin with `prefix` and come after the key `after`, in the order of their keys' bytes.
    pub fn range<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        self.range_from(prefix, after)
            .skip_while(move |(key, _)| Some(*key) == after)
    }

    /// The same, with `start` itself if it is there.
    pub fn range_from<'a>(
        &'a self,
        prefix: &'a str,
        start: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        self.state
            .range(prefix, start)
            .map(|(key, entry)| (&**key, &**entry))
    }

    /// How many keys begin with `prefix`. At once for a whole collection and for everything; else they are counted.
    #[must_use]
    pub fn count(&self, prefix: &str) -> u64 {
        self.state.count(prefix)
    }

    /// How many of them come before the key `start`. They are counted.
    #[must_use]
    pub fn count_before(&self, prefix: &str, start: &str) -> u64 {
        let before = self
            .state
            .range(prefix, None)
            .take_while(|(key, _)| &***key < start);
        before.count() as u64
    }
}
