//! A connection of HTTP/2 to an endpoint, shared by many requests.
//!
//! It has a task of its own, which ends when nobody may use it any more and its last stream is over. Requests hold a
//! [`Slot`].

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use h2::{
    Ping, PingPong, Reason,
    client::{Builder, Connection, ResponseFuture, SendRequest},
};
use http::Request;
use tidegate_http::{HeadLimits, Method, ResponseHead, read_h2_response};
use tokio::task::spawn_local;

use super::{ConnectError, endpoint::Counted};
use crate::{
    clock::{Deadline, Timer},
    failure::Failure,
    h2_socket::Socket,
    h2_stream::{Incoming, Outgoing},
    worker::Worker,
};

/// Streams of one connection at once. The peer may allow fewer.
const STREAMS_MAX: usize = 100;
/// What a peer may send before it is taken: of one stream, and of one connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What waits to be sent on one stream.
const SEND_BUFFER: usize = 64 * 1024;
/// How often a connection with streams is asked whether it is still there. Servers of gRPC take less than 5 minutes for
/// an attack where nothing else is sent.
const PROBE_INTERVAL: Duration = Duration::from_secs(310);
/// How long it may take to say so.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// One connection.
#[derive(Debug)]
pub(super) struct Shared {
    /// `None`: no new streams.
    sender: RefCell<Option<SendRequest<Bytes>>>,
    address: SocketAddr,
    streams: Cell<usize>,
    /// Whether it has carried an exchange.
    carried: Cell<bool>,
    idle_timeout: Duration,
    /// When it is closed if no stream comes.
    idle_until: Cell<Deadline>,
    /// Wakes its task.
    timer: Timer,
    /// An answer did not come in time: is it still there?
    doubted: Cell<bool>,
}

/// A place for one stream.
#[derive(Debug)]
pub(crate) struct Slot {
    shared: Rc<Shared>,
    sender: SendRequest<Bytes>,
    pub(crate) address: SocketAddr,
    /// Whether the connection has carried an exchange before: then it may turn out to be closed already.
    pub(crate) reused: bool,
    pub(crate) outgoing: Outgoing,
    pub(crate) answer: Answer,
    idle_until: Deadline,
}

/// What comes back on a stream.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    head: Option<ResponseFuture>,
    pub(crate) incoming: Incoming,
    /// Not only the stream broke, but its connection.
    pub(crate) lost: bool,
}

/// Watches over a connection that says nothing.
enum Probe {
    At(Deadline),
    Waits(Deadline),
}

/// A connection that was just made.
pub(super) struct NewShare {
    sender: SendRequest<Bytes>,
    connection: Connection<Socket, Bytes>,
    address: SocketAddr,
    idle_timeout: Duration,
    counted: Counted,
}

impl NewShare {
    /// Says what HTTP/2 begins with. Waits for no answer.
    pub(super) async fn handshake(
        worker: &Worker,
        socket: Socket,
        address: SocketAddr,
        idle_timeout: Duration,
        counted: Counted,
    ) -> Result<Self, ConnectError> {
        let head_bytes_max = worker.limits().head.head_bytes_max;
        let (sender, connection) = Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_max_send_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(head_bytes_max).unwrap_or(u32::MAX))
            .max_send_buffer_size(SEND_BUFFER)
            .handshake(socket)
            .await
            .map_err(io::Error::other)?;
        Ok(Self {
            sender,
            connection,
            address,
            idle_timeout,
            counted,
        })
    }

    /// Has it run.
    pub(super) fn begin(self, worker: &Rc<Worker>) -> Rc<Shared> {
        let shared = Rc::new(Shared {
            sender: RefCell::new(Some(self.sender)),
            address: self.address,
            streams: Cell::new(0),
            carried: Cell::new(false),
            idle_timeout: self.idle_timeout,
            idle_until: Cell::new(worker.clock.after(self.idle_timeout)),
            timer: Timer::default(),
            doubted: Cell::new(false),
        });
        let driving = drive(
            worker.clone(),
            shared.clone(),
            self.connection,
            self.counted,
        );
        spawn_local(driving);
        shared
    }
}

impl Shared {
    /// Whether there may be further streams.
    pub(super) fn is_usable(&self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let usable = match self.sender.borrow_mut().as_mut() {
            Some(sender) => !matches!(sender.poll_ready(&mut cx), Poll::Ready(Err(_))),
            None => false,
        };
        if !usable {
            self.retire();
        }
        usable
    }

