//! What the tests share: directories that go away, and a store spoken to in short words.

use bytes::Bytes;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};
use tidegate_store::{
    Body, CompactError, Event, EventKind, Expected, HistoryError, Snapshot, Store, Write,
    WriteError,
};

/// A directory of one test.
#[derive(Debug)]
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Not on a disk where that can be: thousands of files come and go, and no power is lost.
        let shared_memory = PathBuf::from("/dev/shm");
        let place = if shared_memory.is_dir() {
            shared_memory
        } else {
            std::env::temp_dir()
        };
        let path = place.join(format!("tidegate-store-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The files by name, with what is in them.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(&self.0)
            .expect("a directory")
            .map(|item| item.expect("an item"))
            .map(|item| {
                (
                    item.file_name().to_string_lossy().into_owned(),
                    fs::read(item.path()).expect("a file"),
                )
            })
            .collect();
        files.sort();
        files
    }

    /// The same, without the room behind the last frame of a log.
    pub(crate) fn used(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = self.files();
        for (_, bytes) in files
            .iter_mut()
            .filter(|(name, _)| name.starts_with("log-"))
        {
            bytes.truncate(end_of_frames(bytes));
        }
        files
    }

    /// A directory with the same files, without that room.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        for (name, bytes) in self.used() {
            fs::write(copy.0.join(name), bytes).expect("a copy");
        }
        copy
    }
}

/// The lengths of a file's head and of a frame's header, as the log has them.
pub(crate) const HEAD: usize = 32;
pub(crate) const HEADER: usize = 48;

/// Where the last frame of a log ends: frames follow each other, each begins with the same four bytes, and has the
/// length of its payload in the third four.
fn end_of_frames(bytes: &[u8]) -> usize {
    let mut at = HEAD;
    while bytes.get(at..at + 4) == Some(b"\xF7TFr") {
        let length = bytes[at + 8..at + 12].try_into().expect("four bytes");
        at += HEADER + u32::from_le_bytes(length) as usize;
    }
    at
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A small random generator, so that a case can be had again.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed ^ 0x9E37_79B9_7F4A_7C15);
        for _ in 0..8 {
            random.below(2);
        }
        random
    }

    /// A number below a limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % limit as u64).expect("below a limit")
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// How many random cases, and from which seed: as the environment says, or few.
pub(crate) fn seeds(few: u64) -> std::ops::Range<u64> {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().expect("a number"))
    };
    let first = number("TIDEGATE_STORE_SEED").unwrap_or(1);
    first..first + number("TIDEGATE_STORE_SEEDS").unwrap_or(few)
}

pub(crate) fn body(text: &str) -> Body {
    // A hash sign stands for the revision.
    Body {
        revision_at: text.find('#'),
        bytes: text.replacen('#', "", 1).into_bytes(),
    }
}

pub(crate) async fn put(
    store: &Store,
    key: &str,
    expected: Expected,
    value: &str,
) -> Result<u64, WriteError> {
    let body = body(value);
    let write = Write::Put {
        key,
        expected,
        body,
    };
    store.write(write).await.map(|committed| committed.revision)
}

pub(crate) async fn delete(
    store: &Store,
    key: &str,
    expected: Expected,
    value: &str,
) -> Result<u64, WriteError> {
    let body = body(value);
    let write = Write::Delete {
        key,
        expected,
        body,
    };
    store.write(write).await.map(|committed| committed.revision)
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `key=value@revision/created`, each on its own.
pub(crate) fn show(snapshot: &Snapshot) -> String {
    let mut out = format!("{}:", snapshot.revision());
    for (key, entry) in snapshot.range("", None) {
        let (value, revision, created) =
            (text(&entry.value), entry.revision, entry.created_revision);
        write!(out, " {key}={value}@{revision}/{created}").expect("a string");
    }
    out
}

pub(crate) fn show_event(event: &Event) -> String {
    let sign = match event.kind {
        EventKind::Created => '+',
        EventKind::Updated => '~',
        EventKind::Deleted => '-',
    };
    let previous = event.previous.as_ref().map(text).unwrap_or_default();
    format!(
        "{sign}{}@{}={}<{previous}",
        event.key,
        event.revision,
        text(&event.value)
    )
}

/// What a feed has to give now, or why it ended.
pub(crate) async fn drain(store: &Store, collection: &str, after: u64) -> String {
    let mut feed = match store.watch(collection, after) {
        Ok(feed) => feed,
        Err(error) => return error.to_string(),
    };
    let mut out = Vec::new();
    while feed.progress() < store.revision() {
        match feed.next().await {
            Ok(events) => out.extend(events.iter().map(|event| show_event(event))),
            Err(error) => {
                out.push(error.to_string());
                break;
            }
        }
    }
    out.join(" ")
}

/// Does a line of words, and says what came of each.
///
/// `put KEY VALUE [absent|present|REVISION]`, `delete KEY …`, `get KEY`, `state`, `at REVISION`, `watch COLLECTION
/// AFTER`, `compact REVISION`, `count PREFIX`, `range PREFIX AFTER`.
pub(crate) async fn run(store: &Store, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |index: usize| words[index].parse::<u64>().expect("a number");
    let expected = || match words.get(3).copied() {
        None => Expected::Any,
        Some("absent") => Expected::Absent,
        Some("present") => Expected::Present,
        Some(_) => Expected::Revision(number(3)),
    };
    let history = |result: Result<Snapshot, HistoryError>| match result {
        Ok(snapshot) => show(&snapshot),
        Err(error) => error.to_string(),
    };
    let written = |result: Result<u64, WriteError>| match result {
        Ok(revision) => revision.to_string(),
        Err(error) => error.to_string(),
    };
    match words[0] {
        "put" => written(put(store, words[1], expected(), words[2]).await),
        "delete" => written(delete(store, words[1], expected(), words[2]).await),
        "get" => match store.snapshot().get(words[1]) {
            Some(entry) => format!(
                "{}@{}/{}",
                text(&entry.value),
                entry.revision,
                entry.created_revision
            ),
            None => "nothing".to_owned(),
        },
        "state" => show(&store.snapshot()),
        "at" => history(store.snapshot_at(number(1))),
        "watch" => drain(store, words[1], number(2)).await,
        "compact" => match store.compact(number(1)).await {
            Ok(()) => "done".to_owned(),
            Err(CompactError::History(error)) => error.to_string(),
            Err(CompactError::Write(error)) => error.to_string(),
        },
        "count" => store.snapshot().count(words[1]).to_string(),
        "range" => {
            let snapshot = store.snapshot();
            let keys: Vec<&str> = snapshot
                .range(words[1], words.get(2).copied())
                .map(|(key, _)| key)
                .collect();
            keys.join(" ")
        }
        other => panic!("unknown word {other}"),
    }
}
