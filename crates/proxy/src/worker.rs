//! A worker: one thread with a runtime of its own, its listeners, connections, pools and clock.
//!
//! Nothing here is shared with other workers but [`Setup`]. Requests read the worker's configuration through one `Rc`;
//! a new snapshot replaces it between two polls, and the old one lives until its last request ends.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tidegate_routing::{Bind, ClusterKey, Locality, Snapshot};
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::{Notify, mpsc, oneshot},
    task::spawn_local,
};

use crate::{
    buffer::Pool,
    clock::{Clock, TICK, Ticker, Timer},
    connections::{Closing, Connections},
    counters::Counters,
    front,
    health::Unhealthy,
    ids::Ids,
    names::Known,
    options::{AddressBlock, Limits, Options},
    record::{Observer, Observers},
    scratch::Scratches,
    tls::Servers,
    upstream::Clusters,
    weights::Weights,
};

/// This part of a drain's grace is how long a connection without a request is given for a last one.
const LAST_REQUEST_SHARE: u32 = 6;
/// What tunnels get after a drain's grace, to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// What all workers have in common.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) trusted_hops: u32,
    /// Balancers that say who the client is.
    pub(crate) proxy_protocol: Vec<AddressBlock>,
    /// Where this is.
    here: Locality,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tickets: crate::tls::Tickets,
    ticker: Ticker,
    observers: Option<Arc<dyn Observers>>,
}

/// What the proxy asks of a worker.
pub(crate) enum Command {
    Apply {
        snapshot: Arc<Snapshot>,
        opened: Vec<Opened>,
        done: oneshot::Sender<()>,
    },
    /// What active health checks say now, and of which clusters it is news.
    Health {
        unhealthy: Unhealthy,
        changed: Arc<[ClusterKey]>,
    },
    /// Where names lead now.
    Names(Known),
    Drain {
        grace: Duration,
        done: oneshot::Sender<()>,
    },
}

/// A socket that listens.
pub(crate) struct Opened {
    pub(crate) address: SocketAddr,
    pub(crate) socket: TcpListener,
}

/// One version of what is served.
pub(crate) struct Config {
    pub(crate) snapshot: Arc<Snapshot>,
    /// Counts this worker's versions.
    pub(crate) serial: u64,
}

/// Everything of one worker. Its tasks share it by `Rc`.
pub(crate) struct Worker {
    pub(crate) setup: Arc<Setup>,
    pub(crate) clock: Clock,
    pub(crate) buffers: Pool,
    pub(crate) scratches: Scratches,
    pub(crate) clusters: Clusters,
    pub(crate) weights: Weights,
    pub(crate) servers: Servers,
    pub(crate) connections: Connections,
    pub(crate) ids: Ids,
    pub(crate) observer: Option<Box<dyn Observer>>,
    /// Copies of requests under way.
    pub(crate) mirrors: Cell<usize>,
    /// No new connections and no second requests.
    pub(crate) draining: Cell<bool>,
    /// The time is over of what has no end of its own.
    pub(crate) tunnels_end: Cell<bool>,
    config: RefCell<Rc<Config>>,
    /// Tasks that accept, by address, with what stops them.
    listeners: RefCell<HashMap<SocketAddr, Vec<Rc<Notify>>>>,
}

/// How often idle connections and unused state are looked for, in ticks: about once a second.
const SWEEP_TICKS: u32 = 50;

impl Setup {
    pub(crate) fn new(options: &Options, counters: Arc<Counters>) -> Self {
        Self {
            limits: options.limits.clone(),
            trusted_hops: options.trusted_hops,
            proxy_protocol: options.proxy_protocol.clone(),
            here: options.here.clone(),
            counters,
            tickets: crate::tls::Tickets::new(),
            ticker: Ticker::default(),
            observers: options.observers.clone(),
        }
    }
}

impl Config {
    pub(crate) fn bind(&self, address: SocketAddr) -> Option<&Arc<Bind>> {
        self.snapshot.binds.get(&address)
    }
}

