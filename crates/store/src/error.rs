//! What can go wrong. Each variant says what the caller should do.

use crate::entry::Entry;
use std::{io, path::PathBuf, sync::Arc};

/// Why a store was not opened. Nothing was changed but leftovers of an earlier, interrupted change.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another store has the directory open. Stop the other one, or use another directory.
    #[error("{} is in use by another process", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The operating system refused. Try again when its cause is mended.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what was written. Restore a backup; the store does not guess.
    #[error("{} is damaged at byte {offset}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// A file is not there. Put it back, or restore a backup.
    #[error("{} lacks {what}", dir.display())]
    Missing {
        /// The directory.
        dir: PathBuf,
        /// What is missing.
        what: String,
    },
    /// The files are of another version of this program.
    #[error("{} has format version {found}; this program reads version {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that is read.
        expected: u32,
    },
}

/// Why a write did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// Something else is there than was expected. Look at it, and decide anew. It is durable.
    #[error("the key is not as expected: {}", describe(current.as_ref()))]
    Conflict {
        /// What is there.
        current: Option<Entry>,
    },
    /// The value is too long. Don't try again.
    #[error("the value has {bytes} bytes; the limit is {limit}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A key needs a collection, a slash and a name, and at most [`MAX_KEY_BYTES`](crate::MAX_KEY_BYTES).
    #[error("{key:?} is no key")]
    BadKey {
        /// The key, or how it begins.
        key: String,
    },
    /// Too much waits for the disk. Try again later.
    #[error("{queued} bytes wait to be written; the limit is {limit}")]
    Busy {
        /// What waits.
        queued: usize,
        /// The limit.
        limit: usize,
    },
    /// The disk is full. Make room and try again; the store goes on then by itself.
    #[error("there is no room on the disk: {0}")]
    NoRoom(Arc<str>),
    /// The system has no file or no memory to spare. Try again; the store goes on by itself when it has.
    #[error("nothing can be written now: {0}")]
    NotNow(Arc<str>),
    /// The store was closed before the write was accepted.
    #[error("the store is closed")]
    Closed,
    /// The disk failed, now or earlier. Whether this write is there will be known when the store is opened again. All
    /// further writes are refused; reads go on with what was durable before.
    #[error("the store takes no more writes: {0}")]
    Failed(Arc<str>),
}

fn describe(current: Option<&Entry>) -> String {
    current.map_or_else(
        || "there is nothing".to_owned(),
        |entry| format!("it is at revision {}", entry.revision),
    )
}

/// Why the past can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It is forgotten. Begin anew from the present state.
    #[error("the history begins at revision {oldest}")]
    Compacted {
        /// The oldest revision whose state is known.
        oldest: u64,
    },
    /// It has not happened yet. Wait for it, if it should.
    #[error("the newest revision is {current}")]
    Future {
        /// The newest revision.
        current: u64,
    },
}

/// Why a compaction did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CompactError {
    /// The revision is not of this history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// As for a write.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why a feed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The feed is further behind than the history reaches: events that it has not given are forgotten.
    #[error("the feed fell out of the history, which begins at revision {oldest}")]
    Compacted {
        /// The oldest revision from which this collection can be followed.
        oldest: u64,
    },
    /// The store was closed, and the feed has given all there was.
    #[error("the store is closed")]
    Closed,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The writer failed. What it got is no backup.
    #[error("cannot write the backup: {0}")]
    Io(#[from] io::Error),
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is something in the directory. Choose an empty one.
    #[error("{} is not empty", dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// The backup is damaged or cut off. Use another.
    #[error("the backup is damaged at byte {offset}: {reason}")]
    Damaged {
        /// Where.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// The backup is of another version of this program.
    #[error("the backup has format version {found}; this program reads version {expected}")]
    Version {
        /// Its version.
        found: u32,
        /// The version that is read.
        expected: u32,
    },
    /// The backup could not be read.
    #[error("cannot read the backup: {0}")]
    Read(#[source] io::Error),
    /// The directory could not be made.
    #[error(transparent)]
    Open(#[from] OpenError),
}
