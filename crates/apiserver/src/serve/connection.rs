//! Connections: TLS, HTTP/1.1 and HTTP/2, and their end.

use super::{
    crew::{Crew, Ended},
    handler::{self, Handler, Peer},
    pace::Pace,
    stall::Unstalled,
    websocket::Upgrade,
};
use crate::body::Body;
use futures::FutureExt;
use http::{Request, Response, Version};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{JoinError, JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// How often an idle HTTP/2 connection is asked whether it lives, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(15);
/// Streams of one HTTP/2 connection at once: a client may hold many watches on one.
const STREAMS: u32 = 1000;
/// How long running requests may take to end once the server does.
const GRACE: Duration = Duration::from_secs(5);

/// Accepts connections until the cluster stops, then lets the running requests end.
pub(crate) async fn serve(listener: TcpListener, tls: TlsAcceptor, handler: Arc<Handler>) {
    let room = Arc::new(Semaphore::new(handler.limits.connections));
    let mut connections = JoinSet::new();
    let mut refuses = false;
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            () = handler.cluster.stopping() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => {
                refuses = false;
                stream
            }
            Err(error) => {
                // Once, until one can be.
                if !std::mem::replace(&mut refuses, true) {
                    tracing::warn!(%error, "connections can't be accepted");
                }
                // Out of descriptors, most likely: others must end first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (tls, handler) = (tls.clone(), handler.clone());
        connections.spawn(async move {
            let _permit = permit;
            if let Err(error) = connection(stream, tls, handler).await {
                tracing::debug!(%error, "a connection ended badly");
            }
        });
    }
    drop(listener);
    let end = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, end).await.is_err() {
        tracing::info!("running requests are cut off");
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, handler: Arc<Handler>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let greeting = tokio::time::timeout(
        handler.limits.handshake_time,
        tls.accept(Unstalled::new(stream, handler.limits.write_stall)),
    )
    .await;
    let stream = greeting.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first());
    let peer = Arc::new(Peer {
        certificate: certificate.map(|certificate| certificate.as_ref().to_vec()),
        pace: Arc::default(),
        upgrade: Upgrade::default(),
    });
    let asker = peer.clone();
    let has_asked = Arc::new(AtomicBool::new(false));
    let mut crew = crew(&handler, peer.pace.clone(), has_asked.clone());
    let head_time = handler.limits.head_time;
    let service = service_fn(move |request| {
        has_asked.store(true, Ordering::Relaxed);
        answer(request, handler.clone(), peer.clone())
    });
    let mut builder = auto::Builder::new(crew.recruiter());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .max_concurrent_streams(STREAMS);
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    loop {
        match crew.run(connection.as_mut()).await {
            Ended::Connection(ended) => {
                ended.map_err(io::Error::other)?;
                break;
            }
            Ended::Member(End::CutOff) => return Err(io::ErrorKind::TimedOut.into()),
            Ended::Member(End::InPeace) => connection.as_mut().graceful_shutdown(),
        }
    }
    if let Some(watch) = asker.upgrade.take() {
        watch.await;
    }
    Ok(())
}

/// Answers a request. A watch is polled by its connection from the beginning; what else comes by HTTP/2, where many
/// requests of one connection run at once, has a task of its own.
async fn answer(
    request: Request<Incoming>,
    handler: Arc<Handler>,
    peer: Arc<Peer>,
) -> Result<Response<Body>, JoinError> {
    let here = request.version() != Version::HTTP_2 || handler::is_watch(&request);
    let answer = async move { handler.handle(request, &peer).await };
    match here {
        // In a box, because it is big, and is gone when the answer begins.
        true => Ok(answer.boxed().await),
        false => Aborted(tokio::spawn(answer)).await,
    }
}

/// A task that ends when nobody waits for it.
struct Aborted<T>(JoinHandle<T>);

impl<T> Future for Aborted<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(context)
    }
}

impl<T> Drop for Aborted<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why the server ends a connection.
#[derive(Debug)]
enum End {
    /// The client does not read, or does not ask.
    CutOff,
    /// The server itself ends.
    InPeace,
}

/// Waits for what ends a connection from the server's side.
fn crew(handler: &Handler, pace: Arc<Pace>, has_asked: Arc<AtomicBool>) -> Crew<End> {
    let mut crew = Crew::new();
    let (patience, head_time) = (handler.limits.write_stall, handler.limits.head_time);
    crew.add(async move {
        pace.stalled(patience).await;
        End::CutOff
    });
    crew.add(async move {
        silence(&has_asked, head_time).await;
        End::CutOff
    });
    let cluster = handler.cluster.clone();
    crew.add(async move {
        cluster.stopping().await;
        End::InPeace
    });
    crew
}

/// Waits until a client has asked nothing for that long since it came. Those that have asked are waited for elsewhere.
async fn silence(has_asked: &AtomicBool, patience: Duration) {
    tokio::time::sleep(patience).await;
    if has_asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}
