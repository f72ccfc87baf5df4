//! An embedded, crash-safe, revisioned key-value store with a history of changes.
//!
//! Start at [`Store`]; [`contract`] lists what the store promises and what it does not.

#![warn(missing_docs)]

pub mod contract;
mod entry;
mod error;
#[cfg(test)]
mod faults;
mod feed;
mod head;
mod history;
mod log;
mod options;
mod restore;
mod shared;
mod snapshot;
mod state;
mod stats;
mod store;
mod write;
mod writer;

pub use self::{
    entry::{Entry, Event, EventKind},
    error::{
        BackupError, CompactError, FeedError, HistoryError, OpenError, RestoreError, WriteError,
    },
    feed::Feed,
    options::{FileLimits, HistoryLimits, Options},
    snapshot::Snapshot,
    stats::Stats,
    store::Store,
    write::{Body, Committed, Expected, MAX_KEY_BYTES, Write},
};
