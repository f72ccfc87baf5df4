//! What interrupts a watch beside the events that it follows: its end, and the time for a bookmark.
//!
//! None of them is looked at while nothing but events happens.

use crate::{cluster::Cluster, faults::WatchFaults, quiet::Quiet, resource::Resource};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How often a client that wants bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

/// Why a watch is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// It is over.
    Over,
    /// The client shall hear how far it is.
    Bookmark,
}

/// What goes before the events that wait: they are not given any more.
#[derive(Debug)]
pub(super) struct AtOnce(Quiet<()>);

/// What may be told after the events that wait.
#[derive(Debug)]
pub(super) struct Later {
    waiting: Quiet<Interrupt>,
    bookmarks: bool,
}

impl AtOnce {
    /// The server's end.
    pub(super) fn new(cluster: &Arc<Cluster>) -> Self {
        let mut waiting = Quiet::default();
        // Heard of from now on, not only from when the client reads.
        let faults = cluster.faults.watch();
        waiting.add(ended(cluster.clone(), faults));
        Self(waiting)
    }

    /// Waits for the end.
    pub(super) async fn next(&mut self) {
        self.0.next().await;
    }
}

impl Later {
    /// The end of time, that of the resource, and bookmarks where they are wanted.
    pub(super) fn new(
        cluster: &Arc<Cluster>,
        resource: &Arc<Resource>,
        deadline: Instant,
        bookmarks: bool,
    ) -> Self {
        let mut waiting = Quiet::default();
        waiting.add(gone(cluster.clone(), resource.clone()));
        waiting.add(at(deadline, Interrupt::Over));
        let mut later = Self { waiting, bookmarks };
        later.add_bookmark();
        later
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Interrupt {
        let interrupt = self.waiting.next().await;
        if interrupt == Interrupt::Bookmark {
            self.add_bookmark();
        }
        interrupt
    }

    fn add_bookmark(&mut self) {
        if self.bookmarks {
            let next = Instant::now() + BOOKMARK_EVERY;
            self.waiting.add(at(next, Interrupt::Bookmark));
        }
    }
}

/// The server ends, or a test wants it to.
async fn ended(cluster: Arc<Cluster>, mut faults: WatchFaults) {
    tokio::select! {
        () = faults.dropped() => {}
        () = cluster.stopping() => {}
    }
}

async fn gone(cluster: Arc<Cluster>, resource: Arc<Resource>) -> Interrupt {
    cluster.registry.gone(&resource).await;
    Interrupt::Over
}

async fn at(time: Instant, interrupt: Interrupt) -> Interrupt {
    tokio::time::sleep_until(time).await;
    interrupt
}
