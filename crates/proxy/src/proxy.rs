//! The proxy as its owner sees it: start, apply, drain, stop.
//!
//! Runs no request itself: the workers do. Sockets are opened here, one for each worker and address, so that an address
//! that can't be had is reported once, and harms no other.

use std::{
    collections::BTreeMap,
    fmt, io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tidegate_http::PathPolicy;
use tidegate_routing::Snapshot;
use tokio::sync::{mpsc, oneshot, watch as latest};

use crate::{
    counters::Counters,
    health::{EndpointHealth, ProbeCounts, Prober},
    names::{Known, NameReport, Names},
    options::Options,
    record::Observers,
    sockets,
    worker::{self, Command, Opened, Setup},
};

/// A running data plane. Dropping it stops the workers at once; [`Proxy::drain`] first ends requests in peace.
#[derive(Debug)]
pub struct Proxy {
    workers: Vec<mpsc::UnboundedSender<Command>>,
    /// `None` only at the end.
    prober: Option<Prober>,
    /// `None` only at the end.
    names: Option<Names>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Changed by one `apply` at a time.
    state: Mutex<State>,
    counters: Arc<Counters>,
    observers: Told,
    paths: PathPolicy,
}

/// Who hears of requests.
struct Told(Option<Arc<dyn Observers>>);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Told").field(&self.0.is_some()).finish()
    }
}

/// What all workers serve now.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The snapshot's.
    pub generation: u64,
    /// Workers that serve it: all.
    pub workers: usize,
    /// Every address of the snapshot, and whether it is listened on.
    pub binds: Vec<BindReport>,
}

/// Whether a local address is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindReport {
    pub address: SocketAddr,
    /// Why not, for a status message.
    pub result: Result<(), String>,
}

/// Why a proxy did not start or does not answer.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The machine refuses another thread or runtime. Nothing runs.
    #[error("could not start worker {worker}")]
    Start {
        worker: usize,
        #[source]
        source: io::Error,
    },
    /// The proxy is draining, or a worker has died. Start another process.
    #[error("the proxy does not take changes any more")]
    Stopped,
}

#[derive(Debug, Default)]
struct State {
    /// What was applied last.
    snapshot: Arc<Snapshot>,
    binds: BTreeMap<SocketAddr, Result<Vec<TcpListener>, String>>,
    inherited: Vec<TcpListener>,
}

impl Proxy {
    /// Starts the workers. They serve nothing before the first [`Proxy::apply`].
    ///
    /// # Errors
    /// [`ProxyError::Start`].
    pub fn start(options: Options) -> Result<Self, ProxyError> {
        let counters = Arc::new(Counters::default());
        let setup = Arc::new(Setup::new(&options, counters.clone()));
        let mut workers = Vec::new();
        let mut threads = Vec::new();
        for index in 0..options.workers.max(1) {
            let start = |source| ProxyError::Start {
                worker: index,
                source,
            };
            let (sender, commands) = mpsc::unbounded_channel();
            threads.push(worker::spawn(index, setup.clone(), commands).map_err(start)?);
            workers.push(sender);
        }
        let state = State {
            inherited: options.inherited,
            ..State::default()
        };
        let start = |source| ProxyError::Start {
            worker: workers.len(),
            source,
        };
        let (told, known) = latest::channel(Known::default());
        let prober = Prober::start(workers.clone(), known).map_err(start)?;
        let names = Names::start(&options.names, options.allow_local, workers.clone(), told);
        let names = names.map_err(start)?;
        Ok(Self {
            workers,
            prober: Some(prober),
            names: Some(names),
            threads: Mutex::new(threads),
            state: Mutex::new(state),
            counters,
            observers: Told(options.observers),
            paths: options.limits.head.path,
        })
    }

    /// Makes all workers serve `snapshot`, and returns when they do. Requests that have begun end by the old one.
    ///
    /// # Errors
    /// [`ProxyError::Stopped`].
    pub async fn apply(&self, snapshot: Arc<Snapshot>) -> Result<Applied, ProxyError> {
        let (answers, applied) = self.send(snapshot)?;
        for answer in answers {
            answer.await.map_err(|_gone| ProxyError::Stopped)?;
        }
        Ok(applied)
    }

    /// [`Proxy::apply`], for threads outside of a runtime.
    ///
    /// # Errors
    /// [`ProxyError::Stopped`].
    pub fn apply_blocking(&self, snapshot: Arc<Snapshot>) -> Result<Applied, ProxyError> {
        let (answers, applied) = self.send(snapshot)?;
        for answer in answers {
            answer
                .blocking_recv()
                .map_err(|_gone| ProxyError::Stopped)?;
        }
        Ok(applied)
    }

