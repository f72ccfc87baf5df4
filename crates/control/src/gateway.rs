//! A running gateway: everything wired up, and its end in order.

use crate::{
    api::Api,
    class,
    engine::Engine,
    feed::Feed,
    infrastructure,
    lease::{Candidate, Election, Fence, Timing, run as stand_for_election},
    state::{Generations, Saved, Saver, StateError},
    status::Writer,
};
use std::{
    fmt, io,
    net::TcpListener,
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tidegate_client::Client;
use tidegate_compile::{Addresses, Compiler};
use tidegate_informer::InformerFactory;
use tidegate_proxy::{Proxy, ProxyError};
use tidegate_routing::Snapshot;
use tokio::{
    runtime::{Builder, Handle},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle as Task,
};

/// How long those who hear of requests may take to tell the last of them.
const FAREWELL: Duration = Duration::from_secs(2);

/// How a gateway runs.
#[derive(Debug)]
pub struct GatewayOptions {
    /// GatewayClasses with this controller name are served.
    pub controller_name: String,
    /// The GatewayClass that is made if it is missing; none if `None`.
    pub class: Option<String>,
    /// Where Gateways are served.
    pub addresses: Addresses,
    /// Whether a `Backend` may lead to loopback, link-local and metadata addresses.
    pub allow_local_backends: bool,
    /// How the data plane runs.
    pub proxy: tidegate_proxy::Options,
    /// Where the last good objects are kept; nowhere if `None`.
    pub state_dir: Option<PathBuf>,
    /// How long what is on disk waits for the API server at the start: zero, but where another process still serves
    /// what is newer.
    pub disk_waits: Duration,
    /// Who writes status.
    pub leadership: Leadership,
}

/// Who writes status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// This process: there is no other.
    Sole,
    /// The holder of a Lease.
    Lease {
        /// Where the Lease is.
        namespace: String,
        /// What it is called.
        name: String,
        /// What this process calls itself in it. No other process may call itself that.
        identity: String,
    },
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state's directory can't be had.
    #[error(transparent)]
    State(#[from] StateError),
    /// The data plane did not start.
    #[error("cannot start the data plane: {0}")]
    Proxy(#[from] ProxyError),
    /// The machine refuses another thread.
    #[error("cannot start: {0}")]
    Thread(#[from] io::Error),
}

/// A gateway that runs. Stop it with [`Gateway::stop`].
pub struct Gateway {
    proxy: Arc<Proxy>,
    serving: watch::Receiver<Option<Arc<Snapshot>>>,
    factory: InformerFactory,
    stop_engine: Option<oneshot::Sender<()>>,
    engine: Option<JoinHandle<()>>,
    stop_election: Option<oneshot::Sender<()>>,
    election: Option<Task<()>>,
    writer: Option<Task<()>>,
    others: Vec<Task<()>>,
}

impl Gateway {
    /// Starts everything. Needs no answer of the API server. Must be called within a runtime of several threads.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(client: Client, options: GatewayOptions) -> Result<Self, StartError> {
        let (saver, saved) = match options.state_dir {
            Some(dir) => {
                let loading = tokio::task::spawn_blocking(move || load(&dir));
                let (generations, saved) = loading.await.map_err(io::Error::other)??;
                (Some(Saver::start(generations)?), saved)
            }
            None => (None, Vec::new()),
        };
        let proxy = Arc::new(Proxy::start(tidegate_proxy::Options {
            // The same rule for what is written and for what names lead to.
            allow_local: options.allow_local_backends,
            ..options.proxy
        })?);
        let factory = InformerFactory::new(client.clone());
        let api = Api::new(client);
        let (fence, stop_election, election) = leadership(&api, options.leadership);
        let (missing, missed) = mpsc::unbounded_channel();
        let (news, arriving) = mpsc::unbounded_channel();
        let writer = tokio::spawn(Writer::new(api.clone(), fence.clone(), missing).run(arriving));
        let (orders, ordered) = mpsc::unbounded_channel();
        let mut others = vec![tokio::spawn(infrastructure::run(
            api.clone(),
            fence.clone(),
            ordered,
        ))];
        if let Some(class) = options.class {
            let controller = options.controller_name.clone();
            others.push(tokio::spawn(class::ensure(
                api,
                factory.clone(),
                fence,
                class,
                controller,
            )));
        }
        let mut compile =
            tidegate_compile::Options::new(&options.controller_name, options.addresses);
        compile.allow_local_backends = options.allow_local_backends;
        let (serving_sender, serving) = watch::channel(None);
        let engine = Engine {
            compiler: Compiler::new(compile),
            feed: Feed::new(factory.clone(), Handle::current(), saved),
            proxy: Arc::clone(&proxy),
            saver,
            writer: news,
            orders,
            missed,
            disk_waits: options.disk_waits,
            serving: serving_sender,
        };
        let (stop_engine, stopped) = oneshot::channel();
        let engine = thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || run_engine(engine, stopped))?;
        Ok(Self {
            proxy,
            serving,
            factory,
            stop_engine: Some(stop_engine),
            engine: Some(engine),
            stop_election,
            election,
            writer: Some(writer),
            others,
        })
    }

    /// Waits until the configuration is loaded and served for the first time. Never, if the loop has ended.
    pub async fn ready(&self) {
        let mut serving = self.serving.clone();
        if serving.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What is served; changes with every new snapshot. `None` before the first.
    #[must_use]
    pub fn serving(&self) -> watch::Receiver<Option<Arc<Snapshot>>> {
        self.serving.clone()
    }

    /// The data plane.
    #[must_use]
    pub fn proxy(&self) -> &Arc<Proxy> {
        &self.proxy
    }

    /// The informers, for their figures.
    #[must_use]
    pub fn informers(&self) -> &InformerFactory {
        &self.factory
    }

    /// The listening sockets, for a process that takes over.
    ///
    /// # Errors
    /// The machine has no more file descriptors.
    pub fn listeners(&self) -> io::Result<Vec<TcpListener>> {
        self.proxy.listeners()
    }

    /// Ends in order: no more changes, status written, the Lease given back, requests ended in peace within `grace`, and
    /// the last of them told to who hears of requests.
    pub async fn stop(mut self, grace: Duration) {
        if let Some(stop) = self.stop_engine.take() {
            // It may have ended already.
            let _ = stop.send(());
        }
        let drained = self.proxy.drain(grace);
        let ended = async {
            if let Some(engine) = self.engine.take() {
                // Its end drops what feeds the others. A panic there has been told already.
                let _ = tokio::task::spawn_blocking(move || engine.join()).await;
            }
            if let Some(writer) = self.writer.take() {
                let _ = writer.await;
            }
            if let Some(stop) = self.stop_election.take() {
                let _ = stop.send(());
            }
            if let Some(election) = self.election.take() {
                let _ = election.await;
            }
        };
        tokio::join!(drained, ended);
        for other in &self.others {
            other.abort();
        }
        self.factory.shutdown();
        // The workers' ends are waited for, but not a log that nobody reads.
        let proxy = self.proxy;
        let dropped = tokio::task::spawn_blocking(move || drop(proxy));
        let _ = tokio::time::timeout(FAREWELL, dropped).await;
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

fn load(dir: &std::path::Path) -> Result<(Generations, Vec<Saved>), StateError> {
    let mut generations = Generations::open(dir)?;
    let saved = generations.load().unwrap_or_default();
    Ok((generations, saved))
}

/// The fence, and the election that moves it.
fn leadership(
    api: &Api,
    leadership: Leadership,
) -> (Fence, Option<oneshot::Sender<()>>, Option<Task<()>>) {
    let now = Instant::now();
    match leadership {
        Leadership::Sole => (Fence::open(now), None, None),
        Leadership::Lease {
            namespace,
            name,
            identity,
        } => {
            let fence = Fence::closed(now);
            let (stop, stopped) = oneshot::channel();
            let election = Election::new(identity, Timing::default());
            let candidate = Candidate { namespace, name };
            let task = tokio::spawn(stand_for_election(
                api.clone(),
                candidate,
                election,
                fence.clone(),
                stopped,
            ));
            (fence, Some(stop), Some(task))
        }
    }
}

/// The loop's thread. Should the machine refuse it a runtime, nothing is served, and the log says why.
fn run_engine(engine: Engine, stopped: oneshot::Receiver<()>) {
    match Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime.block_on(engine.run(stopped)),
        Err(error) => tracing::error!(%error, "the control loop can't run"),
    }
}
