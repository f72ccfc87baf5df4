//! Counts of what happens in the whole process. Written rarely: by connections, not by requests.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Totals and gauges, shared by all workers.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) open: AtomicUsize,
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) handshakes_failed: AtomicU64,
    pub(crate) proxy_headers_refused: AtomicU64,
    pub(crate) upstream_connects: AtomicU64,
    pub(crate) upstream_connect_failures: AtomicU64,
}

impl Counters {
    /// Client connections that are open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Client connections accepted so far.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Client connections closed at once because there were too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// TLS handshakes with clients that failed.
    #[must_use]
    pub fn handshakes_failed(&self) -> u64 {
        self.handshakes_failed.load(Ordering::Relaxed)
    }

    /// Connections of balancers without a header of the PROXY protocol that can be believed.
    #[must_use]
    pub fn proxy_headers_refused(&self) -> u64 {
        self.proxy_headers_refused.load(Ordering::Relaxed)
    }

    /// Connections to endpoints that were begun.
    #[must_use]
    pub fn upstream_connects(&self) -> u64 {
        self.upstream_connects.load(Ordering::Relaxed)
    }

    /// Connections to endpoints that could not be made.
    #[must_use]
    pub fn upstream_connect_failures(&self) -> u64 {
        self.upstream_connect_failures.load(Ordering::Relaxed)
    }

    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a place for a client's connection. False when none is left.
    pub(crate) fn enter(&self, most: usize) -> bool {
        if self.open.fetch_add(1, Ordering::Relaxed) >= most {
            self.leave();
            Self::count(&self.refused);
            return false;
        }
        Self::count(&self.accepted);
        true
    }

    /// Gives the place back.
    pub(crate) fn leave(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}
