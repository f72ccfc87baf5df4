//! What readers, feeds and the writer share: the published state, the history, and who waits.
//!
//! Invariants: nothing is published before it is durable. A feed gives an event only after snapshots have it.

use crate::{
    entry::Event,
    error::HistoryError,
    history::{Complete, History, Topic},
    options::Options,
    state::State,
    stats::Counters,
};
use arc_swap::ArcSwap;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio::sync::watch;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    published: ArcSwap<State>,
    history: Mutex<History>,
    pub(crate) complete: Complete,
    revisions: watch::Sender<u64>,
    closed: watch::Sender<bool>,
    pub(crate) counters: Counters,
}

/// What was published, and whom to wake for it.
#[derive(Debug)]
#[must_use = "those who wait must be woken"]
pub(crate) struct Published {
    revision: u64,
    touched: Vec<Arc<Topic>>,
}

impl Shared {
    pub(crate) fn new(options: Options, state: State, history: History) -> Self {
        let revision = state.revision;
        let complete = Complete::default();
        complete.set(revision);
        Self {
            options,
            published: ArcSwap::from_pointee(state),
            history: Mutex::new(history),
            complete,
            revisions: watch::Sender::new(revision),
            closed: watch::Sender::new(false),
            counters: Counters::default(),
        }
    }

    pub(crate) fn state(&self) -> Arc<State> {
        self.published.load_full()
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state at a revision.
    pub(crate) fn state_at(&self, revision: u64) -> Result<Arc<State>, HistoryError> {
        self.back_to(self.history(), revision)
    }

    /// The state that the history begins with.
    pub(crate) fn oldest_state(&self) -> Result<Arc<State>, HistoryError> {
        let history = self.history();
        let floor = history.floor();
        self.back_to(history, floor)
    }

    /// The newest state, and then back over the events since a revision.
    fn back_to(
        &self,
        history: MutexGuard<'_, History>,
        revision: u64,
    ) -> Result<Arc<State>, HistoryError> {
        // Within the lock, so that the two are of the same moment.
        let newest = self.state();
        let events = history.since(revision, newest.revision)?;
        drop(history);
        if events.is_empty() {
            return Ok(newest);
        }
        let mut state = (*newest).clone();
        state.rewind(revision, &events);
        Ok(Arc::new(state))
    }

    /// Makes durable writes visible, and forgets what must go. Those who wait sleep on until they are woken.
    pub(crate) fn publish(
        &self,
        state: State,
        events: &[Arc<Event>],
        time_ms: u64,
        compact: Option<u64>,
    ) -> Published {
        let revision = state.revision;
        let mut history = self.history();
        // The state first: who has seen an event finds it in the next snapshot.
        let before = self.published.swap(Arc::new(state));
        let touched = history.append(events, time_ms);
        history.trim(time_ms);
        if let Some(compact) = compact {
            history.forget(compact);
        }
        self.complete.set(revision);
        drop(history);
        drop(before);
        Published { revision, touched }
    }

    /// Wakes those who wait for what was published. They may be many: writers are told before.
    pub(crate) fn wake(&self, published: Published) {
        for topic in published.touched {
            topic.changed.notify_waiters();
        }
        self.revisions.send_replace(published.revision);
    }

    /// Waits until a revision is published; for ever, if the store ends before.
    pub(crate) async fn wait_for(&self, revision: u64) {
        let mut revisions = self.revisions.subscribe();
        if revisions
            .wait_for(|published| *published >= revision)
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }

    /// No more will come. Feeds end when they have given everything.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
        let topics = self.history().topics();
        for topic in topics {
            topic.changed.notify_waiters();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Waits for the end.
    pub(crate) async fn closed(&self) {
        // The sender is here, so there is no other end to the waiting.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }
}

/// The time of now in milliseconds since 1970. It only says how old history is; that it may jump does no harm.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
