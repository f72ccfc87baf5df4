//! Many who write and many who watch, at once: every watcher sees all events after where it began, each once and in
//! order, none before readers see it; and nobody wins with a stale revision.

use crate::support::{Dir, Random, seeds};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tidegate_store::{
    Body, Event, EventKind, Expected, FeedError, HistoryError, Options, Store, Write, WriteError,
};

const WRITERS: u64 = 8;
const WRITES: u64 = 150;
const WATCHERS: u64 = 12;
const COLLECTIONS: [&str; 2] = ["pods", "nodes"];

/// By revision: the key and the value.
type Written = BTreeMap<u64, (String, String)>;

/// Writes until so many writes have won. A value says which revision it rests on, and its own.
async fn write(store: Store, mut random: Random) -> Written {
    let mut written = Written::new();
    while (written.len() as u64) < WRITES {
        let key = format!("{}/{}", random.one_of(&COLLECTIONS), random.below(3));
        let current = if random.below(2) == 0 {
            store.head(&key)
        } else {
            store.snapshot().get(&key).cloned()
        };
        let base = current.as_ref().map_or(0, |entry| entry.revision);
        let expected = match &current {
            Some(entry) => Expected::Revision(entry.revision),
            None => Expected::Absent,
        };
        if random.below(3) == 0 {
            tokio::task::yield_now().await;
        }
        let bytes = format!("{base} ").into_bytes();
        let body = Body {
            revision_at: Some(bytes.len()),
            bytes,
        };
        let write = if current.is_some() && random.below(4) == 0 {
            Write::Delete {
                key: &key,
                expected,
                body,
            }
        } else {
            Write::Put {
                key: &key,
                expected,
                body,
            }
        };
        match store.write(write).await {
            Ok(done) => {
                assert!(store.revision() >= done.revision, "readers see it");
                let value = text(&done.entry.value);
                written.insert(done.revision, (key, value));
            }
            Err(WriteError::Conflict { current }) => {
                assert_ne!(current.map_or(0, |entry| entry.revision), base);
            }
            Err(error) => panic!("{error}"),
        }
    }
    written
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// What a watcher got, from where, and whether it fell out of the history.
struct Watched {
    collection: &'static str,
    after: u64,
    events: Vec<Arc<Event>>,
    complete: bool,
}

/// Begins at some time, somewhere in the history.
async fn watch(store: Store, mut random: Random) -> Watched {
    let end = WRITERS * WRITES;
    store.wait_for(random.below(1000) as u64).await;
    let collection = random.one_of(&COLLECTIONS);
    let (after, mut feed) = loop {
        let after = random.below(usize::try_from(store.revision()).expect("small") + 1) as u64;
        match store.watch(collection, after) {
            Ok(feed) => break (after, feed),
            Err(HistoryError::Compacted { oldest }) => assert!(after < oldest),
            Err(error) => panic!("{error}"),
        }
    };
    let slow = random.below(3) == 0;
    let mut events = Vec::new();
    while feed.progress() < end {
        // The last event may be another collection's; then there is progress without an event.
        let next = tokio::select! {
            biased;
            next = feed.next() => next,
            () = store.wait_for(end) => continue,
        };
        match next {
            Ok(more) => {
                for event in &more {
                    assert!(store.revision() >= event.revision, "readers see it first");
                }
                events.extend(more);
            }
            Err(FeedError::Compacted { .. }) => {
                let (complete, after) = (false, after);
                return Watched {
                    collection,
                    after,
                    events,
                    complete,
                };
            }
            Err(error) => panic!("{error}"),
        }
        if slow {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    Watched {
        collection,
        after,
        events,
        complete: true,
    }
}

async fn compact(store: Store, mut random: Random) {
    for step in 1..8 {
        store.wait_for(step * WRITERS * WRITES / 8).await;
        let revision = store.revision().saturating_sub(random.below(200) as u64);
        match store.compact(revision).await {
            Ok(()) => assert!(store.stats().oldest_revision >= revision),
            Err(error) => assert!(error.to_string().contains("the history begins"), "{error}"),
        }
    }
}

fn check(written: &Written, watched: &Watched) {
    let expected = written
        .range(watched.after + 1..)
        .filter(|(_, (key, _))| key.split('/').next() == Some(watched.collection))
        .map(|(revision, (key, value))| (*revision, key.clone(), value.clone()));
    let found = watched.events.iter();
    let found = found.map(|event| (event.revision, event.key.to_string(), text(&event.value)));
    let (found, expected): (Vec<_>, Vec<_>) = (found.collect(), expected.collect());
    if watched.complete {
        assert_eq!(found, expected, "after {}", watched.after);
    } else {
        assert!(expected.starts_with(&found), "after {}", watched.after);
    }
    for event in &watched.events {
        let base = text(&event.value);
        let base = base.split(' ').next().expect("a base");
        let before = event.previous.as_ref().map(|value| text(value));
        let before = before.as_ref().and_then(|value| value.split(' ').nth(1));
        assert_eq!(
            base,
            before.unwrap_or("0"),
            "a stale write won at {}",
            event.revision
        );
        assert_eq!(event.kind == EventKind::Created, before.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_watcher_sees_every_event_in_order() {
    for seed in seeds(6) {
        let options = Options {
            fsync: seed % 3 == 0,
            ..Options::default()
        };
        let dir = Dir::new();
        let store = if seed % 2 == 0 {
            Store::in_memory(options)
        } else {
            Store::open(dir.path(), options).expect("a store")
        };
        let random = |number: u64| Random::new(seed * 100 + number);
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| tokio::spawn(write(store.clone(), random(number))))
            .collect();
        let watchers: Vec<_> = (0..WATCHERS)
            .map(|number| tokio::spawn(watch(store.clone(), random(50 + number))))
            .collect();
        let compacting = tokio::spawn(compact(store.clone(), random(99)));
        let mut written = Written::new();
        for writer in writers {
            written.extend(writer.await.expect("no panic"));
        }
        assert!(
            written.keys().copied().eq(1..=WRITERS * WRITES),
            "each revision once"
        );
        compacting.await.expect("no panic");
        let mut events = 0;
        for watcher in watchers {
            let watched = tokio::time::timeout(Duration::from_secs(60), watcher);
            let watched = watched.await.expect("no waiting").expect("no panic");
            check(&written, &watched);
            events += watched.events.len();
        }
        assert!(events > 100, "seed {seed}: {events}");
    }
}
