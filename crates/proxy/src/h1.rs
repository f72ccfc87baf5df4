//! HTTP/1 with a client: one connection, request after request.
//!
//! Between requests a connection holds neither buffer nor head: only its socket and this task.

use std::{future::poll_fn, rc::Rc, sync::Arc, task::Poll, time::Duration};

use tidegate_http::{HeadError, parse_request};
use tidegate_routing::Listener;

use crate::{
    body::Body,
    buffer::Buffer,
    client::{Client, Side, Wire},
    connections::Connection,
    failure::Failure,
    handle::{Next, Origin, handle},
    journey::Journey,
    scratch::Scratch,
    stream::{ReadHalf, Whole, WriteHalf},
    worker::Worker,
};

/// How long a client that is sent away may go on sending before it is cut off.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// Why no head was read.
enum NoHead {
    /// The client has closed, or was silent for too long: nothing to say.
    Silence,
    Refused(HeadError),
    Timeout,
}

/// What a client of HTTP/2 says first, where it knows that HTTP/2 is spoken.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves a connection until it ends. Gives back one that HTTP/2 is spoken on, with what was read of it.
pub(crate) async fn serve(
    worker: &Rc<Worker>,
    connection: &Connection,
    secure: Option<Arc<Listener>>,
    mut read: ReadHalf,
    mut write: WriteHalf,
) -> Option<(Whole, Buffer)> {
    let origin = Origin {
        worker,
        connection,
        timer: &connection.timer,
        secure: secure.as_ref(),
    };
    let mut buffer = Buffer::default();
    let mut next = Next::Again;
    let mut first = true;
    while next == Next::Again {
        if buffer.is_empty() {
            next = await_request(&origin, &mut read, &mut buffer).await;
            if next != Next::Again {
                break;
            }
        }
        if first && secure.is_none() && PREFACE.starts_with(&buffer.filled()[..1]) {
            match sniff(&origin, &mut read, &mut buffer).await {
                Sniffed::Http1 => {}
                Sniffed::Http2 => return Some((Whole::of(read, write)?, buffer)),
                Sniffed::Gone => {
                    next = Next::Gone;
                    break;
                }
            }
        }
        first = false;
        let mut scratch = worker.scratches.take();
        next = request(&origin, &mut read, &mut write, &mut buffer, &mut scratch).await;
        worker.scratches.give(scratch);
        buffer.release(&worker.buffers);
        if next == Next::Again {
            connection.was_not_told(&worker.clock);
        }
    }
    // The end itself may have come, too: then the kernel says it once more, at little cost.
    let unread = !buffer.is_empty() || read.is_ready();
    buffer.discard(&worker.buffers);
    match next {
        Next::Cut => write.abort(),
        Next::Gone => {}
        Next::Done if !unread => {
            let deadline = worker.clock.after(LINGER_TIME);
            // Whether the client was still there changes nothing any more.
            let _ = worker
                .clock
                .limit(origin.timer, deadline, write.finish())
                .await;
        }
        Next::Again | Next::Close | Next::Done => {
            linger(&origin, &mut read, &mut write, &mut buffer).await;
        }
    }
    None
}

/// What a client turns out to speak.
enum Sniffed {
    Http1,
    Http2,
    Gone,
}

/// Reads on as long as what came may be HTTP/2's preface.
async fn sniff(origin: &Origin<'_>, read: &mut ReadHalf, buffer: &mut Buffer) -> Sniffed {
    let worker = origin.worker;
    let deadline = worker.clock.after(worker.limits().head_timeout);
    loop {
        if buffer.filled().starts_with(PREFACE) {
            return Sniffed::Http2;
        }
        if !PREFACE.starts_with(buffer.filled()) {
            return Sniffed::Http1;
        }
        let reading = read.read(buffer, &worker.buffers);
        match worker.clock.limit(origin.timer, deadline, reading).await {
            Ok(Ok(1..)) => {}
            // What is there is no request.
            Ok(Ok(0) | Err(_)) | Err(_) => return Sniffed::Gone,
        }
    }
}

/// Waits for the first bytes of a request: [`Next::Again`] when they are there.
async fn await_request(origin: &Origin<'_>, read: &mut ReadHalf, buffer: &mut Buffer) -> Next {
    let worker = origin.worker;
    let timer = origin.timer;
    let deadline = worker.clock.after(worker.limits().idle_timeout);
    poll_fn(|cx| {
        if let Poll::Ready(result) = read.poll_fill(cx, buffer, &worker.buffers) {
            return Poll::Ready(match result {
                Ok(1..) => Next::Again,
                Ok(0) | Err(_) => Next::Gone,
            });
        }
        let deadline = origin.connection.closing_by().unwrap_or(deadline);
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
        side: Side::Wire(Wire {
            read,
            write,
            buffer,
            down: &mut scratch.down,
            body: Body::new(framing),
        }),
        head: &mut scratch.request,
        answer: &mut scratch.answer,
        up: &mut scratch.up,
    };
    let failure = match head {
        Ok(()) => {
            let next = handle(origin, &mut client).await;
            let all = !client.head.keep_alive && client.side.body_ended();
            return match next {
                Next::Close if all => Next::Done,
                other => other,
            };
        }
        Err(NoHead::Silence) => return Next::Gone,
        Err(NoHead::Refused(HeadError::Version)) if !names_http(&client) => return Next::Gone,
        Err(NoHead::Refused(error)) => Failure::BadRequest(error.status(), error.reason()),
        Err(NoHead::Timeout) => Failure::ClientTimeout,
    };
    let mut journey = Journey::begin(origin, client.head);
    Box::pin(client.refuse(origin, &failure, &mut journey)).await;
    journey.end(origin, client.head);
    Next::Close
}

/// Whether the first line that waits may be meant as HTTP/1's, which has a slash before its version. Who speaks something
/// else, as a broken HTTP/2, is not answered in HTTP/1.
fn names_http(client: &Client<'_>) -> bool {
    let Side::Wire(wire) = &client.side else {
        return true;
    };
    let mut lines = wire.buffer.filled().split(|byte| *byte == b'\n');
    lines.next().is_some_and(|line| line.contains(&b'/'))
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
        let result = worker.clock.limit(origin.timer, deadline, reading).await;
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
    let timer = origin.timer;
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
