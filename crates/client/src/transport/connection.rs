//! One connection, and one request upon it.
//!
//! A [`Connection`] is the right to send one request; the [`Reply`] carries that right's slot until
//! the body is read or dropped. Silence beyond the ping limits ends a connection and fails all its
//! streams.

use std::{
    future::{Future as _, poll_fn},
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Version, header};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{connector::BoxStream, pool::Pool};
use crate::options::ClientOptions;

/// A watch's initial list fills this in 10 ms at 100 MB/s: enough for any data centre's distance.
const STREAM_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// Eight stalled streams' worth. Readers must keep up: a window full of unread bytes stops all.
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
const FRAME_BYTES_MAX: u32 = 256 * 1024;
const HTTP1_BUFFER_BYTES_MAX: usize = 1024 * 1024;
/// Assumed until the server says how many streams it allows; odd, so that the answer is noticed.
const STREAMS_UNTOLD: usize = 97;
const SETTINGS_WAIT_MAX: Duration = Duration::from_secs(2);
const SETTINGS_POLL: Duration = Duration::from_millis(2);

type Body = Full<Bytes>;

/// The right to send one request.
pub(crate) enum Connection {
    Http2 {
        shared: Arc<Http2>,
        slot: Slot,
        reused: bool,
    },
    Http1 {
        own: Http1,
        reused: bool,
    },
}

/// The head of an answer, its body, and what keeps the connection's books straight.
pub(crate) struct Reply {
    pub(crate) response: Response<Incoming>,
    pub(crate) lease: Lease,
}

/// Held while a body is read.
pub(crate) enum Lease {
    Http2(#[expect(dead_code, reason = "its drop frees the slot")] Slot),
    Http1(Http1),
}

/// Why a request got no answer.
pub(crate) struct Failure {
    pub(crate) error: hyper::Error,
    /// No byte of it was sent.
    pub(crate) unsent: bool,
}

/// An HTTP/2 connection in a pool.
pub(crate) struct Http2 {
    sender: http2::SendRequest<Body>,
    streams: Arc<AtomicUsize>,
    streams_max: usize,
}

/// One stream's place on an HTTP/2 connection.
pub(crate) struct Slot(Arc<AtomicUsize>);

/// An HTTP/1.1 connection, which goes back to its pool after a complete answer.
pub(crate) struct Http1 {
    sender: http1::SendRequest<Body>,
    pool: Weak<Pool>,
}

impl Connection {
    /// Whether earlier requests used this connection, so that the server may have closed it meanwhile.
    pub(crate) fn reused(&self) -> bool {
        match self {
            Self::Http2 { reused, .. } | Self::Http1 { reused, .. } => *reused,
        }
    }

    /// Sends the request, whose URI is absolute, and waits for the head of the answer.
    pub(crate) async fn send(self, request: Request<Bytes>) -> Result<Reply, Failure> {
        let request = request.map(Full::new);
        match self {
            Self::Http2 { shared, slot, .. } => {
                let mut request = request;
                *request.version_mut() = Version::HTTP_2;
                let sent = shared.sender.clone().try_send_request(request).await;
                let response = sent.map_err(Failure::new)?;
                Ok(Reply {
                    response,
                    lease: Lease::Http2(slot),
                })
            }
            Self::Http1 { mut own, .. } => {
                let sent = own.sender.try_send_request(origin_form(request)).await;
                let response = sent.map_err(Failure::new)?;
                Ok(Reply {
                    response,
                    lease: Lease::Http1(own),
                })
            }
        }
    }
}

impl Failure {
    fn new(mut error: hyper::client::conn::TrySendError<Request<Body>>) -> Self {
        let unsent = error.take_message().is_some();
        Self {
            error: error.into_error(),
            unsent,
        }
    }
}

impl Lease {
    /// The body was read to its end: an HTTP/1.1 connection can serve another request.
    pub(crate) fn complete(self) {
        if let Self::Http1(own) = self
            && let Some(pool) = own.pool.upgrade()
        {
            pool.put_back(own);
        }
    }
}

impl Http2 {
    /// Shakes hands, and waits for the server's stream limit: what exceeds it would queue unseen.
    pub(super) async fn open(stream: BoxStream, options: &ClientOptions) -> hyper::Result<Self> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .initial_max_send_streams(STREAMS_UNTOLD)
            .keep_alive_interval(options.ping_interval)
            .keep_alive_timeout(options.ping_timeout)
            .keep_alive_while_idle(true);
        let (sender, mut driver) = builder.handshake(stream).await?;
        let mut tick = tokio::time::interval(SETTINGS_POLL);
        let told = poll_fn(|context| {
            if let Poll::Ready(ended) = Pin::new(&mut driver).poll(context) {
                return Poll::Ready(ended);
            }
            while driver.current_max_send_streams() == STREAMS_UNTOLD {
                if tick.poll_tick(context).is_pending() {
                    return Poll::Pending;
                }
            }
            Poll::Ready(Ok(()))
        });
        if let Ok(ended) = tokio::time::timeout(SETTINGS_WAIT_MAX, told).await {
            ended?;
        }
        let streams_max = driver
            .current_max_send_streams()
            .min(options.streams_per_connection)
            .max(1);
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "HTTP/2 connection ended");
            }
        });
        Ok(Self {
            sender,
            streams: Arc::default(),
            streams_max,
        })
    }

    /// Whether new requests may be put on it: neither dead nor told to go away.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(super) fn streams(&self) -> usize {
        self.streams.load(Ordering::Acquire)
    }

    /// A slot, unless all are taken. The pool's lock makes counting and taking one step.
    pub(super) fn slot(&self) -> Option<Slot> {
        if self.streams() >= self.streams_max {
            return None;
        }
        self.streams.fetch_add(1, Ordering::AcqRel);
        Some(Slot(Arc::clone(&self.streams)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Http1 {
    pub(super) async fn open(stream: BoxStream, pool: Weak<Pool>) -> hyper::Result<Self> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HTTP1_BUFFER_BYTES_MAX);
        let (sender, driver) = builder.handshake(stream).await?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "HTTP/1.1 connection ended");
            }
        });
        Ok(Self { sender, pool })
    }

    /// Whether the last answer is over and the connection still open.
    pub(super) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}

/// HTTP/1.1 wants the path in the request line and the server in the `Host` header.
fn origin_form(mut request: Request<Body>) -> Request<Body> {
    let uri = request.uri().clone();
    if let Some(host) = uri
        .authority()
        .and_then(|authority| authority.as_str().parse().ok())
    {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
    if let Some(path) = uri.path_and_query() {
        *request.uri_mut() = path.clone().into();
    }
    request
}
