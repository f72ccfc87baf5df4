//! Origins on loopback: what is asked for without more is answered with 200 and the origin's name; some paths take long,
//! and one turns into a WebSocket. They say how much they have to do.

mod grpc;
mod http1;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

/// What is asked for with this path takes [`SLOW_PARTS`] times a tenth of a second.
pub(crate) const SLOW: &str = "/slow";
/// How often the name comes in a slow answer.
pub(crate) const SLOW_PARTS: usize = 10;
const SLOW_PAUSE: Duration = Duration::from_millis(100);
/// What is posted here is read to its end, and looked at.
pub(crate) const UPLOAD: &str = "/upload";
/// Becomes a WebSocket that sends back what comes.
pub(crate) const SOCKET: &str = "/socket";
const DOWNLOAD: &str = "/download/";

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    /// HTTP/2 in clear: any call is answered with the messages that it sends.
    Grpc,
}

/// A running origin. Dropping it ends it with all its connections.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    busy: Arc<Busy>,
    accepting: JoinHandle<()>,
}

/// What there is to do.
#[derive(Debug, Default)]
struct Busy {
    /// Requests that have come.
    begun: AtomicU64,
    /// Those that are answered.
    ended: AtomicU64,
}

/// The path of a download of so many parts, with pauses between them.
pub(crate) fn download(parts: usize, bytes: usize, pause_ms: u128) -> String {
    format!("{DOWNLOAD}{parts}/{bytes}/{pause_ms}")
}

/// How an upload of so many bytes is answered, if they were the right ones.
pub(crate) fn received(bytes: usize) -> String {
    format!("{bytes} bytes as they should be")
}

impl Origin {
    /// Listens on a free port.
    pub(crate) async fn start(name: &str, speaks: Speaks) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let busy = Arc::new(Busy::default());
        let accepting = tokio::spawn(accept(listener, name.into(), speaks, Arc::clone(&busy)));
        Ok(Self {
            address,
            busy,
            accepting,
        })
    }

    /// Requests that have come so far.
    pub(crate) fn begun(&self) -> u64 {
        self.busy.begun.load(Ordering::Relaxed)
    }

    /// Whether none is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.begun() == self.busy.ended.load(Ordering::Relaxed)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Busy {
    /// Runs one request.
    async fn with<T>(&self, request: impl Future<Output = T>) -> T {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let answered = request.await;
        self.ended.fetch_add(1, Ordering::Relaxed);
        answered
    }
}

async fn accept(listener: TcpListener, name: Arc<str>, speaks: Speaks, busy: Arc<Busy>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Only fails on a socket that is closed already.
        let _ = stream.set_nodelay(true);
        let (name, busy) = (Arc::clone(&name), Arc::clone(&busy));
        connections.spawn(async move {
            // A connection that breaks is the gateway's affair, and its clients see it.
            match speaks {
                Speaks::Http1 => drop(http1::serve(stream, &name, &busy).await),
                Speaks::Grpc => drop(grpc::serve(stream, &busy).await),
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