    /// Ready when the connection is dead. Lets it end when nobody uses it.
    fn watch(
        &self,
        worker: &Worker,
        pings: &mut PingPong,
        probe: &mut Probe,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let (clock, timer) = (&worker.clock, &self.timer);
        if let Probe::Waits(until) = *probe {
            if pings.poll_pong(cx).is_pending() {
                return clock.poll_passed(timer, until, cx);
            }
            *probe = Probe::At(clock.after(PROBE_INTERVAL));
        }
        let doubted = self.doubted.take();
        if self.streams.get() == 0 && !doubted {
            *probe = Probe::At(clock.after(PROBE_INTERVAL));
            let idle_until = self.idle_until.get();
            if clock.poll_passed(timer, idle_until, cx).is_ready() {
                self.retire();
            }
            return Poll::Pending;
        }
        if let Probe::At(at) = *probe
            && (doubted || clock.passed(at))
            && pings.send_ping(Ping::opaque()).is_ok()
        {
            let until = clock.after(PROBE_TIMEOUT);
            *probe = Probe::Waits(until);
            // Neither can be there yet: this is to be woken.
            let _ = pings.poll_pong(cx);
            let _ = clock.poll_passed(timer, until, cx);
        }
        // Also finds out when there are no streams any more.
        let _ = clock.poll_passed(timer, clock.after(self.idle_timeout), cx);
        Poll::Pending
    }

    /// No new streams.
    pub(super) fn retire(&self) {
        self.sender.borrow_mut().take();
    }

    /// A place on it, where one is free.
    pub(super) fn slot(this: &Rc<Self>, worker: &Worker) -> Option<Slot> {
        let sender = this.sender.borrow().as_ref()?.clone();
        let most = sender.current_max_send_streams().min(STREAMS_MAX);
        if this.streams.get() >= most {
            return None;
        }
        this.streams.set(this.streams.get() + 1);
        Some(Slot {
            sender,
            address: this.address,
            reused: this.carried.get(),
            outgoing: Outgoing::default(),
            answer: Answer::default(),
            idle_until: worker.clock.after(this.idle_timeout),
            shared: this.clone(),
        })
    }
}

/// Runs a connection until it ends.
async fn drive(
    worker: Rc<Worker>,
    shared: Rc<Shared>,
    mut connection: Connection<Socket, Bytes>,
    counted: Counted,
) {
    let clock = &worker.clock;
    let mut pings = connection.ping_pong();
    let mut probe = Probe::At(clock.after(PROBE_INTERVAL));
    poll_fn(|cx| {
        if let Poll::Ready(result) = Pin::new(&mut connection).poll(cx) {
            if let Err(error) = result {
                tracing::debug!(address = %shared.address, %error, "connection to an endpoint ended");
            }
            return Poll::Ready(());
        }
        shared.timer.register(cx);
        let Some(pings) = &mut pings else {
            return Poll::Pending;
        };
        shared.watch(&worker, pings, &mut probe, cx)
    })
    .await;
    shared.retire();
    drop(counted);
}

impl Slot {
    /// Sends a request's head; `end`: that is all.
    ///
    /// # Errors
    /// Nothing was sent.
    pub(crate) fn send(&mut self, head: Request<()>, end: bool) -> Result<(), Failure> {
        match self.sender.send_request(head, end) {
            Ok((answer, stream)) => {
                self.shared.carried.set(true);
                self.outgoing = Outgoing::request(stream, end);
                self.answer.head = Some(answer);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(address = %self.address, %error, "no stream to an endpoint");
                self.answer.lost = true;
                Err(Failure::Refused)
            }
        }
    }
}

impl Slot {
    /// Nothing came in time: finds out whether the connection is still there.
    pub(crate) fn doubt(&self) {
        self.shared.doubted.set(true);
        self.shared.timer.wake();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.streams.set(self.shared.streams.get() - 1);
        let until = self.shared.idle_until.get().max(self.idle_until);
        self.shared.idle_until.set(until);
    }
}

impl Answer {
    /// Ready with a head, that of a 1xx too, or with what is wrong.
    pub(crate) fn poll_head(
        &mut self,
        method: &Method,
        limits: &HeadLimits,
        head: &mut ResponseHead,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let Some(coming) = &mut self.head else {
            return Poll::Ready(Err(Failure::BadAnswer));
        };
        if let Poll::Ready(Some(Ok(interim))) = coming.poll_informational(cx) {
            let (parts, ()) = interim.into_parts();
            let status = parts.status.as_u16();
            let read = read_h2_response(status, &parts.headers, false, method, limits, head);
            return Poll::Ready(read.map_err(|_rule| Failure::BadAnswer));
        }
        let answer = match ready!(Pin::new(coming).poll(cx)) {
            Ok(answer) => answer,
            Err(error) => return Poll::Ready(Err(self.failed(&error))),
        };
        self.head = None;
        let (parts, stream) = answer.into_parts();
        self.incoming = Incoming::new(stream);
        let (status, ended) = (parts.status.as_u16(), self.incoming.is_ended());
        let read = read_h2_response(status, &parts.headers, ended, method, limits, head);
        Poll::Ready(read.map_err(|_rule| Failure::BadAnswer))
    }

    fn failed(&mut self, error: &h2::Error) -> Failure {
        tracing::debug!(%error, "a stream to an endpoint broke");
        self.lost = error.is_io() || error.is_go_away();
        match error.reason() {
            // GOAWAY breaks only streams that came too late for it.
            _ if error.is_go_away() && error.is_remote() => Failure::Refused,
            Some(Reason::REFUSED_STREAM) => Failure::Refused,
            Some(_) if error.is_library() => Failure::BadAnswer,
            _ => Failure::UpstreamReset,
        }
    }
}
