//! Full disks, broken disks, and slow ones.

use super::{Bench, Contents, contents, put};
use crate::{
    error::{CompactError, HistoryError, WriteError},
    feed::Feed,
    store::Store,
    write::Expected,
};
use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

/// Writes until that is refused: what fits into the room that is there is written. Returns the last revision.
async fn fill(store: &Store) -> (u64, WriteError) {
    let mut last = store.revision();
    loop {
        match put(store, "pods/a", Expected::Revision(last), &[b'x'; 900]).await {
            Ok(revision) => last = revision,
            Err(error) => return (last, error),
        }
    }
}

const ENOSPC: i32 = 28;
const EMFILE: i32 = 24;

/// Whether that is the refusal that the system's error leads to.
fn is_refusal(refused: &WriteError, error: i32) -> bool {
    match error {
        ENOSPC => matches!(refused, WriteError::NoRoom(_)),
        _ => matches!(refused, WriteError::NotNow(_)),
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_is_recovered_from() {
    for (segment_bytes, error) in [(1 << 20, ENOSPC), (2000, ENOSPC), (2000, EMFILE)] {
        let bench = Bench::new(segment_bytes);
        let store = bench.open();
        put(&store, "pods/a", Expected::Any, b"1")
            .await
            .expect("written");
        bench.faults().full = Some(error);
        let (last, refused) = fill(&store).await;
        assert!(is_refusal(&refused, error), "{refused:?}");
        assert_eq!(store.revision(), last);
        assert_eq!(store.head("pods/a").expect("an entry").revision, last);
        let many = (0..20).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                put(
                    &store,
                    &format!("pods/{number}"),
                    Expected::Absent,
                    &[b'y'; 900],
                )
                .await
            })
        });
        for refused in many.collect::<Vec<_>>() {
            let refused = refused.await.expect("no panic").expect_err("a refusal");
            assert!(is_refusal(&refused, error), "{refused:?}");
        }
        let before = contents(&store.snapshot());
        // With room it goes on, and gives no revision twice.
        bench.faults().full = None;
        let stale = put(&store, "pods/a", Expected::Revision(last + 1), b"stale").await;
        assert!(
            matches!(stale, Err(WriteError::Conflict { .. })),
            "{stale:?}"
        );
        let next = put(&store, "pods/b", Expected::Absent, b"2")
            .await
            .expect("written");
        assert!(next > last + 20, "{next} after {last}");
        assert_eq!(
            store.snapshot_at(last).map(|old| contents(&old)),
            Ok(before.clone())
        );
        assert_eq!(
            store.snapshot_at(next - 1).map(|old| contents(&old)),
            Ok(before)
        );
        let mut feed = store.watch("pods", last).expect("a feed");
        let events = feed.next().await.expect("events");
        assert_eq!((events.len(), events[0].revision), (1, next));
        let after = contents(&store.snapshot());
        store.compact(next - 1).await.expect("compacted");
        assert!(store.watch("pods", last).is_err());
        store.close().await.expect("closed");
        let store = bench.open();
        assert_eq!(
            (store.revision(), contents(&store.snapshot())),
            (next, after)
        );
        assert_eq!(store.stats().history_events, 1);
        put(&store, "pods/c", Expected::Absent, b"3")
            .await
            .expect("written");
    }
}

#[tokio::test]
async fn a_broken_disk_ends_writing_and_not_reading() {
    let bench = Bench::new(1 << 20);
    let store = bench.open();
    put(&store, "pods/a", Expected::Any, b"1")
        .await
        .expect("written");
    bench.faults().broken = true;
    for _ in 0..2 {
        let failed = put(&store, "pods/a", Expected::Revision(1), b"2").await;
        assert!(matches!(failed, Err(WriteError::Failed(_))), "{failed:?}");
        // Also when the disk works again: what it has is not known.
        bench.faults().broken = false;
    }
    let failed = store.compact(1).await;
    assert!(
        matches!(failed, Err(CompactError::Write(WriteError::Failed(_)))),
        "{failed:?}"
    );
    assert_eq!(store.revision(), 1);
    assert_eq!(
        &store.snapshot().get("pods/a").expect("an entry").value[..],
        b"1"
    );
    let mut feed = store.watch("pods", 0).expect("a feed");
    assert_eq!(feed.next().await.expect("events").len(), 1);
    store.close().await.expect_err("it had failed");
    let store = bench.open();
    assert!((1..=2).contains(&store.revision()));
    put(&store, "pods/a", Expected::Any, b"3")
        .await
        .expect("written");
}

