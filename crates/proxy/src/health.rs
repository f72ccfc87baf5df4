//! Active health: endpoints of clusters with a health check are probed, and what the probes say is told to the workers.
//!
//! One thread does it for the whole process, so that an endpoint is probed once, however many rules, clusters and workers
//! use it. Workers are told by message, like of a snapshot: no request takes a lock for it. What no rule leads to is in no
//! snapshot, so it is not probed.

mod board;
mod probe;
mod watch;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use tidegate_routing::{ClusterKey, Destination, Snapshot};
use tokio::sync::{mpsc, watch as latest};

use crate::{names::Known, worker::Command};

use self::board::Board;

/// Endpoints that get no requests, by cluster.
pub(crate) type Unhealthy = imbl::HashMap<ClusterKey, imbl::HashSet<SocketAddr>>;

/// How an endpoint that is probed does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    pub cluster: ClusterKey,
    pub destination: Destination,
    /// Itself, or one of those that the name leads to.
    pub address: SocketAddr,
    /// `None` before its first probe has ended: it gets requests.
    pub healthy: Option<bool>,
    /// Why the last probe failed, where it did.
    pub fault: Option<Arc<str>>,
}

/// How many probes have ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeCounts {
    pub passed: u64,
    pub failed: u64,
}

/// The thread that probes. It ends with this.
#[derive(Debug)]
pub(crate) struct Prober {
    snapshots: Option<latest::Sender<Arc<Snapshot>>>,
    board: Arc<Mutex<Board>>,
    thread: Option<JoinHandle<()>>,
}

impl Prober {
    /// Probes nothing before the first [`Prober::apply`].
    ///
    /// # Errors
    /// The machine refuses a thread or a runtime.
    pub(crate) fn start(
        workers: Vec<mpsc::UnboundedSender<Command>>,
        known: latest::Receiver<Known>,
    ) -> io::Result<Self> {
        let (snapshots, arriving) = latest::channel(Arc::default());
        let board = Arc::new(Mutex::new(Board::default()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = board.clone();
        let thread = std::thread::Builder::new()
            .name("health".to_owned())
            .spawn(move || {
                runtime.block_on(watch::run(arriving, known, &shared, &workers));
            })?;
        Ok(Self {
            snapshots: Some(snapshots),
            board,
            thread: Some(thread),
        })
    }

    /// Probes what this snapshot has from now on, and nothing else.
    pub(crate) fn apply(&self, snapshot: Arc<Snapshot>) {
        if let Some(snapshots) = &self.snapshots {
            snapshots.send_replace(snapshot);
        }
    }

    /// All endpoints that are probed, in the order of their clusters, destinations, addresses.
    pub(crate) fn endpoints(&self) -> Vec<EndpointHealth> {
        lock(&self.board).endpoints()
    }

    pub(crate) fn counts(&self) -> ProbeCounts {
        lock(&self.board).counts()
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.snapshots = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been told already.
            let _ = thread.join();
        }
    }
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
