//! The queue of one handler or stream, with what it takes to wait on it from a thread or from a task.
//!
//! Invariant: the lock is held only for queue operations, never while user code runs.

use super::queue::Queue;
use crate::{
    cache::Snapshot,
    event::{Change, Event},
};
use futures::task::AtomicWaker;
use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::watch;

/// Where changes wait for one consumer.
pub(crate) struct Mailbox {
    state: Mutex<State>,
    filled: Condvar,
    waker: AtomicWaker,
    synced: watch::Sender<bool>,
    /// True while the consumer is inside user code, or a thread of it lives.
    busy: watch::Sender<bool>,
    resync_due: AtomicBool,
    delivered: AtomicU64,
    panics: AtomicU64,
}

#[derive(Default)]
struct State {
    queue: Queue,
    closed: bool,
    has_thread: bool,
}

/// What a worker thread does next.
pub(super) enum Work {
    Deliver(Event),
    /// The queue is empty and a resync was asked for.
    Resync,
    /// Nothing came for a while, or the mailbox was closed: the thread is no longer counted as the worker.
    Leave,
}

impl Mailbox {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            waker: AtomicWaker::new(),
            synced: watch::Sender::new(false),
            busy: watch::Sender::new(false),
            resync_due: AtomicBool::new(false),
            delivered: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        })
    }

    /// Queues what has changed. `picture` is set when these changes complete a full picture: the new state.
    pub(crate) fn deliver(&self, changes: &[Change], picture: Option<&Arc<Snapshot>>) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        let only_adds = changes
            .iter()
            .all(|change| matches!(change, Change::Added(_)));
        match picture {
            // A handler that knows nothing yet reads the picture where it lies.
            Some(snapshot)
                if only_adds && state.queue.is_idle() && snapshot.len() == changes.len() =>
            {
                state.queue.start_first(Arc::clone(snapshot));
            }
            _ => changes.iter().for_each(|change| state.queue.push(change)),
        }
        if picture.is_some() {
            state.queue.mark_synced();
        }
        drop(state);
        self.wake();
    }

    /// The consumer of a cache that is in sync already shall see all of it.
    pub(crate) fn deliver_first(&self, snapshot: Arc<Snapshot>) {
        let mut state = self.lock();
        state.queue.start_first(snapshot);
        state.queue.mark_synced();
        drop(state);
        self.wake();
    }

    /// The consumer shall see all of `snapshot` again, unless it is behind anyway.
    pub(crate) fn deliver_resync(&self, snapshot: Arc<Snapshot>) {
        if self.lock().queue.start_resync(snapshot) {
            self.wake();
        }
    }

    /// No event will be taken any more; what waits is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.queue);
        drop(state);
        drop(dropped);
        self.wake();
    }

    /// Objects that have a change waiting.
    pub(crate) fn depth(&self) -> usize {
        self.lock().queue.depth()
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    pub(super) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn synced(&self) -> &watch::Sender<bool> {
        &self.synced
    }

    pub(super) fn busy(&self) -> &watch::Sender<bool> {
        &self.busy
    }

    pub(crate) fn ask_resync(&self) {
        self.resync_due.store(true, Ordering::Release);
        self.wake();
    }

    /// Called after the consumer has dealt with an event.
    pub(super) fn settle(&self, event: &Event) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        if matches!(event, Event::Synced) {
            self.synced.send_replace(true);
        }
    }

    /// True if the caller must start a thread, which then counts as the worker.
    pub(super) fn claim_thread(&self) -> bool {
        let mut state = self.lock();
        let wanted =
            !state.has_thread && !state.closed && (!state.queue.is_idle() || self.resync_due());
        if wanted {
            state.has_thread = true;
            self.busy.send_replace(true);
        }
        wanted
    }

    /// The thread that was claimed could not be started.
    pub(super) fn unclaim_thread(&self) {
        let mut state = self.lock();
        state.has_thread = false;
        self.busy.send_replace(false);
    }

    /// What the worker thread does next; waits up to `linger` for something to do.
    pub(super) fn next_work(&self, linger: Duration) -> Work {
        let mut state = self.lock();
        let mut lingered = false;
        loop {
            if state.closed {
                break;
            }
            if let Some(event) = state.queue.pop() {
                return Work::Deliver(event);
            }
            if self.resync_due.swap(false, Ordering::AcqRel) {
                return Work::Resync;
            }
            if lingered {
                break;
            }
            let (guard, timeout) = self
                .filled
                .wait_timeout(state, linger)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            lingered = timeout.timed_out();
        }
        state.has_thread = false;
        self.busy.send_replace(false); // under the lock, so that the next claim cannot be overtaken
        Work::Leave
    }

    /// The next event for a task; `None` once closed.
    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<Event>> {
        self.waker.register(context.waker());
        let mut state = self.lock();
        match state.queue.pop() {
            _ if state.closed => Poll::Ready(None),
            Some(event) => Poll::Ready(Some(event)),
            None => Poll::Pending,
        }
    }

    fn resync_due(&self) -> bool {
        self.resync_due.load(Ordering::Acquire)
    }

    fn wake(&self) {
        self.filled.notify_one();
        self.waker.wake();
    }

    /// A panic under this lock can only come from a defect in the queue; what it holds stays usable.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
