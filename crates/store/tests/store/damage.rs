//! Files that are not what was written: cut off, flipped, missing, exchanged. Opening yields all that was acknowledged
//! before a torn end, or refuses and says where; and a store that was opened goes on.

use crate::{
    image::{Image, LINES, log_name, options},
    support::{Dir, HEAD, HEADER, put, show},
};
use std::{fs, path::Path};
use tidegate_store::{Expected, OpenError, Store};

/// The places of frames in a log with one file: each begins with the same four bytes.
fn frames(bytes: &[u8]) -> Vec<usize> {
    let magic = &bytes[HEAD..HEAD + 4];
    (HEAD..bytes.len() - 3)
        .filter(|at| &bytes[*at..*at + 4] == magic)
        .collect()
}

fn refused(outcome: Result<u64, OpenError>, name: &str) -> u64 {
    match outcome {
        Err(OpenError::Damaged { path, offset, .. }) => {
            assert!(
                path.ends_with(name),
                "{} is to blame, not {}",
                name,
                path.display()
            );
            offset
        }
        other => panic!("{name}: expected a refusal: {other:?}"),
    }
}

#[tokio::test]
async fn a_torn_end_is_cut_off_at_every_byte() {
    let image = Image::small().await;
    let (name, bytes) = (log_name(1), image.dir.files().remove(1).1);
    let frames = frames(&bytes);
    // Batches and marks in turn; the compaction is a batch without writes.
    assert_eq!(frames.len(), 2 * LINES.len());
    for length in 0..=bytes.len() {
        let outcome = image
            .outcome(&image.with(&name, Some(&bytes[..length])))
            .await;
        if length < HEAD {
            assert_eq!(refused(outcome, &name), 0);
            continue;
        }
        let whole = frames
            .iter()
            .filter(|at| **at > HEAD && **at <= length)
            .count();
        let whole = whole + usize::from(length == bytes.len());
        let batches = whole.div_ceil(2);
        let writes = LINES
            .iter()
            .take(batches)
            .filter(|line| !line.starts_with("compact"))
            .count() as u64;
        assert_eq!(outcome.expect("opens"), writes, "cut at {length}");
    }
}

#[tokio::test]
async fn what_follows_the_end_is_cut_off() {
    let image = Image::small().await;
    let (name, bytes) = (log_name(1), image.dir.files().remove(1).1);
    let tails: &[&[u8]] = &[
        &[0],
        &[0; 4096],
        &[0xFF; 100],
        &bytes[HEAD..],
        &bytes[..HEAD + HEADER],
    ];
    for tail in tails {
        let longer = [&bytes, *tail].concat();
        let dir = image.with(&name, Some(&longer));
        assert_eq!(image.outcome(&dir).await.expect("opens"), image.last());
    }
}

