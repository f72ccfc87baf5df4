//! Accepts connections, ends TLS, and hands streams to the protocol that is spoken on them.

mod announced;

use std::{
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tidegate_routing::{BindProtocol, Listener};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::spawn_local,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use crate::{
    buffer::Buffer,
    clock::{TICK, Timer},
    connections::{Closing, Connection},
    counters::Counters,
    h1, h2_front,
    stream::{self, Whole},
    tls::TlsError,
    worker::Worker,
};

/// How long a connection that was accepted while the worker drains is given for its request: that is on its way.
const FIRST_TIME: Duration = Duration::from_secs(1);

/// A fatal alert of TLS, as it stands in a record before anything is agreed on: RFC 8446 §5.1 and §6, RFC 6066 §3. Without
/// it clients can but say that the connection broke.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Why a client's TLS handshake came to nothing. The connection is closed.
#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("not in time")]
    Timeout,
    /// No listener serves this name.
    #[error("no listener for this name")]
    NoListener,
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Accepts until `stop` says so; then takes what the kernel has queued already, and ends.
pub(crate) async fn accept(
    worker: Rc<Worker>,
    listener: TcpListener,
    address: SocketAddr,
    stop: Rc<Notify>,
) {
    let timer = Timer::default();
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = stop.notified() => break,
        };
        match accepted {
            Ok((stream, peer)) => begin(&worker, stream, address, peer),
            // Connections that broke while queued, or no file descriptors: then a moment's rest helps.
            Err(error) => {
                tracing::debug!(%address, %error, "accept failed");
                worker.clock.sleep(&timer, TICK).await;
            }
        }
    }
    let mut now = Context::from_waker(Waker::noop());
    while let Poll::Ready(Ok((stream, peer))) = listener.poll_accept(&mut now) {
        begin(&worker, stream, address, peer);
    }
}

fn begin(worker: &Rc<Worker>, stream: TcpStream, address: SocketAddr, peer: SocketAddr) {
    let counters = &worker.setup.counters;
    if !counters.enter(worker.limits().connections_max) {
        return;
    }
    let draining = worker.draining.get();
    let closing = draining.then(|| Closing::after(&worker.clock, FIRST_TIME));
    // Before its task runs: a drain must not miss it.
    let (key, connection) = worker.connections.enter(address, peer, closing);
    spawn_local(serve(worker.clone(), stream, key, connection));
}

async fn serve(
    worker: Rc<Worker>,
    mut stream: TcpStream,
    mut key: usize,
    mut connection: Rc<Connection>,
) {
    let (address, peer) = (connection.local(), connection.peer());
    match announced::client(&worker, &mut stream, peer).await {
        Some(client) if client == peer => {}
        Some(client) => {
            let closing = connection.closing();
            worker.connections.leave(key);
            (key, connection) = worker.connections.enter(address, client, closing);
        }
        None => {
            worker.connections.leave(key);
            worker.setup.counters.leave();
            return;
        }
    }
    // Only fails on sockets that are closed already: the first read will say so.
    let _ = stream.set_nodelay(true);
    let protocol = worker.config().bind(address).map(|bind| bind.protocol);
    match protocol {
        None => {}
        Some(BindProtocol::Http) => {
            let (read, write) = stream::plain(stream);
            let left = h1::serve(&worker, &connection, None, read, write).await;
            if let Some((stream, first)) = left {
                let serving = h2_front::serve(&worker, &connection, None, stream, first);
                Box::pin(serving).await;
            }
        }
        Some(BindProtocol::Https) => {
            match Box::pin(handshake(&worker, &connection, stream)).await {
                Ok((listener, stream)) => {
                    let stream = Whole::Tls(Box::new(stream.into()));
                    serve_secure(&worker, &connection, listener, stream).await;
                }
                Err(error) => {
                    Counters::count(&worker.setup.counters.handshakes_failed);
                    tracing::debug!(%peer, %error, "TLS handshake failed");
                }
            }
        }
    }
    worker.connections.leave(key);
    worker.setup.counters.leave();
}

/// What was agreed on in the handshake.
async fn serve_secure(
    worker: &Rc<Worker>,
    connection: &Rc<Connection>,
    listener: Arc<Listener>,
    stream: Whole,
) {
    if stream.agreed_on_h2() {
        let first = Buffer::default();
        let serving = h2_front::serve(worker, connection, Some(listener), stream, first);
        Box::pin(serving).await;
    } else {
        let (read, write) = stream.split();
        h1::serve(worker, connection, Some(listener), read, write).await;
    }
}

/// Ends TLS: the listener by SNI, then its configuration.
async fn handshake(
    worker: &Worker,
    connection: &Connection,
    stream: TcpStream,
) -> Result<(Arc<Listener>, TlsStream<TcpStream>), HandshakeError> {
    let deadline = worker.clock.after(worker.limits().head_timeout);
    let handshake = async {
        let mut start =
            LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        let name = start
            .client_hello()
            .server_name()
            .map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        let listener = worker
            .config()
            .bind(connection.local())
            .and_then(|bind| bind.listener(name.as_deref()))
            .cloned();
        let Some((listener, tls)) = listener.and_then(|it| it.tls.clone().map(|tls| (it, tls)))
        else {
            start.io.write_all(&UNRECOGNIZED_NAME).await?;
            return Err(HandshakeError::NoListener);
        };
        let server = worker.servers.config(&tls)?;
        Ok((listener, start.into_stream(server).await?))
    };
    let timer = &connection.timer;
    worker
        .clock
        .limit(timer, deadline, handshake)
        .await
        .unwrap_or(Err(HandshakeError::Timeout))
}

#[cfg(test)]
mod tests {
    use std::{rc::Rc, sync::Arc};

    use tokio::net::{TcpListener, TcpStream};

    use super::serve;
    use crate::{
        counters::Counters,
        options::Options,
        worker::{Setup, Worker},
    };

    /// 10,000 idle clients are 10,000 of these.
    const TASK_BYTES_MAX: usize = 6 * 1024;

    #[tokio::test(flavor = "current_thread")]
    async fn a_connections_task_is_small() {
        let setup = Setup::new(&Options::default(), Arc::new(Counters::default()));
        let worker = Rc::new(Worker::new(0, Arc::new(setup)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let stream = TcpStream::connect(address).await.expect("connected");
        let (key, connection) = worker.connections.enter(address, address, None);
        let task = serve(worker, stream, key, connection);
        let size = std::mem::size_of_val(&task);
        assert!(size <= TASK_BYTES_MAX, "{size} bytes");
    }
}
