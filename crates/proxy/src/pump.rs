//! Moves one message's body from a connection to another, with back-pressure: nothing is read before what was read is
//! written.
//!
//! A state machine that its task polls, so that a request's body can go up while the answer comes down. Small pieces are
//! gathered behind the head into one write; large ones go from the read buffer to the socket uncopied.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Duration,
};

use tidegate_http::{CHUNK_END, CHUNK_HEAD_BYTES_MAX, Framing, chunk_head, write_last_chunk};

use crate::{
    body::{self, Body},
    buffer::Buffer,
    clock::{Deadline, Timer},
    stream::{ReadHalf, WriteHalf},
    worker::Worker,
};

/// Pieces up to this size are copied behind what waits to be written.
const GATHERED_MAX: usize = 8 * 1024;

/// Where a body comes from.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) read: &'a mut ReadHalf,
    pub(crate) buffer: &'a mut Buffer,
    pub(crate) body: &'a mut Body,
}

/// Where it goes to. `out` holds the message's head at first.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    pub(crate) write: &'a mut WriteHalf,
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) framing: OutFraming,
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

    /// Goes on with another body from the same source, to the same sink.
    pub(crate) fn become_raw(&mut self, pauses: Pauses) {
        *self.source.body = Body::new(Framing::UntilClose);
        self.sink.framing = OutFraming::Raw;
        self.ended = false;
        self.pauses = pauses;
        self.copy = None;
    }

    /// Says to the sink that nothing more will come.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink.write.poll_shutdown(cx)
    }

    /// Whether head, body and trailers are all written.
    pub(crate) fn is_done(&self) -> bool {
        self.ended && self.written == self.sink.out.len() && self.direct == 0
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
                match self.source.body.next(self.source.buffer) {
                    Err(_rule) => return Poll::Ready(Err(PumpError::Malformed)),
                    Ok(body::Next::Data(count)) => {
                        self.stage(count);
                        // More may lie behind it, to go in the same write.
                        if self.direct == 0 && self.sink.out.len() < GATHERED_MAX * 2 {
                            continue;
                        }
                    }
                    Ok(body::Next::End) => self.end(),
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
        if !self.source.buffer.is_empty() {
            return Poll::Pending;
        }
        let pool = &worker.buffers;
        match self.source.read.poll_fill(cx, self.source.buffer, pool) {
            Poll::Ready(Ok(1..)) | Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(()),
        }
    }

    /// Puts the next `count` bytes, which are at the front of the source's buffer, up for writing.
    fn stage(&mut self, count: usize) {
        let data = &self.source.buffer.filled()[..count];
        if let Some(copy) = self.copy.as_deref_mut() {
            copy.add(data);
        }
        self.bytes += count as u64;
        if self.sink.framing == OutFraming::Chunked {
            let mut head = [0; CHUNK_HEAD_BYTES_MAX];
            let length = chunk_head(count, &mut head);
            self.sink.out.extend_from_slice(&head[..length]);
        }
        if count <= GATHERED_MAX {
            self.sink.out.extend_from_slice(data);
            self.sent(count);
        } else {
            self.direct = count;
        }
    }

    /// Data bytes at the front are written or copied.
    fn sent(&mut self, count: usize) {
        self.source.body.take(count, self.source.buffer);
        if self.direct == 0 && self.sink.framing == OutFraming::Chunked {
            self.sink.out.extend_from_slice(CHUNK_END);
        }
    }

    fn end(&mut self) {
        self.ended = true;
        if self.sink.framing == OutFraming::Chunked {
            write_last_chunk(self.source.body.trailers(), self.sink.out);
        }
    }

    /// Writes all that is staged.
    fn poll_write(
        &mut self,
        worker: &Worker,
        timer: &Timer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PumpError>> {
        while self.written < self.sink.out.len() || self.direct > 0 {
            let head = &self.sink.out[self.written..];
            let data = &self.source.buffer.filled()[..self.direct];
            let count = match self.sink.write.poll_write_both(cx, head, data) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(PumpError::SinkGone)),
                Poll::Ready(Ok(count)) => count,
                Poll::Pending => {
                    let pause = self.pauses.write;
                    ready!(self.poll_pause(pause, worker, timer, cx));
                    return Poll::Ready(Err(PumpError::SinkTimeout));
                }
            };
            self.waits_until = None;
            self.started = true;
            let of_head = count.min(head.len());
            self.written += of_head;
            if self.written == self.sink.out.len() {
                self.sink.out.clear();
                self.written = 0;
            }
            if count > of_head {
                self.direct -= count - of_head;
                self.sent(count - of_head);
            }
        }
        self.sink
            .write
            .poll_flush(cx)
            .map_err(|_gone| PumpError::SinkGone)
    }

    /// Reads once.
    fn poll_fill(
        &mut self,
        worker: &Worker,
        timer: &Timer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PumpError>> {
        let pool = &worker.buffers;
        self.source.buffer.release(pool);
        if let Poll::Ready(result) = self.source.read.poll_fill(cx, self.source.buffer, pool) {
            self.waits_until = None;
            return Poll::Ready(self.filled(result));
        }
        let pause = self.pauses.read;
        ready!(self.poll_pause(pause, worker, timer, cx));
        Poll::Ready(Err(PumpError::SourceTimeout))
    }

    fn filled(&mut self, result: io::Result<usize>) -> Result<(), PumpError> {
        match result {
            Ok(0) => self
                .source
                .body
                .closed()
                .map_err(|_unfinished| PumpError::Cut),
            Ok(_) => Ok(()),
            Err(_broken) => Err(PumpError::Cut),
        }
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
