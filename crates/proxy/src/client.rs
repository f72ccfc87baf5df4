//! The client's side of one request: its head, the rest of its body, and how it is answered.

use std::time::Duration;

use tidegate_http::{
    Fields, Framing, Method, RequestHead, ResponseHead, StatusLine, Version, write_response,
};

use crate::{
    body::{self, Body},
    buffer::Buffer,
    decide::Answer,
    failure::Failure,
    grpc, h2_head,
    h2_stream::Stream,
    handle::{Next, Origin},
    journey::Journey,
    pump::{OutFraming, Sink, Source},
    stream::{ReadHalf, WriteHalf},
};

/// How long a body that nobody wants is read.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// One request of a client.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    pub(crate) side: Side<'a>,
    pub(crate) head: &'a mut RequestHead,
    pub(crate) answer: &'a mut ResponseHead,
    /// Memory for heads to upstreams.
    pub(crate) up: &'a mut Vec<u8>,
}

/// What the client speaks on.
#[derive(Debug)]
pub(crate) enum Side<'a> {
    Wire(Wire<'a>),
    Stream(&'a mut Stream),
}

/// A connection of HTTP/1.
#[derive(Debug)]
pub(crate) struct Wire<'a> {
    pub(crate) read: &'a mut ReadHalf,
    pub(crate) write: &'a mut WriteHalf,
    pub(crate) buffer: &'a mut Buffer,
    pub(crate) down: &'a mut Vec<u8>,
    /// What has not been read of the request's body.
    pub(crate) body: Body,
}

impl Side<'_> {
    /// Where the request's body comes from, and where the answer goes.
    pub(crate) fn split(&mut self) -> (Source<'_>, Sink<'_>) {
        match self {
            Self::Wire(wire) => (
                Source::Wire {
                    read: wire.read,
                    buffer: wire.buffer,
                    body: &mut wire.body,
                },
                Sink::Wire {
                    write: wire.write,
                    out: wire.down,
                    framing: OutFraming::Raw,
                },
            ),
            Self::Stream(stream) => (
                Source::Stream(&mut stream.incoming),
                Sink::Stream(&mut stream.outgoing),
            ),
        }
    }

    /// Whether trailers have come behind it.
    pub(crate) fn has_trailers(&self) -> bool {
        match self {
            Self::Wire(wire) => wire.body.trailers().is_some(),
            Self::Stream(stream) => stream.incoming.trailers().is_some(),
        }
    }

    /// Whether all of the request's body has come, and was taken.
    pub(crate) fn body_ended(&self) -> bool {
        match self {
            Self::Wire(wire) => wire.body.is_ended(),
            Self::Stream(stream) => stream.incoming.is_ended(),
        }
    }
}

