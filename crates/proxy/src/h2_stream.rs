//! One stream of HTTP/2, as bodies see it: what comes in, with its window, and what goes out, within the peer's.
//!
//! The same for both sides of the proxy. Nothing is copied: DATA is handed on as it came. The peer may send more only
//! when what it sent was taken.

use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use http::{HeaderMap, Request, Response};
use tidegate_http::{BodyLimits, Fields, read_h2_trailer, to_header_map};

use crate::body;

/// A stream that a client has opened.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
}

/// What the peer sends.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    /// `None`: nothing comes, or not yet.
    stream: Option<RecvStream>,
    /// The same, of what is a tunnel's and comes only when that is there.
    held: Option<RecvStream>,
    chunk: Bytes,
    ended: bool,
    trailers: Option<Fields>,
}

/// What is sent to the peer.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Before the head of an answer.
    reply: Option<SendResponse<Bytes>>,
    /// After the head.
    stream: Option<SendStream<Bytes>>,
    ended: bool,
}

/// Why nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The peer has reset the stream, or the connection broke.
    Cut,
    /// The peer has broken the protocol.
    Malformed,
}

/// The stream or its connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl Incoming {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self {
            ended: stream.is_end_stream(),
            stream: Some(stream),
            ..Self::default()
        }
    }

    /// Nothing comes, until [`Incoming::let_come`].
    pub(crate) fn hold(&mut self) {
        self.held = self.stream.take();
        self.ended = true;
    }

    pub(crate) fn let_come(&mut self) {
        if let Some(stream) = self.held.take() {
            *self = Self::new(stream);
        }
    }

    /// What is at hand.
    pub(crate) fn next(&self) -> body::Next {
        match (self.chunk.len(), self.ended) {
            (0, true) => body::Next::End,
            (0, false) => body::Next::More,
            (count, _) => body::Next::Data(count),
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.next() == body::Next::End
    }

    /// Whether the data at hand is the last, and no trailers follow.
    fn is_last(&self) -> bool {
        self.ended || self.stream.as_ref().is_some_and(RecvStream::is_end_stream)
    }

    pub(crate) fn filled(&self) -> &[u8] {
        &self.chunk
    }

    pub(crate) fn trailers(&self) -> Option<&Fields> {
        self.trailers.as_ref()
    }

    /// So many bytes at the front were written elsewhere.
    pub(crate) fn take(&mut self, count: usize) {
        self.chunk.advance(count);
        self.release(count);
    }

    /// Takes so many bytes from the front.
    pub(crate) fn take_bytes(&mut self, count: usize) -> Bytes {
        let bytes = self.chunk.split_to(count);
        self.release(count);
        bytes
    }

    fn release(&mut self, count: usize) {
        if let Some(stream) = &mut self.stream {
            // It only fails for more than what came.
            let _ = stream.flow_control().release_capacity(count);
        }
    }

    /// Waits for data, or for the end with its trailers.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let Some(stream) = &mut self.stream else {
            self.ended = true;
            return Poll::Ready(Ok(()));
        };
        match ready!(stream.poll_data(cx)) {
            Some(Ok(chunk)) => {
                self.chunk = chunk;
                self.ended = self.is_last();
                return Poll::Ready(Ok(()));
            }
            Some(Err(error)) => return Poll::Ready(Err(broken(&error))),
            None => {}
        }
        let trailers = ready!(stream.poll_trailers(cx)).map_err(|error| broken(&error))?;
        if let Some(trailers) = trailers {
            let mut fields = Fields::new();
            read_h2_trailer(&trailers, &BodyLimits::default(), &mut fields)
                .map_err(|_rule| Broken::Malformed)?;
            self.trailers = (!fields.is_empty()).then_some(fields);
        }
        self.ended = true;
        Poll::Ready(Ok(()))
    }
}

fn broken(error: &h2::Error) -> Broken {
    match error.is_library() && !error.is_io() {
        true => Broken::Malformed,
        false => Broken::Cut,
    }
}

impl Outgoing {
    /// An answer to come.
    pub(crate) fn reply(reply: SendResponse<Bytes>) -> Self {
        Self {
            reply: Some(reply),
            ..Self::default()
        }
    }

    /// A request whose head was sent.
    pub(crate) fn request(stream: SendStream<Bytes>, ended: bool) -> Self {
        Self {
            reply: None,
            stream: Some(stream),
            ended,
        }
    }

    /// Sends an answer's head; `end`: that is all.
    pub(crate) fn send_head(&mut self, head: Response<()>, end: bool) -> Result<(), Gone> {
        let mut reply = self.reply.take().ok_or(Gone)?;
        self.stream = Some(reply.send_response(head, end).map_err(|_| Gone)?);
        self.ended = end;
        Ok(())
    }

    /// Sends the head of a 1xx answer.
    pub(crate) fn send_interim(&mut self, head: Response<()>) -> Result<(), Gone> {
        let reply = self.reply.as_mut().ok_or(Gone)?;
        reply.send_informational(head).map_err(|_| Gone)
    }

    /// How many of `wanted` bytes may be sent. 1 or more.
    pub(crate) fn poll_room(
        &mut self,
        wanted: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Gone>> {
        let stream = self.stream.as_mut().ok_or(Gone)?;
        stream.reserve_capacity(wanted);
        let room = stream.capacity();
        if room > 0 {
            return Poll::Ready(Ok(room.min(wanted)));
        }
        match ready!(stream.poll_capacity(cx)) {
            Some(Ok(room)) => Poll::Ready(Ok(room.min(wanted))),
            Some(Err(_)) | None => Poll::Ready(Err(Gone)),
        }
    }

    pub(crate) fn send(&mut self, bytes: Bytes, end: bool) -> Result<(), Gone> {
        let stream = self.stream.as_mut().ok_or(Gone)?;
        stream.send_data(bytes, end).map_err(|_| Gone)?;
        self.ended = end;
        Ok(())
    }

    /// Ends the stream, with trailers where there are some.
    pub(crate) fn end(&mut self, trailers: Option<&Fields>) -> Result<(), Gone> {
        if self.ended {
            return Ok(());
        }
        let Some(fields) = trailers else {
            return self.send(Bytes::new(), true);
        };
        let mut map = HeaderMap::new();
        to_header_map(fields, &mut map).map_err(|_| Gone)?;
        let stream = self.stream.as_mut().ok_or(Gone)?;
        stream.send_trailers(map).map_err(|_| Gone)?;
        self.ended = true;
        Ok(())
    }

    /// Ready when the peer has reset the stream, or the connection is gone.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match (&mut self.reply, &mut self.stream) {
            (Some(reply), _) => reply.poll_reset(cx).map(|_| ()),
            (None, Some(stream)) => stream.poll_reset(cx).map(|_| ()),
            (None, None) => Poll::Pending,
        }
    }

    /// Breaks off: what was sent is not whole.
    pub(crate) fn reset(&mut self, reason: Reason) {
        if let Some(reply) = &mut self.reply {
            reply.send_reset(reason);
        } else if let Some(stream) = &mut self.stream {
            stream.send_reset(reason);
        }
    }
}

impl Stream {
    /// From what a connection accepted, with the request's head.
    pub(crate) fn accepted(
        request: Request<RecvStream>,
        reply: SendResponse<Bytes>,
    ) -> (http::request::Parts, Self) {
        let (head, stream) = request.into_parts();
        let stream = Self {
            incoming: Incoming::new(stream),
            outgoing: Outgoing::reply(reply),
        };
        (head, stream)
    }
}
