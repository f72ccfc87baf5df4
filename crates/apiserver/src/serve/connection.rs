//! Connections: TLS, HTTP/1.1 and HTTP/2, and their end.

use super::{
    handler::{Handler, Peer},
    pace::Pace,
    stall::Unstalled,
};
use crate::quiet::Quiet;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{
    convert::Infallible,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
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
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
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
    });
    let has_asked = Arc::new(AtomicBool::new(false));
    let mut ends = ends(&handler, peer.pace.clone(), has_asked.clone());
    let head_time = handler.limits.head_time;
    let service = service_fn(move |request| {
        has_asked.store(true, Ordering::Relaxed);
        let (handler, peer) = (handler.clone(), peer.clone());
        async move { Ok::<_, Infallible>(handler.handle(request, &peer).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .max_concurrent_streams(STREAMS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        end = ends.next() => match end {
            End::CutOff => return Err(io::ErrorKind::TimedOut.into()),
            End::InPeace => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    ended.map_err(io::Error::other)
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
fn ends(handler: &Handler, pace: Arc<Pace>, has_asked: Arc<AtomicBool>) -> Quiet<End> {
    let mut ends = Quiet::default();
    let (patience, head_time) = (handler.limits.write_stall, handler.limits.head_time);
    ends.add(async move {
        pace.stalled(patience).await;
        End::CutOff
    });
    ends.add(async move {
        silence(&has_asked, head_time).await;
        End::CutOff
    });
    let cluster = handler.cluster.clone();
    ends.add(async move {
        cluster.stopping().await;
        End::InPeace
    });
    ends
}

/// Waits until a client has asked nothing for that long since it came. Those that have asked are waited for elsewhere.
async fn silence(has_asked: &AtomicBool, patience: Duration) {
    tokio::time::sleep(patience).await;
    if has_asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}
