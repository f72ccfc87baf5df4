//! The state at one revision: persistent maps, so that a copy is free and a change copies a path.
//!
//! Two levels, because collections are counted and watched apart. The names of collections end with their slash, so
//! their order is that of the keys.

use crate::entry::{Entry, Event, collection};
use imbl::OrdMap;
use std::{collections::HashSet, ops::Bound, sync::Arc};

/// No revision is larger, so that none is ever too large to go on from.
pub(crate) const LARGEST_REVISION: u64 = 1 << 62;

type Entries = OrdMap<Arc<str>, Arc<Entry>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) revision: u64,
    collections: OrdMap<Arc<str>, Entries>,
    entries: u64,
    bytes: u64,
}

impl State {
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// The length of all keys and values.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn get(&self, key: &str) -> Option<(&Arc<str>, &Arc<Entry>)> {
        self.collections.get(collection(key)?)?.get_key_value(key)
    }

    /// Goes to the event's revision.
    pub(crate) fn apply(&mut self, event: &Event) {
        self.revision = event.revision;
        self.set(&event.key, event.after.clone());
    }

    /// Goes back to a revision over the events since, which are in order. Each key is touched once, with what its first
    /// event found.
    pub(crate) fn rewind(&mut self, revision: u64, events: &[Arc<Event>]) {
        let mut seen = HashSet::with_capacity(events.len().min(1024));
        for event in events {
            if seen.insert(&*event.key) {
                self.set(&event.key, event.before.clone());
            }
        }
        self.revision = revision;
    }

    /// Puts an entry in place, or nothing.
    pub(crate) fn set(&mut self, key: &Arc<str>, entry: Option<Arc<Entry>>) {
        let Some(name) = collection(key) else {
            debug_assert!(false, "keys have collections");
            return;
        };
        let size = |entry: &Entry| (key.len() + entry.value.len()) as u64;
        let old = if let Some(entry) = entry {
            self.entries += 1;
            self.bytes += size(&entry);
            if let Some(entries) = self.collections.get_mut(name) {
                entries.insert(key.clone(), entry)
            } else {
                self.collections
                    .insert(name.into(), OrdMap::unit(key.clone(), entry));
                None
            }
        } else if let Some(entries) = self.collections.get_mut(name) {
            let old = entries.remove(&**key);
            if entries.is_empty() {
                self.collections.remove(name);
            }
            old
        } else {
            None
        };
        if let Some(old) = old {
            self.entries -= 1;
            self.bytes -= size(&old);
        }
    }

    /// The entries whose keys begin with `prefix`, from the key `start` on.
    pub(crate) fn range<'a>(
        &'a self,
        prefix: &'a str,
        start: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<Entry>)> {
        let lower = start.map_or(prefix, |start| start.max(prefix));
        let within = collection(prefix).unwrap_or(prefix);
        let first = collection(lower).unwrap_or(lower);
        self.collections
            .range::<_, str>((Bound::Included(first), Bound::Unbounded))
            .take_while(move |(name, _)| name.starts_with(within))
            .flat_map(move |(_, entries)| {
                entries.range::<_, str>((Bound::Included(lower), Bound::Unbounded))
            })
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// How many keys begin with `prefix`: at once for all and for a collection, else by counting.
    pub(crate) fn count(&self, prefix: &str) -> u64 {
        if prefix.is_empty() {
            self.entries
        } else if prefix.find('/') == Some(prefix.len() - 1) {
            self.collections
                .get(prefix)
                .map_or(0, |entries| entries.len() as u64)
        } else {
            self.range(prefix, None).count() as u64
        }
    }
}
