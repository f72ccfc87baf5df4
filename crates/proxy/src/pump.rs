//! Moves one message's body from a connection to another, with back-pressure: nothing is read before what was read is
//! written.
//!
//! A state machine that its task polls, so that a request's body can go up while the answer comes down. Small pieces are
//! gathered behind the head into one write; large ones go from the read buffer to the socket uncopied.

mod source;

pub(crate) use self::source::Source;

use std::{
    io,
    task::{Context, Poll, ready},
    time::Duration,
};

use tidegate_http::{CHUNK_END, CHUNK_HEAD_BYTES_MAX, Framing, chunk_head, write_last_chunk};

use crate::{
    body,
    clock::{Deadline, Timer},
    h2_stream::{Gone, Outgoing},
    stream::WriteHalf,
    worker::Worker,
};

/// Pieces up to this size are copied behind what waits to be written.
const GATHERED_MAX: usize = 8 * 1024;

/// Where a body goes to.
#[derive(Debug)]
pub(crate) enum Sink<'a> {
    /// A connection of HTTP/1. `out` holds the message's head at first.
    Wire {
        write: &'a mut WriteHalf,
        out: &'a mut Vec<u8>,
        framing: OutFraming,
    },
    /// A stream of HTTP/2, whose head was sent.
    Stream(&'a mut Outgoing),
}

/// How the end of a body is told to who gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutFraming {
    /// As many bytes as the head says, or until the connection closes.
    Raw,
    Chunked,
}

/// Longest pauses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    pub(crate) read: Duration,
    pub(crate) write: Duration,
}

/// Why a body did not get through.
#[derive(Debug)]
pub(crate) enum PumpError {
    /// The source broke off.
    Cut,
    /// The source's framing is wrong.
    Malformed,
    /// The source sent nothing for too long.
    SourceTimeout,
    /// The sink is gone.
    SinkGone,
    /// The sink took nothing for too long.
    SinkTimeout,
}

/// One body under way.
#[derive(Debug)]
pub(crate) struct Pump<'a> {
    source: Source<'a>,
    sink: Sink<'a>,
    pauses: Pauses,
    /// How much of `out` is written.
    written: usize,
    /// Data bytes at the front of the source's buffer whose framing stands in `out` already.
    direct: usize,
    ended: bool,
    /// `None`: not waiting.
    waits_until: Option<Deadline>,
    /// Bytes of the body so far.
    pub(crate) bytes: u64,
    /// Takes a copy of the body.
    pub(crate) copy: Option<&'a mut Copied>,
    /// Whether any byte has been written.
    pub(crate) started: bool,
}

/// A copy of a body, as far as it is wanted.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    pub(crate) bytes: Vec<u8>,
    pub(crate) limit: usize,
    /// It was larger: what is here is not all.
    pub(crate) overflowed: bool,
}

impl OutFraming {
    /// How a body with this framing is written.
    pub(crate) fn of(framing: Framing) -> Self {
        match framing {
            Framing::Chunked => Self::Chunked,
            Framing::None | Framing::Length(_) | Framing::UntilClose => Self::Raw,
        }
    }
}

impl Copied {
    pub(crate) fn up_to(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Whether it holds all that was read. What nobody filled (its limit is 0) does not.
    pub(crate) fn is_whole(&self) -> bool {
        !self.overflowed && self.limit > 0
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.overflowed || self.bytes.len() + bytes.len() > self.limit {
            self.overflowed = true;
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

impl Sink<'_> {
    /// The same, for a while.
    pub(crate) fn lend(&mut self) -> Sink<'_> {
        match self {
            Self::Wire {
                write,
                out,
                framing,
            } => Sink::Wire {
                write,
                out,
                framing: *framing,
            },
            Self::Stream(outgoing) => Sink::Stream(outgoing),
        }
    }

    /// Bytes that wait to be written, framing and small pieces.
    fn staged(&self) -> usize {
        match self {
            Self::Wire { out, .. } => out.len(),
            Self::Stream(_) => 0,
        }
    }
}

impl From<Gone> for PumpError {
    fn from(_: Gone) -> Self {
        Self::SinkGone
    }
}

impl<'a> Pump<'a> {
    pub(crate) fn new(source: Source<'a>, sink: Sink<'a>, pauses: Pauses) -> Self {
        Self {
            source,
            sink,
            pauses,
            written: 0,
            direct: 0,
            ended: false,
            waits_until: None,
            bytes: 0,
            copy: None,
            started: false,
        }
    }

    /// The same after the body's end: it was sent before, by another way to the same place.
    pub(crate) fn ended(source: Source<'a>, sink: Sink<'a>, pauses: Pauses) -> Self {
        Self {
            ended: true,
            ..Self::new(source, sink, pauses)
        }
    }

    /// The whole body, where it was sent and can be sent again.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        if !self.is_done() || self.source.trailers().is_some() {
            return None;
        }
        match &self.copy {
            _ if self.bytes == 0 => Some(&[]),
            Some(copy) => copy.is_whole().then_some(&copy.bytes[..]),
            None => None,
        }
    }

    /// Goes on with another body from the same source, to the same sink.
    pub(crate) fn become_raw(&mut self, pauses: Pauses) {
        self.source.become_raw();
        if let Sink::Wire { framing, .. } = &mut self.sink {
            *framing = OutFraming::Raw;
        }
        self.ended = false;
        self.pauses = pauses;
        self.copy = None;
    }

