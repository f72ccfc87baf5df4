//! Backups, and stores that are made from them.

use crate::support::{Dir, put, run, show};
use std::fs;
use tidegate_store::{Expected, FeedError, OpenError, Options, RestoreError, Store};

/// So many revisions a restored store leaves out.
const SKIPPED: u64 = 1_000_000_000;

fn options() -> Options {
    Options {
        fsync: false,
        ..Options::default()
    }
}

async fn backup(lines: &[&str]) -> (Store, Vec<u8>) {
    let store = Store::in_memory(options());
    for line in lines {
        run(&store, line).await;
    }
    let mut backup = Vec::new();
    let revision = store.backup(&mut backup).expect("a backup");
    assert_eq!(revision, store.revision());
    (store, backup)
}

#[tokio::test]
async fn a_restored_store_has_the_entries_and_later_revisions() {
    let (former, backup) = backup(&[
        "put pods/a 1",
        "put nodes/n 2",
        "put pods/a 3",
        "put pods/b 4",
        "delete pods/b gone",
    ])
    .await;
    let dir = Dir::new();
    Store::restore(dir.path(), &backup[..]).expect("restored");
    for _ in 0..2 {
        let store = Store::open(dir.path(), options()).expect("a store");
        let first = 5 + SKIPPED;
        let state = format!("{first}: nodes/n=2@2/2 pods/a=3@3/1");
        assert_eq!(run(&store, &format!("at {first}")).await, state);
        // Whoever followed the former store, and whatever that did since, is told to begin anew.
        put(&former, "pods/a", Expected::Any, "since")
            .await
            .expect("written");
        let begins = format!("the history begins at revision {first}");
        for after in [0, 3, 5, former.revision(), first - 1] {
            assert_eq!(run(&store, &format!("watch pods {after}")).await, begins);
            assert_eq!(run(&store, &format!("at {after}")).await, begins);
        }
        let feed = store.watch("pods", first).expect("a feed");
        assert!(feed.progress() >= first);
        // A write that rests on what the former store did since has lost its ground.
        let stale = put(
            &store,
            "pods/a",
            Expected::Revision(former.revision()),
            "stale",
        )
        .await;
        assert!(stale.is_err());
        store.close().await.expect("closed");
    }
    let store = Store::open(dir.path(), options()).expect("a store");
    let next = put(&store, "pods/a", Expected::Revision(3), "next").await;
    assert_eq!(next.expect("written"), 6 + SKIPPED);
}

#[tokio::test]
async fn a_backup_can_be_of_a_restored_store_and_of_an_empty_one() {
    let (_, nothing) = backup(&[]).await;
    let (first, second) = (Dir::new(), Dir::new());
    Store::restore(first.path(), &nothing[..]).expect("restored");
    let store = Store::open(first.path(), options()).expect("a store");
    put(&store, "pods/a", Expected::Absent, "1")
        .await
        .expect("written");
    let mut again = Vec::new();
    store.backup(&mut again).expect("a backup");
    Store::restore(second.path(), &again[..]).expect("restored");
    let restored = Store::open(second.path(), options()).expect("a store");
    let (one, two) = (SKIPPED + 1, 2 * SKIPPED + 1);
    assert_eq!(
        show(&restored.snapshot()),
        format!("{two}: pods/a=1@{one}/{one}")
    );
}

#[tokio::test]
async fn a_damaged_backup_restores_nothing() {
    let (_, backup) = backup(&["put pods/a 1", "put nodes/n 2"]).await;
    let dir = Dir::new();
    let refused = |bytes: &[u8]| {
        let restored = Store::restore(dir.path(), bytes);
        let clear = matches!(
            restored,
            Err(RestoreError::Damaged { .. } | RestoreError::Version { .. })
        );
        assert!(clear, "{restored:?}");
        let names: Vec<String> = dir.files().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["lock"]);
    };
    for at in 0..backup.len() {
        refused(&backup[..at]);
        let mut flipped = backup.clone();
        flipped[at] ^= 1 << (at % 8);
        refused(&flipped);
    }
    refused(&[&backup[..], b"more"].concat());
    Store::restore(dir.path(), &backup[..]).expect("restored");
}

#[tokio::test]
async fn only_an_empty_directory_is_restored_to() {
    let (_, backup) = backup(&["put pods/a 1"]).await;
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).expect("a store");
    let restored = Store::restore(dir.path(), &backup[..]);
    let locked = matches!(restored, Err(RestoreError::Open(OpenError::Locked { .. })));
    assert!(locked, "{restored:?}");
    drop(store);
    let restored = Store::restore(dir.path(), &backup[..]);
    assert!(
        matches!(restored, Err(RestoreError::NotEmpty { .. })),
        "{restored:?}"
    );
    // Half a restore is no store, and no empty directory either.
    let half = Dir::new();
    Store::restore(half.path(), &backup[..]).expect("restored");
    let log = half.path().join(format!("log-{:020}", SKIPPED + 2));
    fs::remove_file(log).expect("removed");
    let opened = Store::open(half.path(), options());
    assert!(
        matches!(opened, Err(OpenError::Missing { .. })),
        "{opened:?}"
    );
    let restored = Store::restore(half.path(), &backup[..]);
    assert!(
        matches!(restored, Err(RestoreError::NotEmpty { .. })),
        "{restored:?}"
    );
}

#[tokio::test]
async fn a_feed_that_is_behind_is_told_what_it_missed() {
    let mut options = options();
    options.history.max_events = 3;
    let store = Store::in_memory(options);
    put(&store, "pods/a", Expected::Any, "0")
        .await
        .expect("written");
    let mut behind = store.watch("pods", 0).expect("a feed");
    let mut idle = store.watch("nodes", 0).expect("a feed");
    for value in ["1", "2", "3"] {
        put(&store, "pods/a", Expected::Any, value)
            .await
            .expect("written");
    }
    for _ in 0..2 {
        assert_eq!(behind.next().await, Err(FeedError::Compacted { oldest: 1 }));
        assert_eq!(behind.progress(), 0);
    }
    // The other has missed nothing.
    assert_eq!(idle.progress(), 4);
    put(&store, "nodes/n", Expected::Any, "5")
        .await
        .expect("written");
    assert_eq!(idle.next().await.expect("events").len(), 1);
}