#[tokio::test]
async fn a_flipped_bit_refuses_at_every_byte() {
    for image in [
        Image::small().await,
        Image::files().await,
        Image::snapshot().await,
    ] {
        let files = image.dir.files();
        let last_log = image.names("log-").pop().expect("a log");
        for (name, bytes) in files.iter().filter(|(name, _)| name != "lock") {
            for at in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << (at % 8);
                let outcome = image.outcome(&image.with(name, Some(&flipped))).await;
                // The last mark proves something about what is before it, and nothing proves anything about itself.
                if *name == last_log && at >= bytes.len() - HEADER && bytes.len() > HEAD {
                    assert_eq!(outcome.expect("opens"), image.last(), "{name} at {at}");
                } else {
                    let offset = match outcome {
                        Err(OpenError::Version { .. }) => {
                            panic!("{name} at {at}: a flipped bit is no version")
                        }
                        outcome => refused(outcome, name),
                    };
                    let near = offset <= at as u64 && at as u64 - offset < 600;
                    assert!(near, "{name}: flipped at {at}, blamed {offset}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_missing_file_refuses() {
    for image in [Image::files().await, Image::snapshot().await] {
        let names = image.names("");
        assert!(names.len() > 3, "{names:?}");
        for name in names.iter().filter(|name| *name != "lock") {
            let outcome = image.outcome(&image.with(name, None)).await;
            assert!(
                matches!(outcome, Err(OpenError::Missing { .. })),
                "without {name}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_shortened_file_before_the_last_refuses() {
    let image = Image::files().await;
    let logs = image.names("log-");
    for name in &logs[..logs.len() - 1] {
        let bytes = fs::read(image.dir.path().join(name)).expect("a file");
        for length in 0..bytes.len() {
            let outcome = image
                .outcome(&image.with(name, Some(&bytes[..length])))
                .await;
            let clear = matches!(
                outcome,
                Err(OpenError::Damaged { .. } | OpenError::Missing { .. })
            );
            assert!(clear, "{name} cut at {length}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_file_of_another_place_or_store_refuses() {
    let image = Image::files().await;
    let other = Image::files().await;
    for name in image.names("log-") {
        let foreign = fs::read(other.dir.path().join(&name)).expect("a file");
        let outcome = image.outcome(&image.with(&name, Some(&foreign))).await;
        let blamed = outcome.expect_err("refused").to_string();
        assert!(blamed.contains("is damaged at byte 0"), "{blamed}");
    }
    let logs = image.names("log-");
    let first = fs::read(image.dir.path().join(&logs[0])).expect("a file");
    refused(
        image.outcome(&image.with(&logs[1], Some(&first))).await,
        &logs[1],
    );
}

#[tokio::test]
async fn an_interrupted_change_of_files_is_finished() {
    let image = Image::files().await;
    // Each is a moment in which the process can end while a file is closed: the next file is there, and unused; and
    // the seal of this one is there, torn, or not there.
    let last = image.names("log-").pop().expect("a log");
    let bytes = fs::read(image.dir.path().join(&last)).expect("a file");
    let next = {
        let dir = image.dir.copy();
        let mut small = image.options.clone();
        small.files.segment_bytes = 1;
        let store = Store::open(dir.path(), small).expect("a store");
        put(&store, "pods/x", Expected::Any, "1")
            .await
            .expect("written");
        drop(store);
        let files = dir.files();
        let sealed = files
            .iter()
            .find(|(name, _)| *name == last)
            .expect("a file")
            .1
            .clone();
        assert_eq!(sealed.len(), bytes.len() + HEADER);
        let (name, head) = files.last().expect("a file");
        (sealed, name.clone(), head[..HEAD].to_vec())
    };
    let (sealed, next_name, head) = next;
    for length in bytes.len()..=sealed.len() {
        let dir = image.with(&last, Some(&sealed[..length]));
        fs::write(dir.path().join(&next_name), &head).expect("written");
        assert_eq!(
            image.outcome(&dir).await.expect("opens"),
            image.last(),
            "the seal cut at {length}"
        );
    }
    // An unfinished file has another name, and goes.
    let dir = image.dir.copy();
    let unfinished = dir.path().join(format!("{next_name}.tmp"));
    fs::write(&unfinished, b"half").expect("written");
    assert_eq!(image.outcome(&dir).await.expect("opens"), image.last());
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn needless_files_are_removed() {
    let image = Image::snapshot().await;
    let before = image.names("");
    // What an interrupted removal leaves: an older snapshot and older logs. They are not even looked at.
    let dir = image.dir.copy();
    for name in [log_name(1), format!("snapshot-{:020}", 1)] {
        fs::write(dir.path().join(name), b"older").expect("written");
    }
    image
        .open(&dir)
        .expect("opens")
        .close()
        .await
        .expect("closed");
    let after: Vec<String> = dir.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_lost_mark_loses_nothing() {
    // A power failure can lose the mark, which is not waited for, and keep the batch after it.
    let image = Image::small().await;
    let (name, bytes) = (log_name(1), image.dir.files().remove(1).1);
    let frames = frames(&bytes);
    let mark = frames[frames.len() - 3];
    let without_last_mark = bytes.len() - HEADER;
    let mut lost = bytes[..without_last_mark].to_vec();
    lost[mark..mark + HEADER].fill(0);
    let outcome = image.outcome(&image.with(&name, Some(&lost))).await;
    assert_eq!(outcome.expect("opens"), image.last());
    // But with something after that batch, it was durable.
    let mut flipped = bytes.clone();
    flipped[mark..mark + HEADER].fill(0);
    assert_eq!(
        refused(
            image.outcome(&image.with(&name, Some(&flipped))).await,
            &name
        ),
        mark as u64
    );
}

#[tokio::test]
async fn a_value_that_looks_like_a_log_fools_nobody() {
    let dir = Dir::new();
    let options = options(1 << 14, 1 << 20);
    let store = Store::open(dir.path(), options.clone()).expect("a store");
    put(&store, "pods/a", Expected::Any, "1")
        .await
        .expect("written");
    let log = dir.path().join(log_name(1));
    let bytes = dir.used().remove(1).1;
    let write = tidegate_store::Write::Put {
        key: "pods/log",
        expected: Expected::Any,
        body: bytes.repeat(3).into(),
    };
    store.write(write).await.expect("written");
    drop(store);
    let whole = fs::read(&log).expect("a file");
    for length in bytes.len() + HEADER..whole.len() - HEADER {
        fs::write(&log, &whole[..length]).expect("written");
        let store = Store::open(dir.path(), options.clone()).expect("opens");
        assert_eq!(show(&store.snapshot()), "1: pods/a=1@1/1");
    }
}

#[tokio::test]
async fn another_format_version_is_named() {
    let image = Image::small().await;
    let (name, mut bytes) = (log_name(1), image.dir.files().remove(1).1);
    // What a later program would write: its version, and a checksum over it.
    bytes[8] = 2;
    bytes[12] ^= 0x55;
    let outcome = image.outcome(&image.with(&name, Some(&bytes))).await;
    assert!(
        matches!(
            outcome,
            Err(OpenError::Version {
                found: 2,
                expected: 1,
                ..
            })
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_snapshot_keeps_what_the_log_lets_go() {
    let image = Image::snapshot().await;
    let store = image.open(&image.dir).expect("a store");
    let stats = store.stats();
    assert!(stats.log_bytes < 2000, "the log is short: {stats:?}");
    let state = show(&store.snapshot());
    assert!(state.contains("nodes/n=v3@3/3"), "{state}");
    drop(store);
    assert!(image.dir.path().join("lock").exists());
    assert_no_leftovers(image.dir.path());
}

fn assert_no_leftovers(dir: &Path) {
    let unfinished = fs::read_dir(dir).expect("a directory").filter(|item| {
        let name = item.as_ref().expect("an item").file_name();
        name.to_string_lossy().ends_with(".tmp")
    });
    assert_eq!(unfinished.count(), 0);
}