    fn send(
        &self,
        snapshot: Arc<Snapshot>,
    ) -> Result<(Vec<oneshot::Receiver<()>>, Applied), ProxyError> {
        let mut state = self.state();
        let mut opened = state.open(&snapshot, self.workers.len());
        state.snapshot = snapshot.clone();
        let applied = Applied {
            generation: snapshot.generation,
            workers: self.workers.len(),
            binds: state.report(),
        };
        if let Some(names) = &self.names {
            names.apply(snapshot.clone());
        }
        if let Some(prober) = &self.prober {
            prober.apply(snapshot.clone());
        }
        let mut answers = Vec::with_capacity(self.workers.len());
        for (worker, opened) in self.workers.iter().zip(&mut opened) {
            let (done, answer) = oneshot::channel();
            let command = Command::Apply {
                snapshot: snapshot.clone(),
                opened: std::mem::take(opened),
                done,
            };
            worker.send(command).map_err(|_gone| ProxyError::Stopped)?;
            answers.push(answer);
        }
        Ok((answers, applied))
    }

    /// The listening sockets, for a process that takes over: give them to its [`Options::inherited`]. They share their
    /// queues with this process's, so no connection is refused in between.
    ///
    /// # Errors
    /// The machine has no more file descriptors.
    pub fn listeners(&self) -> io::Result<Vec<TcpListener>> {
        self.state()
            .binds
            .values()
            .flatten()
            .flatten()
            .map(TcpListener::try_clone)
            .collect()
    }

    /// The generation of the last snapshot that was applied; 0 before the first.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.state().snapshot.generation
    }

    /// Counts since the start.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What observers have counted of requests, in Prometheus' text format; empty where there are none.
    #[must_use]
    pub fn metrics(&self) -> String {
        let serving = self.state().snapshot.clone();
        let observers = self.observers.0.as_ref();
        observers.map_or_else(String::new, |observers| {
            observers.metrics(&serving, Instant::now())
        })
    }

    /// How the endpoints do that are probed: those of clusters with a health check.
    #[must_use]
    pub fn endpoint_health(&self) -> Vec<EndpointHealth> {
        let prober = self.prober.as_ref();
        prober.map_or_else(Vec::new, Prober::endpoints)
    }

    /// How paths are normalised.
    pub fn paths(&self) -> PathPolicy {
        self.paths
    }

    /// Where the names of endpoints lead: those that were answered, in order.
    #[must_use]
    pub fn names(&self) -> Vec<NameReport> {
        let names = self.names.as_ref();
        names.map_or_else(Vec::new, Names::report)
    }

    /// Probes that have ended since the start.
    #[must_use]
    pub fn probe_counts(&self) -> ProbeCounts {
        let prober = self.prober.as_ref();
        prober.map_or_else(ProbeCounts::default, Prober::counts)
    }

    /// Stops listening, ends requests in peace (`Connection: close`), and returns when no connection is left or `grace`
    /// is over. Afterwards nothing is served.
    ///
    /// A client's connection without a request stays for a sixth of `grace`, so that a request that is on its way is
    /// answered: only the answer tells the client not to send another.
    pub async fn drain(&self, grace: Duration) {
        self.state().binds.clear();
        let mut answers = Vec::with_capacity(self.workers.len());
        for worker in &self.workers {
            let (done, answer) = oneshot::channel();
            if worker.send(Command::Drain { grace, done }).is_ok() {
                answers.push(answer);
            }
        }
        for answer in answers {
            // A worker that is gone has nothing left to end.
            let _ = answer.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // They can tell workers something, who end when nobody can.
        self.names = None;
        self.prober = None;
        self.workers.clear();
        let threads = self
            .threads
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A worker that panicked has said so on its own thread.
            let _ = thread.join();
        }
    }
}

impl State {
    /// Opens what the snapshot has and this lacks, and forgets what it has not. Gives each worker its new sockets.
    fn open(&mut self, snapshot: &Snapshot, workers: usize) -> Vec<Vec<Opened>> {
        self.binds
            .retain(|address, _| snapshot.binds.contains_key(address));
        let mut opened: Vec<Vec<Opened>> = (0..workers).map(|_| Vec::new()).collect();
        for address in snapshot.binds.keys() {
            if matches!(self.binds.get(address), Some(Ok(_))) {
                continue;
            }
            let result = sockets::open(*address, workers, &mut self.inherited)
                .and_then(|sockets| share(*address, &sockets, &mut opened).map(|()| sockets))
                .map_err(|error| error.to_string());
            self.binds.insert(*address, result);
        }
        opened
    }

    fn report(&self) -> Vec<BindReport> {
        self.binds
            .iter()
            .map(|(address, result)| BindReport {
                address: *address,
                result: result.as_ref().map(|_| ()).map_err(Clone::clone),
            })
            .collect()
    }
}

/// Hands the sockets round. When an older process had more workers, some here get two.
fn share(
    address: SocketAddr,
    sockets: &[TcpListener],
    workers: &mut [Vec<Opened>],
) -> io::Result<()> {
    let clones: Vec<TcpListener> = sockets
        .iter()
        .map(TcpListener::try_clone)
        .collect::<io::Result<_>>()?;
    let count = workers.len();
    for (index, socket) in clones.into_iter().enumerate() {
        workers[index % count].push(Opened { address, socket });
    }
    Ok(())
}