#[tokio::test]
async fn a_directory_that_was_removed_takes_no_writes() {
    let bench = Bench::new(1 << 20);
    let store = bench.open();
    put(&store, "pods/a", Expected::Any, b"1")
        .await
        .expect("written");
    std::fs::remove_dir_all(&bench.dir.0).expect("removed");
    for _ in 0..2 {
        let failed = put(&store, "pods/a", Expected::Any, b"2").await;
        assert!(matches!(failed, Err(WriteError::Failed(_))), "{failed:?}");
    }
    assert_eq!(store.revision(), 1);
    assert!(!store.is_well());
}

/// Looks at a future once.
fn look<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Revision 1 is the newest that anybody sees.
fn check_unseen(store: &Store, feed: &Feed, seen: &Contents) {
    assert!(look(&mut pin!(store.wait_for(2))).is_pending());
    assert_eq!(&contents(&store.snapshot()), seen);
    let future = HistoryError::Future { current: 1 };
    assert_eq!(store.snapshot_at(2).map(|_| ()), Err(future));
    assert_eq!(store.watch("pods", 2).map(|_| ()), Err(future));
    let revisions = (store.revision(), store.stats().revision, feed.progress());
    assert_eq!(revisions, (1, 1, 1));
    assert_eq!(store.backup(std::io::sink()).expect("a backup"), 1);
}

#[tokio::test]
async fn nobody_sees_what_is_not_durable() {
    for breaks in [false, true] {
        let bench = Bench::new(1 << 20);
        let store = bench.open();
        put(&store, "pods/a", Expected::Any, b"1")
            .await
            .expect("written");
        let mut feed = store.watch("pods", 1).expect("a feed");
        let seen = contents(&store.snapshot());
        assert_eq!(seen["pods/a"], (b"1".to_vec(), 1));
        let mut write = pin!(put(&store, "pods/a", Expected::Revision(1), b"2"));
        let mut loser = pin!(put(&store, "pods/a", Expected::Revision(1), b"3"));
        {
            // The disk waits for this.
            let mut disk = bench.faults();
            assert!(look(&mut write).is_pending());
            assert_eq!(store.head("pods/a").expect("an entry").revision, 2);
            // What it would lose against may yet not happen, so this waits as well.
            assert!(look(&mut loser).is_pending());
            assert!(look(&mut write).is_pending());
            assert!(look(&mut pin!(feed.next())).is_pending());
            check_unseen(&store, &feed, &seen);
            disk.broken = breaks;
        }
        let (write, loser) = (write.await, loser.await);
        if breaks {
            assert!(matches!(write, Err(WriteError::Failed(_))), "{write:?}");
            assert!(matches!(loser, Err(WriteError::Failed(_))), "{loser:?}");
            assert_eq!(contents(&store.snapshot()), seen);
            assert_eq!(store.head("pods/a").expect("an entry").revision, 1);
        } else {
            assert_eq!(write.expect("written"), 2);
            let current = match loser {
                Err(WriteError::Conflict { current }) => current.expect("an entry").revision,
                other => panic!("{other:?}"),
            };
            assert_eq!(current, 2);
            assert_eq!(feed.next().await.expect("events").len(), 1);
        }
    }
}

#[tokio::test]
async fn a_slow_disk_makes_writers_wait_and_then_refuses_them() {
    let mut bench = Bench::new(1 << 20);
    bench.options.max_queued_bytes = 10_000;
    let store = bench.open();
    let disk = bench.faults();
    let mut accepted = Vec::new();
    let refused = loop {
        let store = store.clone();
        let key = format!("pods/{}", accepted.len());
        let mut write =
            Box::pin(async move { put(&store, &key, Expected::Absent, &[b'x'; 1000]).await });
        match look(&mut write) {
            Poll::Pending => accepted.push(write),
            Poll::Ready(done) => break done,
        }
    };
    assert!(
        matches!(refused, Err(WriteError::Busy { .. })),
        "{refused:?}"
    );
    assert!((5..30).contains(&accepted.len()), "{}", accepted.len());
    drop(disk);
    for write in accepted {
        write.await.expect("written");
    }
    put(&store, "pods/a", Expected::Any, b"1")
        .await
        .expect("written");
}