impl Client<'_> {
    /// Whether the connection may go on after this request, as far as the client and the worker are concerned.
    pub(crate) fn may_go_on(&self, origin: &Origin<'_>) -> bool {
        self.head.keep_alive && origin.goes_on()
    }

    /// What all answers to this client say about the connection.
    pub(crate) fn status_line<'d>(
        &self,
        status: u16,
        framing: Framing,
        go_on: bool,
        date: &'d [u8],
    ) -> StatusLine<'d> {
        StatusLine {
            status,
            date,
            framing,
            close: !go_on,
            keep_alive: go_on && self.head.version == Version::Http10,
            upgrade: None,
        }
    }

    /// Answers without a backend.
    pub(crate) async fn answer(
        &mut self,
        origin: &Origin<'_>,
        answer: &Answer,
        journey: &mut Journey<'_>,
    ) -> Result<Next, Failure> {
        journey.reason = Some(answer.reason);
        Ok(self
            .own(origin, answer.status, &answer.fields, "", true, journey)
            .await)
    }

    /// Answers a failure, where anything can be answered.
    pub(crate) async fn refuse(
        &mut self,
        origin: &Origin<'_>,
        failure: &Failure,
        journey: &mut Journey<'_>,
    ) -> Next {
        journey.failed(failure);
        let Some(status) = failure.status() else {
            if let Side::Stream(stream) = &mut self.side {
                stream.outgoing.reset(h2::Reason::INTERNAL_ERROR);
                return match failure {
                    Failure::ClientGone => Next::Gone,
                    _ => Next::Cut,
                };
            }
            // Only HTTP/1.0 may take the end of the connection for the body's.
            return match self.head.version {
                Version::Http10 => Next::Cut,
                Version::Http11 | Version::Http2 => Next::Gone,
            };
        };
        if let Some(fields) = grpc::refusal(self.head, status, failure) {
            return self.own(origin, 200, &fields, "", true, journey).await;
        }
        let text = format!("{failure}\n");
        let mut fields = Fields::new();
        let _ = fields.push(b"content-type", b"text/plain; charset=utf-8");
        if let Some(wait) = failure.retry_after() {
            let _ = fields.push(b"retry-after", wait.as_secs().to_string().as_bytes());
        }
        self.own(origin, status, &fields, &text, !failure.closes(), journey)
            .await
    }

    async fn own(
        &mut self,
        origin: &Origin<'_>,
        status: u16,
        fields: &Fields,
        text: &str,
        go_on: bool,
        journey: &mut Journey<'_>,
    ) -> Next {
        // Who waits for a 100 may or may not send the body after another answer.
        let drainable = self.side.body_ended() || !self.head.expect_continue;
        let go_on = go_on && drainable && self.may_go_on(origin);
        let date = origin.worker.clock.date();
        let framing = match status {
            204 | 304 => Framing::None,
            // Trailers of gRPC have no length.
            200 if text.is_empty() && self.head.version == Version::Http2 => Framing::None,
            _ => Framing::Length(text.len() as u64),
        };
        let line = self.status_line(status, framing, go_on, &date);
        let text = match self.head.method {
            Method::Head => "",
            _ => text,
        };
        journey.status = status;
        journey.answer_bytes = text.len() as u64;
        match &mut self.side {
            Side::Wire(wire) => {
                wire.down.clear();
                write_response(&line, fields, wire.down);
                wire.down.extend_from_slice(text.as_bytes());
                if wire.send(origin).await && go_on && wire.drain(origin).await {
                    return Next::Again;
                }
                Next::Close
            }
            Side::Stream(stream) => {
                let outgoing = &mut stream.outgoing;
                // A client that is gone needs no answer.
                if let Ok(head) = h2_head::response(&line, fields)
                    && outgoing.send_head(head, text.is_empty()).is_ok()
                    && !text.is_empty()
                {
                    let _ = outgoing.send(text.to_owned().into(), true);
                }
                Next::Again
            }
        }
    }
}

impl Wire<'_> {
    /// Writes what stands in `down`. False when the client is gone.
    async fn send(&mut self, origin: &Origin<'_>) -> bool {
        let clock = &origin.worker.clock;
        let deadline = clock.after(origin.worker.limits().write_timeout);
        let write = self.write.write(self.down, &[]);
        let result = clock.limit(origin.timer, deadline, write).await;
        self.down.clear();
        matches!(result, Ok(Ok(())))
    }

    /// Reads the rest of the body and forgets it, within limits. True when the next request can follow.
    async fn drain(&mut self, origin: &Origin<'_>) -> bool {
        let clock = &origin.worker.clock;
        let deadline = clock.after(DRAIN_TIME);
        let mut left = origin.worker.limits().drain_bytes_max;
        loop {
            match self.body.next(self.buffer) {
                Err(_malformed) => return false,
                Ok(body::Next::End) => return true,
                Ok(body::Next::Data(count)) if count > left => return false,
                Ok(body::Next::Data(count)) => {
                    left -= count;
                    self.body.take(count, self.buffer);
                }
                Ok(body::Next::More) => {
                    let read = self.read.read(self.buffer, &origin.worker.buffers);
                    let result = clock.limit(origin.timer, deadline, read).await;
                    if !matches!(result, Ok(Ok(1..))) {
                        return false;
                    }
                }
            }
        }
    }
}