    /// Says to the sink that nothing more will come.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.sink {
            Sink::Wire { write, .. } => write.poll_shutdown(cx),
            Sink::Stream(outgoing) => {
                let ended = outgoing.end(None);
                Poll::Ready(ended.map_err(|_gone| io::ErrorKind::BrokenPipe.into()))
            }
        }
    }

    /// Whether nothing waits to be written.
    pub(crate) fn is_idle(&self) -> bool {
        self.written == self.sink.staged() && self.direct == 0
    }

    /// Whether head, body and trailers are all written.
    pub(crate) fn is_done(&self) -> bool {
        self.ended && self.is_idle()
    }

    /// Ready when all is written.
    pub(crate) fn poll(
        &mut self,
        worker: &Worker,
        timer: &Timer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PumpError>> {
        loop {
            if self.direct == 0 && !self.ended {
                match self.source.next() {
                    Err(_rule) => return Poll::Ready(Err(PumpError::Malformed)),
                    Ok(body::Next::Data(count)) => {
                        self.stage(count);
                        // More may lie behind it, to go in the same write.
                        if self.direct == 0 && self.sink.staged() < GATHERED_MAX * 2 {
                            continue;
                        }
                    }
                    Ok(body::Next::End) => self.end()?,
                    Ok(body::Next::More) => {
                        ready!(self.poll_write(worker, timer, cx))?;
                        ready!(self.poll_fill(worker, timer, cx))?;
                        continue;
                    }
                }
            }
            ready!(self.poll_write(worker, timer, cx))?;
            if self.ended {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// After the end: ready when the source's connection has closed. What else comes is kept for the next message.
    pub(crate) fn poll_closed(&mut self, worker: &Worker, cx: &mut Context<'_>) -> Poll<()> {
        self.source.poll_closed(worker, cx)
    }

    /// Puts the next `count` bytes, which are at the front of the source, up for writing.
    fn stage(&mut self, count: usize) {
        let data = &self.source.filled()[..count];
        if let Some(copy) = self.copy.as_deref_mut() {
            copy.add(data);
        }
        self.bytes += count as u64;
        self.direct = count;
        if let Sink::Wire { out, framing, .. } = &mut self.sink {
            if *framing == OutFraming::Chunked {
                let mut head = [0; CHUNK_HEAD_BYTES_MAX];
                let length = chunk_head(count, &mut head);
                out.extend_from_slice(&head[..length]);
            }
            if count <= GATHERED_MAX {
                out.extend_from_slice(data);
                self.sent(count);
            }
        }
    }

    /// Data bytes at the front are written or copied.
    fn sent(&mut self, count: usize) {
        self.source.take(count);
        self.direct -= count;
        if let Sink::Wire { out, framing, .. } = &mut self.sink
            && self.direct == 0
            && *framing == OutFraming::Chunked
        {
            out.extend_from_slice(CHUNK_END);
        }
    }

    fn end(&mut self) -> Result<(), Gone> {
        self.ended = true;
        match &mut self.sink {
            Sink::Wire { out, framing, .. } => {
                if *framing == OutFraming::Chunked {
                    write_last_chunk(self.source.trailers(), out);
                }
                Ok(())
            }
            Sink::Stream(outgoing) => outgoing.end(self.source.trailers()),
        }
    }

    /// Writes all that is staged.
    fn poll_write(
        &mut self,
        worker: &Worker,
        timer: &Timer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PumpError>> {
        while self.written < self.sink.staged() || self.direct > 0 {
            match self.poll_write_some(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    let pause = self.pauses.write;
                    ready!(self.poll_pause(pause, worker, timer, cx));
                    return Poll::Ready(Err(PumpError::SinkTimeout));
                }
            }
            self.waits_until = None;
            self.started = true;
        }
        match &mut self.sink {
            Sink::Wire { write, .. } => write.poll_flush(cx).map_err(|_gone| PumpError::SinkGone),
            // The connection's task does it.
            Sink::Stream(_) => Poll::Ready(Ok(())),
        }
    }

    /// Writes once.
    fn poll_write_some(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PumpError>> {
        match &mut self.sink {
            Sink::Wire { write, out, .. } => {
                let head = &out[self.written..];
                let data = &self.source.filled()[..self.direct];
                let count = match ready!(write.poll_write_both(cx, head, data)) {
                    Ok(0) | Err(_) => return Poll::Ready(Err(PumpError::SinkGone)),
                    Ok(count) => count,
                };
                let of_head = count.min(head.len());
                self.written += of_head;
                if self.written == out.len() {
                    out.clear();
                    self.written = 0;
                }
                if count > of_head {
                    self.sent(count - of_head);
                }
            }
            Sink::Stream(outgoing) => {
                let count = ready!(outgoing.poll_room(self.direct, cx))?;
                let bytes = self.source.take_bytes(count);
                self.direct -= count;
                let last = self.direct == 0 && self.source.is_over();
                outgoing.send(bytes, last)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once.
    fn poll_fill(
        &mut self,
        worker: &Worker,
        timer: &Timer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PumpError>> {
        if let Poll::Ready(result) = self.source.poll_fill(worker, cx) {
            self.waits_until = None;
            return Poll::Ready(result);
        }
        if let Sink::Stream(outgoing) = &mut self.sink
            && outgoing.poll_gone(cx).is_ready()
        {
            return Poll::Ready(Err(PumpError::SinkGone));
        }
        let pause = self.pauses.read;
        ready!(self.poll_pause(pause, worker, timer, cx));
        Poll::Ready(Err(PumpError::SourceTimeout))
    }

    fn poll_pause(
        &mut self,
        pause: Duration,
        worker: &Worker,
        timer: &Timer,
        cx: &Context<'_>,
    ) -> Poll<()> {
        let deadline = *self
            .waits_until
            .get_or_insert_with(|| worker.clock.after(pause));
        worker.clock.poll_passed(timer, deadline, cx)
    }
}
