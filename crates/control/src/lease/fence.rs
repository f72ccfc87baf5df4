//! Until when this process may write: set by the election, read before every write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Shared by the election, which moves it, and the writers, which obey it. Closed at first.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    began: Instant,
    /// Milliseconds after `began` until which it is open; 0 is closed, `u64::MAX` open for ever.
    open_until: Arc<AtomicU64>,
    leading: Arc<watch::Sender<bool>>,
}

impl Fence {
    /// A closed fence.
    pub(crate) fn closed(now: Instant) -> Self {
        Self {
            began: now,
            open_until: Arc::new(AtomicU64::new(0)),
            leading: Arc::new(watch::Sender::new(false)),
        }
    }

    /// For a process that has nobody beside it.
    pub(crate) fn open(now: Instant) -> Self {
        let fence = Self::closed(now);
        fence.open_until.store(u64::MAX, Ordering::Release);
        fence.leading.send_replace(true);
        fence
    }

    /// How long a write that begins now may take at most; `None` if there must be none.
    pub(crate) fn time_left(&self, now: Instant) -> Option<Duration> {
        let until = self.open_until.load(Ordering::Acquire);
        if until == u64::MAX {
            return Some(Duration::MAX);
        }
        let left = (self.began + Duration::from_millis(until)).saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// The election's word.
    pub(crate) fn set(&self, open_until: Option<Instant>) {
        let millis = open_until.map_or(0, |until| {
            let after = until.saturating_duration_since(self.began).as_millis();
            u64::try_from(after).unwrap_or(u64::MAX - 1)
        });
        self.open_until.store(millis, Ordering::Release);
        self.leading
            .send_if_modified(|leading| std::mem::replace(leading, millis > 0) != (millis > 0));
    }

    /// Follows whether this process leads.
    pub(crate) fn leading(&self) -> watch::Receiver<bool> {
        self.leading.subscribe()
    }
}
