//! Figures for operators.

use std::sync::atomic::{AtomicU64, Ordering};

/// Figures of a store, of one moment, about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// The newest revision that readers see.
    pub revision: u64,
    /// The oldest revision whose state is known.
    pub oldest_revision: u64,
    /// How many keys there are.
    pub entries: u64,
    /// How many bytes keys and values have.
    pub bytes: u64,
    /// How many events the history has.
    pub history_events: u64,
    /// How many bytes only the history holds, about.
    pub history_bytes: u64,
    /// The length of the log's files.
    pub log_bytes: u64,
    /// How many files the log has.
    pub log_files: u64,
    /// Snapshots written since the store was opened.
    pub snapshots: u64,
    /// Writes that were made durable since then.
    pub writes: u64,
    /// Batches that they were made durable in.
    pub batches: u64,
    /// The most writes in one batch.
    pub largest_batch: u64,
    /// How often the disk was waited for.
    pub fsyncs: u64,
}

/// What the writer counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) log_bytes: AtomicU64,
    pub(crate) log_files: AtomicU64,
    pub(crate) snapshots: AtomicU64,
    writes: AtomicU64,
    batches: AtomicU64,
    largest_batch: AtomicU64,
    pub(crate) fsyncs: AtomicU64,
}

impl Counters {
    pub(crate) fn batch(&self, writes: usize) {
        self.writes.fetch_add(writes as u64, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.largest_batch
            .fetch_max(writes as u64, Ordering::Relaxed);
    }

    /// The counted part of the figures, with the rest at nothing.
    pub(crate) fn read(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            revision: 0,
            oldest_revision: 0,
            entries: 0,
            bytes: 0,
            history_events: 0,
            history_bytes: 0,
            log_bytes: get(&self.log_bytes),
            log_files: get(&self.log_files),
            snapshots: get(&self.snapshots),
            writes: get(&self.writes),
            batches: get(&self.batches),
            largest_batch: get(&self.largest_batch),
            fsyncs: get(&self.fsyncs),
        }
    }
}
