//! One shared watch: a cache, those who are told of its changes, and what it is about.
//!
//! The driver writes; anyone may read. Knows nothing of HTTP.
//!
//! Lock order: `writer`, then a mailbox. No user code runs under either, but for index functions and transforms.

use crate::{
    cache::{Cache, IndexFn, Snapshot},
    event::Change,
    handlers::{Mailbox, Worker, start_worker},
    metrics::Counters,
    status::{Phase, Status},
};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidegate_wire::ResourceVersion;
use tokio::sync::watch;

pub(crate) struct Shared {
    writer: Mutex<Writer>,
    published: Arc<ArcSwap<Snapshot>>,
    progress: watch::Sender<Progress>,
    pub(crate) counters: Counters,
}

/// What waiters wait for.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) status: Status,
    pub(crate) version: Option<ResourceVersion>,
}

pub(crate) struct Writer {
    pub(crate) cache: Cache,
    consumers: Vec<Consumer>,
    pub(crate) changes: Vec<Change>,
}

/// One handler or stream.
#[derive(Clone)]
pub(crate) struct Consumer {
    pub(crate) mailbox: Arc<Mailbox>,
    /// None for streams, which are polled by their user.
    pub(crate) worker: Option<Arc<Worker>>,
}

/// A vector of changes larger than this is given back after a full picture.
const CHANGES_KEPT: usize = 4096;

impl Shared {
    pub(crate) fn new(cache: Cache) -> Arc<Self> {
        Arc::new(Self {
            published: cache.published(),
            writer: Mutex::new(Writer {
                cache,
                consumers: Vec::new(),
                changes: Vec::new(),
            }),
            progress: watch::Sender::new(Progress {
                status: Status::new(),
                version: None,
            }),
            counters: Counters::default(),
        })
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.published.load_full()
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(crate) fn status(&self) -> Status {
        self.progress.borrow().status.clone()
    }

    /// Access for the one writer. A poisoned lock is taken all the same: snapshots are replaced whole.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the writer's changes visible to readers, then tells every consumer. `picture`: they complete one.
    pub(crate) fn commit(&self, writer: &mut Writer, picture: bool) {
        let changes = std::mem::take(&mut writer.changes);
        if changes.is_empty() && !picture {
            return self.commit_version(writer);
        }
        writer.cache.publish();
        self.counters.count(&changes);
        let snapshot = picture.then(|| self.snapshot());
        for consumer in &writer.consumers {
            consumer.mailbox.deliver(&changes, snapshot.as_ref());
            if let Some(worker) = &consumer.worker {
                start_worker(worker);
            }
        }
        if changes.capacity() <= CHANGES_KEPT {
            writer.changes = changes;
            writer.changes.clear();
        }
        self.report_version(writer);
    }

    /// Only the version moved (a bookmark): readers and those who wait for a version see it.
    fn commit_version(&self, writer: &Writer) {
        if writer.cache.current().resource_version() != self.published.load().resource_version() {
            writer.cache.publish();
            self.report_version(writer);
        }
    }

    fn report_version(&self, writer: &Writer) {
        let version = writer.cache.current().resource_version();
        self.progress.send_if_modified(|progress| {
            let moved = progress.version.as_ref() != version;
            progress.version = version.cloned();
            moved
        });
    }

    /// Tells waiters, if it is news.
    pub(crate) fn report_status(&self, status: &Status) {
        self.progress.send_if_modified(|progress| {
            let changed = progress.status != *status;
            if changed {
                progress.status = status.clone();
            }
            changed
        });
    }

    /// From now on `consumer` is told of every change; first, if there is a full picture already, of all that is there.
    pub(crate) fn add_consumer(&self, consumer: Consumer) {
        let mut writer = self.writer();
        if writer.cache.current().is_synced() {
            consumer.mailbox.deliver_first(self.snapshot());
        }
        if let Some(worker) = &consumer.worker {
            start_worker(worker);
        }
        writer.consumers.push(consumer);
    }

    pub(crate) fn remove_consumer(&self, mailbox: &Arc<Mailbox>) {
        mailbox.close();
        self.writer()
            .consumers
            .retain(|consumer| !Arc::ptr_eq(&consumer.mailbox, mailbox));
    }

    /// The consumer shall see everything again, at a moment when it has nothing else to hear.
    pub(crate) fn resync(&self, mailbox: &Mailbox) {
        let writer = self.writer();
        if writer.cache.current().is_synced() {
            mailbox.deliver_resync(self.snapshot());
        }
    }

    pub(crate) fn add_index(&self, name: &str, function: IndexFn) {
        self.writer().cache.add_index(name, function);
    }

    pub(crate) fn consumers(&self) -> Vec<Consumer> {
        self.writer().consumers.clone()
    }

    /// Nothing more will come: streams end, handlers are left alone, waiters are told.
    pub(crate) fn stop(&self) {
        let consumers = std::mem::take(&mut self.writer().consumers);
        consumers
            .iter()
            .for_each(|consumer| consumer.mailbox.close());
        self.progress
            .send_modify(|progress| progress.status.phase = Phase::Stopped);
    }
}
