//! HTTP/1 with a client: one connection, request after request.
//!
//! Between requests a connection holds neither buffer nor head: only its socket and this task.

use std::{future::poll_fn, rc::Rc, sync::Arc, task::Poll, time::Duration};

use tidegate_http::{HeadError, parse_request};
use tidegate_routing::Listener;

use crate::{
    body::Body,
    buffer::Buffer,
    client::Client,
    connections::Connection,
    failure::Failure,
    handle::{Next, Origin, handle},
    journey::Journey,
    scratch::Scratch,
    stream::{ReadHalf, WriteHalf},
    worker::Worker,
};

/// How long a client that is sent away may go on sending before it is cut off.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// How long a new connection is given for its first request when it should close: one that was accepted just before is on
/// its way.
const FIRST_TIME: Duration = Duration::from_secs(1);

/// Why no head was read.
enum NoHead {
    /// The client has closed, or was silent for too long: nothing to say.
    Silence,
    Refused(HeadError),
    Timeout,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(
    worker: &Rc<Worker>,
    connection: &Connection,
    secure: Option<Arc<Listener>>,
    mut read: ReadHalf,
    mut write: WriteHalf,
) {
    let origin = Origin {
        worker,
        connection,
        secure: secure.as_ref(),
    };
    let mut buffer = Buffer::default();
    let mut next = Next::Again;
    let mut first = true;
    while next == Next::Again {
        if buffer.is_empty() {
            next = await_request(&origin, &mut read, &mut buffer, first).await;
            if next != Next::Again {
                break;
            }
        }
        first = false;
        let mut scratch = worker.scratches.take();
        next = request(&origin, &mut read, &mut write, &mut buffer, &mut scratch).await;
        worker.scratches.give(scratch);
        buffer.release(&worker.buffers);
    }
    buffer.discard(&worker.buffers);
    match next {
        Next::Cut => write.abort(),
        Next::Gone => {}
        Next::Again | Next::Close => {
            linger(&origin, &mut read, &mut write, &mut buffer).await;
        }
    }
}

/// Waits for the first bytes of a request: [`Next::Again`] when they are there.
async fn await_request(
    origin: &Origin<'_>,
    read: &mut ReadHalf,
    buffer: &mut Buffer,
    first: bool,
) -> Next {
    let worker = origin.worker;
    let timer = &origin.connection.timer;
    let deadline = worker.clock.after(worker.limits().idle_timeout);
    let soon = worker.clock.after(FIRST_TIME);
    poll_fn(|cx| {
        if let Poll::Ready(result) = read.poll_fill(cx, buffer, &worker.buffers) {
            return Poll::Ready(match result {
                Ok(1..) => Next::Again,
                Ok(0) | Err(_) => Next::Gone,
            });
        }
        let deadline = match (origin.connection.is_closing(), first) {
            (true, false) => return Poll::Ready(Next::Close),
            (true, true) => soon,
            (false, _) => deadline,
        };
        timer.register(cx);
        worker
            .clock
            .poll_passed(timer, deadline, cx)
            .map(|()| Next::Close)
    })
    .await
}

/// One request: its head, then everything else.
async fn request(
    origin: &Origin<'_>,
    read: &mut ReadHalf,
    write: &mut WriteHalf,
    buffer: &mut Buffer,
    scratch: &mut Scratch,
) -> Next {
    let head = read_head(origin, read, buffer, scratch).await;
    let framing = scratch.request.framing;
    let mut client = Client {
        read,
        write,
        buffer,
        head: &mut scratch.request,
        answer: &mut scratch.answer,
        down: &mut scratch.down,
        up: &mut scratch.up,
        body: Body::new(framing),
    };
    let failure = match head {
        Ok(()) => return handle(origin, &mut client).await,
        Err(NoHead::Silence) => return Next::Gone,
        Err(NoHead::Refused(error)) => Failure::BadRequest(error.status(), error.reason()),
        Err(NoHead::Timeout) => Failure::ClientTimeout,
    };
    let mut journey = Journey::begin(origin, client.head);
    Box::pin(client.refuse(origin, &failure, &mut journey)).await;
    journey.end(origin, client.head);
    Next::Close
}

async fn read_head(
    origin: &Origin<'_>,
    read: &mut ReadHalf,
    buffer: &mut Buffer,
    scratch: &mut Scratch,
) -> Result<(), NoHead> {
    let worker = origin.worker;
    let limits = &worker.limits().head;
    let deadline = worker.clock.after(worker.limits().head_timeout);
    loop {
        if !buffer.is_empty() {
            let parsed = parse_request(buffer.filled(), limits, &mut scratch.request);
            if let Some(length) = parsed.map_err(NoHead::Refused)? {
                buffer.consume(length);
                return Ok(());
            }
            if buffer.is_full() && !buffer.grow(limits.head_bytes_max + 1) {
                return Err(NoHead::Refused(HeadError::HeadTooLarge));
            }
        }
        let reading = read.read(buffer, &worker.buffers);
        let result = worker
            .clock
            .limit(&origin.connection.timer, deadline, reading)
            .await;
        match result {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) => return Err(NoHead::Silence),
            Err(_elapsed) if buffer.is_empty() => return Err(NoHead::Silence),
            Err(_elapsed) => return Err(NoHead::Timeout),
        }
    }
}

/// Says that nothing more will come, and waits a moment for the client to have read it: closing with unread bytes would
/// make the kernel take back the answer.
async fn linger(
    origin: &Origin<'_>,
    read: &mut ReadHalf,
    write: &mut WriteHalf,
    buffer: &mut Buffer,
) {
    let worker = origin.worker;
    let timer = &origin.connection.timer;
    let deadline = worker.clock.after(LINGER_TIME);
    let closing = async {
        if write.shutdown().await.is_err() {
            return;
        }
        let mut left = worker.limits().drain_bytes_max;
        while let Ok(count @ 1..) = read.read(buffer, &worker.buffers).await {
            buffer.discard(&worker.buffers);
            if count > left {
                return;
            }
            left -= count;
        }
    };
    // Whether the client was quick enough changes nothing any more.
    let _ = worker.clock.limit(timer, deadline, closing).await;
    buffer.discard(&worker.buffers);
}
