//! Logs that no store has written, with checksums that are right: what is behind the checksums must hold as well.

use crate::{
    log::frame::{FileId, Header, Kind},
    options::Options,
    state::LARGEST_REVISION,
    store::Store,
    write::{Expected, Write},
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    test_runner::{Config, TestRunner},
};
use std::fs;

#[derive(Debug, Clone)]
struct Frame {
    kind: Kind,
    /// To what the revision would be.
    revision: i64,
    /// To how many records there are.
    records: i32,
    /// To how long the payload is.
    length: i32,
    floor: u64,
    time_ms: u64,
    payload: Vec<Vec<u8>>,
}

fn revisions() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 1..5_u64,
        1 => any::<u64>(),
        1 => LARGEST_REVISION - 3..=LARGEST_REVISION + 1,
    ]
}

/// Mostly as it should be.
fn rarely<T: Default + Clone + std::fmt::Debug>(
    other: impl Strategy<Value = T>,
) -> impl Strategy<Value = T> {
    prop_oneof![30 => Just(T::default()), 1 => other]
}

fn records() -> impl Strategy<Value = Vec<u8>> {
    let keys = prop_oneof![
        8 => "[ab]/[ab]",
        1 => "[a/]{0,3}",
    ];
    let parts = (
        prop_oneof![5 => Just(1_u8), 3 => Just(2), 1 => any::<u8>()],
        keys,
        rarely(-3..3_i32),
        vec(any::<u8>(), 0..20),
        rarely(any::<i32>()),
        rarely(vec(any::<u8>(), 0..4)),
    );
    parts.prop_map(|(kind, key, key_length, value, value_length, more)| {
        let key_length = i32::try_from(key.len()).expect("short") + key_length;
        let value_length = i32::try_from(value.len())
            .expect("short")
            .wrapping_add(value_length);
        let mut out = vec![kind];
        out.extend(&key_length.to_le_bytes()[..2]);
        out.extend(value_length.to_le_bytes());
        out.extend(key.into_bytes());
        out.extend(value);
        out.extend(more);
        out
    })
}

fn frames() -> impl Strategy<Value = Frame> {
    let kinds = prop_oneof![
        6 => Just(Kind::Batch),
        6 => Just(Kind::Mark),
        1 => Just(Kind::Seal),
    ];
    let parts = (
        kinds,
        rarely(prop_oneof![any::<i64>(), -3..9_i64]),
        rarely(any::<i32>()),
        rarely(-9..9_i32),
        prop_oneof![Just(0), revisions()],
        any::<u64>(),
        vec(records(), 0..4),
    );
    parts.prop_map(
        |(kind, revision, records, length, floor, time_ms, payload)| Frame {
            kind,
            revision,
            records,
            length,
            floor,
            time_ms,
            payload: if kind == Kind::Batch {
                payload
            } else {
                Vec::new()
            },
        },
    )
}

/// A file, with what is wrong with the frames.
fn file(first: u64, frames: &[Frame], room: usize) -> Vec<u8> {
    let id = FileId { store: 7, first };
    let mut out = id.encode();
    let mut next = first;
    for frame in frames {
        let records = u32::try_from(frame.payload.len()).expect("few");
        let payload = frame.payload.concat();
        let length = i32::try_from(payload.len()).expect("short") + frame.length;
        let at = match frame.kind {
            Kind::Mark => next.wrapping_sub(1),
            Kind::Batch | Kind::Seal => next,
        };
        let header = Header {
            kind: frame.kind,
            length: length.cast_unsigned(),
            records: records.wrapping_add_signed(frame.records),
            revision: at.wrapping_add_signed(frame.revision),
            time_ms: frame.time_ms,
            floor: frame.floor,
            payload_checksum: crc32fast::hash(&payload),
        };
        next = next.wrapping_add(u64::from(records));
        out.extend(header.encode(id, out.len() as u64));
        out.extend(payload);
    }
    out.resize(out.len() + room, 0);
    out
}

/// Opens it. Where that works, so does all else.
fn check(first: u64, bytes: &[u8]) -> Option<u64> {
    let dir = crate::faults::Dir::new();
    let path = crate::log::files::log_path(&dir.0, first);
    fs::write(path, bytes).expect("written");
    let options = Options {
        fsync: false,
        ..Options::default()
    };
    let store = Store::open(&dir.0, options.clone()).ok()?;
    let revision = store.revision();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().expect("a runtime");
    runtime.block_on(async {
        let write = Write::Put {
            key: "a/a",
            expected: Expected::Any,
            body: b"next".to_vec().into(),
        };
        let done = store.write(write).await.expect("written");
        assert_eq!(done.revision, revision + 1);
        let oldest = store.stats().oldest_revision;
        assert!(oldest <= done.revision);
        store.snapshot_at(oldest).expect("known");
        let mut feed = store.watch("a", oldest).expect("a feed");
        if oldest <= revision {
            feed.next().await.expect("events");
        }
        store.close().await.expect("closed");
        let again = Store::open(&dir.0, options).expect("opens again");
        assert_eq!(again.revision(), done.revision);
    });
    Some(revision)
}

#[test]
fn a_log_with_right_checksums_and_wrong_contents_never_panics() {
    let config = Config {
        cases: Config::default().cases * 4,
        failure_persistence: None,
        ..Config::default()
    };
    let firsts = prop_oneof![9 => Just(1_u64), 1 => revisions()];
    let cases = (firsts, vec(frames(), 0..8), 0..100_usize);
    let opened = std::cell::Cell::new(0);
    TestRunner::new(config.clone())
        .run(&cases, |(first, frames, room)| {
            if check(first, &file(first, &frames, room)).is_some() {
                opened.set(opened.get() + 1);
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let (opened, cases) = (opened.get(), config.cases);
    assert!(
        opened > cases / 20 && opened < cases,
        "{opened} of {cases} were good"
    );
}
