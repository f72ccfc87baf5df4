//! What the parent knows to be true: every event that there was, and the state that they yield.

use crate::common::{COLLECTIONS, Random, digest, parse};
use std::{collections::BTreeMap, sync::Arc};
use tidegate_store::{Event, EventKind, HistoryError, Store};

#[derive(Default)]
pub(crate) struct Model {
    /// The newest revision.
    pub(crate) revision: u64,
    /// By revision: the key, and the digest of the value.
    events: BTreeMap<u64, (String, u64)>,
    /// By key: the revisions of the last write and of the first, and the digest.
    entries: BTreeMap<String, (u64, u64, u64)>,
}

impl Model {
    /// Takes all that is new in a store. It must follow what was before, each event from a state in which it could
    /// happen.
    pub(crate) async fn follow(&mut self, store: &Store) {
        let mut events = Vec::new();
        for collection in COLLECTIONS {
            let from = store.watch(collection, self.revision);
            assert!(
                from.is_ok(),
                "the history was to reach back to {}",
                self.revision
            );
            events.extend(
                drain(store, collection, self.revision)
                    .await
                    .expect("checked"),
            );
        }
        events.sort_by_key(|event| event.revision);
        for event in events {
            assert_eq!(
                event.revision,
                self.revision + 1,
                "no revision is left out or twice"
            );
            self.apply(&event);
        }
        assert_eq!(store.revision(), self.revision);
    }

    fn apply(&mut self, event: &Event) {
        let value = parse(&event.value);
        assert_eq!(value.revision, event.revision, "a value names its revision");
        let before = self.entries.get(&*event.key).copied();
        if let Some(base) = value.base {
            assert_eq!(
                base,
                before.map_or(0, |entry| entry.0),
                "a stale write won: {}",
                event.revision
            );
        }
        let kind = match (before.is_some(), event.kind) {
            (true, EventKind::Created) => EventKind::Updated,
            (false, EventKind::Updated) => EventKind::Created,
            (_, kind) => kind,
        };
        assert_eq!(event.kind, kind);
        let previous = event.previous.as_ref().map(|value| digest(value));
        assert_eq!(
            previous,
            before.map(|entry| entry.2),
            "the value before {}",
            event.revision
        );
        self.revision = event.revision;
        let found = digest(&event.value);
        self.events
            .insert(event.revision, (event.key.to_string(), found));
        if event.kind == EventKind::Deleted {
            self.entries.remove(&*event.key);
        } else {
            let created = before.map_or(event.revision, |entry| entry.1);
            self.entries
                .insert(event.key.to_string(), (event.revision, created, found));
        }
    }

    /// The state is that of all events.
    pub(crate) fn check_state(&self, store: &Store) {
        let snapshot = store.snapshot();
        let found: BTreeMap<String, (u64, u64, u64)> = snapshot
            .range("", None)
            .map(|(key, entry)| {
                let entry = (entry.revision, entry.created_revision, digest(&entry.value));
                (key.to_owned(), entry)
            })
            .collect();
        assert_eq!(found, self.entries);
    }

    /// What somebody was told has happened.
    pub(crate) fn check_told(&self, revision: u64, key: &str, digest: u64) {
        let event = self.events.get(&revision);
        assert_eq!(
            event,
            Some(&(key.to_owned(), digest)),
            "revision {revision} was told"
        );
    }

    /// Whoever follows from a revision gets all events since, or is told that the history does not reach back.
    pub(crate) async fn check_feeds(&self, store: &Store, random: &mut Random) {
        let oldest = store.stats().oldest_revision;
        for collection in COLLECTIONS {
            let after = self.revision.saturating_sub(random.below(300));
            let expected: Vec<(u64, (String, u64))> = self
                .events
                .range(after + 1..)
                .filter(|(_, (key, _))| key.starts_with(collection))
                .map(|(revision, event)| (*revision, event.clone()))
                .collect();
            match drain(store, collection, after).await {
                Ok(events) => {
                    let found: Vec<_> = events
                        .iter()
                        .map(|event| {
                            (
                                event.revision,
                                (event.key.to_string(), digest(&event.value)),
                            )
                        })
                        .collect();
                    assert_eq!(found, expected, "after {after}");
                }
                Err(error) => {
                    assert_eq!(error, HistoryError::Compacted { oldest });
                    assert!(after < oldest);
                }
            }
        }
    }
}

async fn drain(
    store: &Store,
    collection: &str,
    after: u64,
) -> Result<Vec<Arc<Event>>, HistoryError> {
    let mut feed = store.watch(collection, after)?;
    let mut events = Vec::new();
    while feed.progress() < store.revision() {
        events.extend(feed.next().await.expect("events"));
    }
    Ok(events)
}
