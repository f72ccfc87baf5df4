//! How much the server takes on at once.

use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits of the server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest body of a request, in bytes. 3 MiB, as kube-apiserver's.
    pub body_bytes: usize,
    /// Reading requests that run at once. Others are answered 429.
    pub reading: usize,
    /// Writing requests that run at once. Others are answered 429.
    pub writing: usize,
    /// Watches at once. Others are answered 429.
    pub watches: usize,
    /// Connections at once. Others wait to be accepted.
    pub connections: usize,
    /// How long a client may take to greet.
    pub handshake_time: Duration,
    /// How long the head of a request may take to come, and how long a connection may be idle.
    pub head_time: Duration,
    /// How long a request's body may take to come.
    pub body_time: Duration,
    /// How long a client may take to read what it is sent before it is cut off.
    pub write_stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 3 << 20,
            reading: 400,
            writing: 200,
            watches: 10_000,
            connections: 20_000,
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(32),
            body_time: Duration::from_secs(60),
            write_stall: Duration::from_secs(60),
        }
    }
}

/// Counts what runs.
#[derive(Debug)]
pub(crate) struct Turnstile {
    reading: Arc<Semaphore>,
    writing: Arc<Semaphore>,
    watches: Arc<Semaphore>,
}

/// The classes of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Reading,
    Writing,
    Watch,
}

impl Turnstile {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            reading: Arc::new(Semaphore::new(limits.reading)),
            writing: Arc::new(Semaphore::new(limits.writing)),
            watches: Arc::new(Semaphore::new(limits.watches)),
        }
    }

    /// A place for a request, held until the answer is done. Nothing if there is none.
    pub(crate) fn enter(&self, class: Class) -> Option<OwnedSemaphorePermit> {
        let gate = match class {
            Class::Reading => &self.reading,
            Class::Writing => &self.writing,
            Class::Watch => &self.watches,
        };
        gate.clone().try_acquire_owned().ok()
    }
}
