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
    /// It is over, whatever events wait.
    AtOnce,
    /// It is over, once the events that wait are given.
    Over,
    /// The client shall hear how far it is, once the events that wait are given.
    Bookmark,
}

/// All that may interrupt a watch.
#[derive(Debug)]
pub(super) struct Interrupts {
    waiting: Quiet<Interrupt>,
    bookmarks: bool,
}

impl Interrupts {
    /// The server's end, the end of time, that of the resource, and bookmarks where they are wanted.
    pub(super) fn new(
        cluster: &Arc<Cluster>,
        resource: &Arc<Resource>,
        deadline: Instant,
        bookmarks: bool,
    ) -> Self {
        let mut waiting = Quiet::default();
        // Heard of from now on, not only from when the client reads.
        let faults = cluster.faults.watch();
        waiting.add(ended(cluster.clone(), faults));
        waiting.add(gone(cluster.clone(), resource.clone()));
        waiting.add(at(deadline, Interrupt::Over));
        let mut interrupts = Self { waiting, bookmarks };
        interrupts.add_bookmark();
        interrupts
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
async fn ended(cluster: Arc<Cluster>, mut faults: WatchFaults) -> Interrupt {
    tokio::select! {
        () = faults.dropped() => {}
        () = cluster.stopping() => {}
    }
    Interrupt::AtOnce
}

async fn gone(cluster: Arc<Cluster>, resource: Arc<Resource>) -> Interrupt {
    cluster.registry.gone(&resource).await;
    Interrupt::Over
}

async fn at(time: Instant, interrupt: Interrupt) -> Interrupt {
    tokio::time::sleep_until(time).await;
    interrupt
}