/// Starts a worker's thread. It ends when the sender of `commands` is dropped, or after a drain.
///
/// # Errors
/// The machine refuses a thread or a runtime.
pub(crate) fn spawn(
    index: usize,
    setup: Arc<Setup>,
    commands: mpsc::UnboundedReceiver<Command>,
) -> io::Result<JoinHandle<()>> {
    let (started, start) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name(format!("proxy-{index}"))
        .spawn(move || {
            let runtime = Builder::new_current_thread()
                // Not the timers: looking at them costs each wait more than reading a request does. See `ticker`.
                .enable_io()
                .build_local(LocalOptions::default());
            match runtime {
                Ok(runtime) => {
                    // The proxy may have given up already: then the channel of commands is closed, too.
                    let _ = started.send(Ok(()));
                    runtime.block_on(Worker::run(index, setup, commands));
                    runtime.shutdown_background();
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            }
        })?;
    match start.recv() {
        Ok(result) => result.map(|()| thread),
        Err(_gone) => Err(io::Error::other("the thread ended at once")),
    }
}

impl Worker {
    pub(crate) fn new(index: usize, setup: Arc<Setup>) -> Self {
        let observer = setup
            .observers
            .as_ref()
            .map(|observers| observers.observer(index));
        Self {
            clock: Clock::new(),
            buffers: Pool::default(),
            scratches: Scratches::default(),
            clusters: Clusters::new(setup.here.clone()),
            weights: Weights::default(),
            servers: Servers::new(setup.tickets.clone()),
            connections: Connections::default(),
            ids: Ids::new(),
            observer,
            mirrors: Cell::new(0),
            draining: Cell::new(false),
            tunnels_end: Cell::new(false),
            config: RefCell::new(Rc::new(Config {
                snapshot: Arc::default(),
                serial: 0,
            })),
            listeners: RefCell::default(),
            setup,
        }
    }

    async fn run(index: usize, setup: Arc<Setup>, mut commands: mpsc::UnboundedReceiver<Command>) {
        let worker = Rc::new(Self::new(index, setup));
        spawn_local(worker.clone().tick());
        while let Some(command) = commands.recv().await {
            match command {
                Command::Apply {
                    snapshot,
                    opened,
                    done,
                } => {
                    worker.apply(snapshot, opened);
                    // Nobody may wait for it any more.
                    let _ = done.send(());
                }
                Command::Health { unhealthy, changed } => {
                    let now_ns = worker.clock.coarse_ns();
                    worker.clusters.judge(unhealthy, &changed, now_ns);
                }
                Command::Names(known) => worker.clusters.resolve(known),
                Command::Drain { grace, done } => {
                    worker.drain(grace).await;
                    let _ = done.send(());
                }
            }
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.setup.limits
    }

    /// What is served now. Hold it for one request.
    pub(crate) fn config(&self) -> Rc<Config> {
        self.config.borrow().clone()
    }

    fn apply(self: &Rc<Self>, snapshot: Arc<Snapshot>, opened: Vec<Opened>) {
        let serial = self.config.borrow().serial + 1;
        *self.config.borrow_mut() = Rc::new(Config { snapshot, serial });
        let config = self.config();
        self.listeners.borrow_mut().retain(|address, stops| {
            let kept = config.bind(*address).is_some();
            if !kept {
                stops.iter().for_each(|stop| stop.notify_one());
                let now = Closing::after(&self.clock, Duration::ZERO);
                self.connections
                    .close_idle(now, |connection| connection.local() == *address);
            }
            kept
        });
        for Opened { address, socket } in opened {
            match tokio::net::TcpListener::from_std(socket) {
                Ok(socket) => {
                    let stop = Rc::new(Notify::new());
                    spawn_local(front::accept(self.clone(), socket, address, stop.clone()));
                    self.listeners
                        .borrow_mut()
                        .entry(address)
                        .or_default()
                        .push(stop);
                }
                // Only without a file descriptor left, or without a runtime.
                Err(error) => tracing::error!(%address, %error, "a socket can't be listened on"),
            }
        }
    }

    async fn drain(&self, grace: Duration) {
        self.draining.set(true);
        for (_, stops) in self.listeners.borrow_mut().drain() {
            stops.iter().for_each(|stop| stop.notify_one());
        }
        let closing = Closing::after(&self.clock, grace / LAST_REQUEST_SHARE);
        self.connections.close_idle(closing, |_| true);
        self.until_unused(grace).await;
        self.tunnels_end.set(true);
        self.connections.wake();
        self.until_unused(FAREWELL).await;
    }

    /// Waits until no connection is left, but not for longer. At least one tick: meanwhile what the kernel had queued is
    /// accepted.
    async fn until_unused(&self, longest: Duration) {
        let timer = Timer::default();
        let end = Instant::now() + longest;
        loop {
            self.clock.sleep(&timer, TICK).await;
            if self.connections.is_empty() || Instant::now() >= end {
                return;
            }
        }
    }

    /// Moves the clock, and sweeps.
    async fn tick(self: Rc<Self>) {
        let ticks_to_come = self.setup.ticker.subscribe();
        let mut ticks = 0_u32;
        loop {
            ticks_to_come.notified().await;
            self.clock.tick();
            ticks += 1;
            if ticks == SWEEP_TICKS {
                ticks = 0;
                let config = self.config();
                self.clusters.sweep(&self.clock, &config);
                self.weights.sweep();
                self.servers.sweep();
            }
        }
    }
}
