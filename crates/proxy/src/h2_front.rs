//! HTTP/2 with a client: one connection, each of its streams a task that serves one request.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use h2::{
    Reason, RecvStream,
    ext::Protocol,
    server::{Builder, Connection as H2Connection, SendResponse},
};
use http::Request;
use tidegate_http::{Fields, HeadError, KnownName, read_h2_request};
use tidegate_routing::Listener;
use tokio::task::spawn_local;

use crate::{
    buffer::Buffer,
    client::{Client, Side},
    clock::{Deadline, Timer},
    connections::Connection,
    failure::Failure,
    h2_guard::{Budget, Watch},
    h2_socket::Socket,
    h2_stream::Stream,
    handle::{Next, Origin, handle},
    journey::Journey,
    scratch::Scratch,
    stream::Whole,
    worker::Worker,
};

/// Streams of one connection at once.
const STREAMS_MAX: u32 = 128;
/// What a client may send before it is taken: of one stream, and of one connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What waits to be sent on one stream.
const SEND_BUFFER: usize = 64 * 1024;
/// How long a connection that is to close may take to do so once its streams have ended.
const CLOSE_TIME: Duration = Duration::from_secs(2);
/// Requests that are taken back so soon were not meant.
const HASTY: Duration = Duration::from_secs(1);
/// So many of them, and half of all, are an attack.
const HASTY_MAX: u32 = 200;

/// What a connection and its streams know of each other.
struct Shared {
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    secure: Option<Arc<Listener>>,
    budget: Rc<Budget>,
    /// What wakes the tasks of WebSockets.
    tunnels: RefCell<Vec<Timer>>,
    /// Streams under way.
    streams: Cell<u32>,
    /// Streams so far.
    began: Cell<u32>,
    /// Those that the client took back at once.
    hasty: Cell<u32>,
    /// When the connection is closed if no stream comes.
    idle_until: Cell<Deadline>,
    /// When one that is to close is cut off.
    close_by: Cell<Deadline>,
    /// The same, where the client has yet to take what was answered.
    taken_by: Cell<Deadline>,
}

/// How a connection comes to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    /// The client knows that no more streams are taken.
    Soon,
    /// The client has been told off.
    Now(Deadline),
}

/// Serves a connection until it ends. `first` was read of it already.
pub(crate) async fn serve(
    worker: &Rc<Worker>,
    connection: &Rc<Connection>,
    secure: Option<Arc<Listener>>,
    stream: Whole,
    first: Buffer,
) {
    let budget = Rc::new(Budget::default());
    let watch = Watch::new(budget.clone());
    let socket = Socket::new(stream, first, Some(watch));
    let limits = worker.limits();
    let deadline = worker.clock.after(limits.head_timeout);
    let head_bytes_max = u32::try_from(limits.head.head_bytes_max).unwrap_or(u32::MAX);
    let handshake = Builder::new()
        .max_concurrent_streams(STREAMS_MAX)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(head_bytes_max)
        .max_send_buffer_size(SEND_BUFFER)
        .enable_connect_protocol()
        .handshake(socket);
    let timer = &connection.timer;
    let Ok(Ok(mut h2)) = worker.clock.limit(timer, deadline, handshake).await else {
        return;
    };
    let shared = Rc::new(Shared {
        worker: worker.clone(),
        connection: connection.clone(),
        secure,
        budget,
        tunnels: RefCell::default(),
        streams: Cell::new(0),
        began: Cell::new(0),
        hasty: Cell::new(0),
        idle_until: Cell::new(worker.clock.after(limits.idle_timeout)),
        close_by: Cell::new(worker.clock.after(CLOSE_TIME)),
        taken_by: Cell::new(worker.clock.after(limits.write_timeout)),
    });
    let mut closing = Closing::No;
    poll_fn(|cx| shared.poll(&mut h2, &mut closing, cx)).await;
}

