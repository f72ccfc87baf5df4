//! How a store is kept: what history it holds, when its log is shortened, how large things may get.

use std::time::Duration;

/// Options of a [`Store`](crate::Store). The defaults suit an API server.
#[derive(Debug, Clone)]
pub struct Options {
    /// How much history is kept.
    pub history: HistoryLimits,
    /// When files are closed and dropped.
    pub files: FileLimits,
    /// Whether a write waits until the disk has it. Without, it survives the end of the process but not that of the
    /// machine.
    pub fsync: bool,
    /// The longest value that is accepted.
    pub max_value_bytes: usize,
    /// Writes are refused as [`Busy`](crate::WriteError::Busy) while this many bytes wait for the disk.
    pub max_queued_bytes: usize,
}

/// How much history is kept: an event goes once it is older than `min_age`, and before that only where the history
/// would outgrow one of the other two.
#[derive(Debug, Clone)]
pub struct HistoryLimits {
    /// Events are kept for this long. They go with some later write, not by a timer.
    pub min_age: Duration,
    /// No more events than this.
    pub max_events: usize,
    /// No more bytes than this: the values that only the history still holds, and its own.
    pub max_bytes: usize,
}

/// When files of the log are closed and dropped.
#[derive(Debug, Clone)]
pub struct FileLimits {
    /// A file of the log is closed when it is longer than this.
    pub segment_bytes: u64,
    /// A snapshot is written when it lets go of so many bytes of the log, and of as many as the state has.
    pub snapshot_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            history: HistoryLimits::default(),
            files: FileLimits::default(),
            fsync: true,
            max_value_bytes: 8 << 20,
            max_queued_bytes: 64 << 20,
        }
    }
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self {
            min_age: Duration::from_secs(300),
            max_events: 100_000,
            max_bytes: 64 << 20,
        }
    }
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
            snapshot_bytes: 16 << 20,
        }
    }
}
