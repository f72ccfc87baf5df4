//! A TCP proxy on loopback that breaks connections the way networks do.
//!
//! It forwards bytes and never looks at them, so TLS passes through. Faults are switched at any time
//! and hold for existing connections as well as new ones. Everything ends with the value.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until},
};

/// A proxy in front of one address. It starts as a plain pass-through.
///
/// Dropping it closes its port and resets its connections.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    faults: watch::Sender<Faults>,
    tally: Arc<Tally>,
    acceptor: AbortHandle,
}

/// What the proxy has seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Connections that were accepted, refused ones included.
    pub connections: u64,
    /// Connections that are open now.
    pub open: u64,
    /// Bytes forwarded from clients to the target.
    pub bytes_up: u64,
    /// Bytes forwarded from the target to clients.
    pub bytes_down: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    stalled: bool,
    refusing: bool,
    delay: Duration,
    cuts: u64, // how often `cut` was called
}

#[derive(Debug, Default)]
struct Tally {
    connections: AtomicU64,
    open: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
}

impl FaultProxy {
    /// Listens on a free loopback port and forwards to `target`, which need not be up yet.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (faults, seen) = watch::channel(Faults::default());
        let tally = Arc::new(Tally::default());
        let accept = accept_all(listener, target, seen, Arc::clone(&tally));
        let acceptor = tokio::spawn(accept).abort_handle();
        Ok(Self {
            address,
            faults,
            tally,
            acceptor,
        })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards nothing, both ways, but keeps all connections open, takes new ones, and lets the
    /// kernel acknowledge what arrives: a peer that vanished without a word. Not even the end of a
    /// connection gets through.
    pub fn stall(&self) {
        self.faults.send_modify(|faults| faults.stalled = true);
    }

    /// Ends [`stall`](Self::stall) and [`refuse`](Self::refuse). What piled up is forwarded.
    pub fn resume(&self) {
        self.faults.send_modify(|faults| {
            faults.stalled = false;
            faults.refusing = false;
        });
    }

    /// Resets all connections that are open now, towards both ends. New ones are not affected.
    pub fn cut(&self) {
        self.faults.send_modify(|faults| faults.cuts += 1);
    }

    /// Resets each new connection as soon as it is accepted. Existing ones are not affected.
    pub fn refuse(&self) {
        self.faults.send_modify(|faults| faults.refusing = true);
    }

    /// Holds all bytes back for `delay` in each direction, at full throughput. Zero ends it.
    pub fn delay(&self, delay: Duration) {
        self.faults.send_modify(|faults| faults.delay = delay);
    }

    /// What the proxy has seen so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            connections: self.tally.connections.load(Ordering::Relaxed),
            open: self.tally.open.load(Ordering::Relaxed),
            bytes_up: self.tally.bytes_up.load(Ordering::Relaxed),
            bytes_down: self.tally.bytes_down.load(Ordering::Relaxed),
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// Runs until aborted, and takes its connections with it.
async fn accept_all(
    listener: TcpListener,
    target: SocketAddr,
    faults: watch::Receiver<Faults>,
    tally: Arc<Tally>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue, // forget those that ended
        };
        let Ok((client, _)) = accepted else {
            continue; // the client left before it was accepted
        };
        tally.connections.fetch_add(1, Ordering::Relaxed);
        if faults.borrow().refusing {
            reset_on_close(&client);
            continue;
        }
        connections.spawn(serve(client, target, faults.clone(), Open::count(&tally)));
    }
}

/// Counts one open connection for as long as it lives.
struct Open(Arc<Tally>);

impl Open {
    fn count(tally: &Arc<Tally>) -> Self {
        tally.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(tally))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Both sockets of a connection. Unless it ended in good order, dropping them resets both.
struct Ends {
    client: TcpStream,
    upstream: Option<TcpStream>,
    orderly: bool,
}

impl Drop for Ends {
    fn drop(&mut self) {
        if self.orderly {
            return;
        }
        reset_on_close(&self.client);
        if let Some(upstream) = &self.upstream {
            reset_on_close(upstream);
        }
    }
}

/// One connection from its first byte to its end.
async fn serve(client: TcpStream, target: SocketAddr, faults: watch::Receiver<Faults>, open: Open) {
    let mut ends = Ends {
        client,
        upstream: None,
        orderly: false,
    };
    let cuts = faults.borrow().cuts;
    let mut seen = faults.clone();
    let cut = async {
        // An error means that the proxy itself is gone, which cuts as well.
        drop(seen.wait_for(|faults| faults.cuts != cuts).await);
    };
    let orderly = tokio::select! {
        done = relay(&mut ends, target, faults, &open.0) => done.is_ok(),
        () = cut => false,
    };
    ends.orderly = orderly;
}

/// Forwards both ways until both have ended, or either fails.
async fn relay(
    ends: &mut Ends,
    target: SocketAddr,
    mut faults: watch::Receiver<Faults>,
    tally: &Tally,
) -> io::Result<()> {
    until_due(&mut faults, Instant::now()).await?;
    let upstream = ends.upstream.insert(TcpStream::connect(target).await?);
    ends.client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    let (from_client, to_client) = ends.client.split();
    let (from_upstream, to_upstream) = upstream.split();
    tokio::try_join!(
        pump(from_client, to_upstream, faults.clone(), &tally.bytes_up),
        pump(from_upstream, to_client, faults, &tally.bytes_down),
    )?;
    Ok(())
}

/// Bytes read at one time, and how many such chunks wait in the proxy: 1 MiB per direction, beside
/// what the kernel's buffers hold.
const CHUNK_BYTES: usize = 16 * 1024;
const CHUNKS_MAX: usize = 64;

/// One direction of a connection: chunks are read as they come, and written when they are due.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut faults: watch::Receiver<Faults>,
    forwarded: &AtomicU64,
) -> io::Result<()> {
    let (queue, mut chunks) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS_MAX);
    let read = async move {
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let length = from.read(&mut chunk).await?;
            chunk.truncate(length);
            let ended = length == 0;
            if queue.send((Instant::now(), chunk)).await.is_err() || ended {
                return Ok(()); // an empty chunk is the end, and is delayed like any other
            }
        }
    };
    let write = async {
        while let Some((arrived, chunk)) = chunks.recv().await {
            until_due(&mut faults, arrived).await?;
            if chunk.is_empty() {
                return to.shutdown().await;
            }
            to.write_all(&chunk).await?;
            forwarded.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    };
    tokio::try_join!(read, write).map(|((), ())| ())
}

/// Waits until what arrived then may be forwarded. Faults may change while it waits.
async fn until_due(faults: &mut watch::Receiver<Faults>, arrived: Instant) -> io::Result<()> {
    let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    loop {
        let now = *faults.borrow_and_update();
        let due = arrived + now.delay;
        if now.stalled {
            faults.changed().await.map_err(gone)?;
        } else if due <= Instant::now() {
            return Ok(());
        } else {
            tokio::select! {
                () = sleep_until(due) => {}
                changed = faults.changed() => changed.map_err(gone)?,
            }
        }
    }
}

/// Makes the socket's close a reset. An error means that it is dead already.
fn reset_on_close(stream: &TcpStream) {
    drop(stream.set_zero_linger());
}