impl Shared {
    /// Ready when the connection is over.
    fn poll(
        self: &Rc<Self>,
        h2: &mut H2Connection<Socket, Bytes>,
        closing: &mut Closing,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let (clock, timer) = (&self.worker.clock, &self.connection.timer);
        if self.worker.tunnels_end.get() {
            self.tunnels.borrow().iter().for_each(Timer::wake);
        }
        if *closing == Closing::No && self.connection.is_closing() {
            self.say_goodbye(h2, closing);
        }
        self.budget.now(clock.coarse_ns());
        loop {
            match h2.poll_accept(cx) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok((request, reply)))) => self.begin(request, reply),
                Poll::Ready(Some(Err(error))) => {
                    let peer = self.connection.peer();
                    tracing::debug!(%peer, %error, "a client's connection broke");
                    return Poll::Ready(());
                }
                Poll::Ready(None) => return Poll::Ready(()),
            }
        }
        timer.register(cx);
        if self.budget.is_alarmed() && !matches!(closing, Closing::Now(_)) {
            tracing::debug!(peer = %self.connection.peer(), "a client floods its connection");
            h2.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
            *closing = Closing::Now(clock.after(CLOSE_TIME));
            // Once more, to send it.
            cx.waker().wake_by_ref();
        }
        if self.budget.is_over() && !matches!(closing, Closing::Now(_)) {
            *closing = Closing::Now(clock.after(CLOSE_TIME));
        }
        if let Closing::Now(until) = *closing {
            return clock.poll_passed(timer, until, cx);
        }
        if self.streams.get() > 0 {
            // Comes back to see whether there are still some.
            let later = clock.after(self.worker.limits().idle_timeout);
            return clock.poll_passed(timer, later, cx);
        }
        if *closing == Closing::Soon {
            // The client may still be reading.
            let by = match h2.has_streams() {
                true => self.taken_by.get(),
                false => self.close_by.get(),
            };
            return clock.poll_passed(timer, by, cx);
        }
        if clock
            .poll_passed(timer, self.idle_until.get(), cx)
            .is_ready()
        {
            self.say_goodbye(h2, closing);
            // Once more, to send it.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn say_goodbye(&self, h2: &mut H2Connection<Socket, Bytes>, closing: &mut Closing) {
        h2.graceful_shutdown();
        *closing = Closing::Soon;
        self.close_by.set(self.worker.clock.after(CLOSE_TIME));
    }

    fn begin(self: &Rc<Self>, request: Request<RecvStream>, reply: SendResponse<Bytes>) {
        self.streams.set(self.streams.get() + 1);
        self.began.set(self.began.get().saturating_add(1));
        // A task's future is moved several times before it stands where it stays: this way only a pointer is.
        spawn_local(Box::pin(self.clone().serve(request, reply)));
    }

    /// One stream.
    async fn serve(self: Rc<Self>, request: Request<RecvStream>, reply: SendResponse<Bytes>) {
        let began = Instant::now();
        let mut scratch = self.worker.scratches.take();
        let answered = self.request(request, reply, &mut scratch).await;
        self.worker.scratches.give(scratch);
        if !answered && began.elapsed() < HASTY {
            let hasty = self.hasty.get() + 1;
            self.hasty.set(hasty);
            if hasty >= HASTY_MAX && hasty >= self.began.get() / 2 {
                self.budget.alarm();
                self.connection.timer.wake();
            }
        }
        self.streams.set(self.streams.get() - 1);
        let clock = &self.worker.clock;
        let limits = self.worker.limits();
        self.idle_until.set(clock.after(limits.idle_timeout));
        self.taken_by.set(clock.after(limits.write_timeout));
        self.close_by.set(clock.after(CLOSE_TIME));
        if self.streams.get() == 0 && self.connection.is_closing() {
            self.connection.timer.wake();
        }
    }

    /// A WebSocket, as HTTP/1 asks for it.
    async fn tunnel(&self, origin: &Origin<'_>, client: &mut Client<'_>) -> Next {
        if let Side::Stream(stream) = &mut client.side {
            stream.incoming.hold();
        }
        let key = self.worker.ids.websocket_key();
        // It is base64.
        let _ = client.head.fields.set(b"sec-websocket-key", &key);
        self.tunnels.borrow_mut().push(origin.timer.clone());
        let next = Box::pin(handle(origin, client)).await;
        let mut tunnels = self.tunnels.borrow_mut();
        tunnels.retain(|timer| !timer.is_same(origin.timer));
        next
    }

    /// False when the client went away without an answer.
    async fn request(
        &self,
        request: Request<RecvStream>,
        reply: SendResponse<Bytes>,
        scratch: &mut Scratch,
    ) -> bool {
        let timer = Timer::default();
        let origin = Origin {
            worker: &self.worker,
            connection: &self.connection,
            timer: &timer,
            secure: self.secure.as_ref(),
        };
        let (parts, mut stream) = Stream::accepted(request, reply);
        let ended = stream.incoming.is_ended();
        let limits = &self.worker.limits().head;
        let head = &mut scratch.request;
        let protocol = parts.extensions.get::<Protocol>();
        let read = read_h2_request(
            &parts.method,
            &parts.uri,
            protocol.map(Protocol::as_str),
            &parts.headers,
            ended,
            limits,
            head,
        );
        drop(parts);
        let mut client = Client {
            side: Side::Stream(&mut stream),
            head,
            answer: &mut scratch.answer,
            up: &mut scratch.up,
        };
        let Err(error) = read else {
            join_cookies(&mut client.head.fields);
            let next = match client.head.upgrade {
                None => handle(&origin, &mut client).await,
                Some(_) => self.tunnel(&origin, &mut client).await,
            };
            timer.finish();
            return next != Next::Gone;
        };
        let failure = Failure::BadRequest(error.status(), error.reason());
        let mut journey = Journey::begin(&origin, client.head);
        client.refuse(&origin, &failure, &mut journey).await;
        journey.end(&origin, client.head);
        if matches!(error, HeadError::Pseudo | HeadError::ConnectionSpecific) {
            stream.outgoing.reset(Reason::PROTOCOL_ERROR);
        }
        true
    }
}

/// HTTP/2 may send each cookie as a field of its own; elsewhere there is one field: RFC 9113 §8.2.3.
fn join_cookies(fields: &mut Fields) {
    let mut cookies = fields.all_known(KnownName::Cookie);
    let (Some(first), Some(second)) = (cookies.next(), cookies.next()) else {
        return;
    };
    let mut joined = [first, second].join(&b"; "[..]);
    for cookie in cookies {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(cookie);
    }
    // The parts were valid, so the whole is.
    let _ = fields.set(KnownName::Cookie.as_str().as_bytes(), &joined);
}
