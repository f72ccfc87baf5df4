//! Faults to order, for those who test clients.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// Faults that are still to come. None unless somebody asks for them.
#[derive(Debug)]
pub(crate) struct Faults {
    orders: Mutex<Orders>,
    /// Counts the orders to drop watches.
    drops: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Orders {
    delay: Duration,
    answers: VecDeque<FaultAnswer>,
}

/// An answer in the place of the true one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultAnswer {
    /// 429, to be tried again after so many seconds.
    TooManyRequests {
        /// Seconds in `Retry-After`.
        retry_after: u32,
    },
    /// 500.
    InternalError,
    /// 503.
    Unavailable,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            orders: Mutex::default(),
            drops: watch::Sender::new(0),
        }
    }
}

impl Faults {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every request waits so long.
    pub(crate) fn set_delay(&self, delay: Duration) {
        self.orders().delay = delay;
    }

    /// The next requests are answered so, one each.
    pub(crate) fn answer_next(&self, answers: impl IntoIterator<Item = FaultAnswer>) {
        self.orders().answers.extend(answers);
    }

    /// Ends all watches that run now, without a word.
    pub(crate) fn drop_watches(&self) {
        self.drops.send_modify(|count| *count += 1);
    }

    /// What happens to a request before it is looked at.
    pub(crate) async fn before_request(&self) -> Option<FaultAnswer> {
        let (delay, answer) = {
            let mut orders = self.orders();
            (orders.delay, orders.answers.pop_front())
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        answer
    }

    /// The faults of one watch.
    pub(crate) fn watch(&self) -> WatchFaults {
        WatchFaults(self.drops.subscribe())
    }
}

/// The faults of one watch.
#[derive(Debug)]
pub(crate) struct WatchFaults(watch::Receiver<u64>);

impl WatchFaults {
    /// Waits until the watch is to be dropped.
    pub(crate) async fn dropped(&mut self) {
        if self.0.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}
