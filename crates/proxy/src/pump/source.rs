//! Where a body comes from.

use std::{
    io,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tidegate_http::{BodyError, Fields};

use super::PumpError;
use crate::{
    body::{Body, Next},
    buffer::Buffer,
    h2_stream::{Broken, Incoming},
    stream::ReadHalf,
    worker::Worker,
};

/// A body that is still to be read.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// A connection of HTTP/1.
    Wire {
        read: &'a mut ReadHalf,
        buffer: &'a mut Buffer,
        body: &'a mut Body,
    },
    /// What was read before.
    Kept {
        buffer: &'a mut Buffer,
        body: &'a mut Body,
    },
    /// A stream of HTTP/2.
    Stream(&'a mut Incoming),
}

impl Source<'_> {
    pub(super) fn next(&mut self) -> Result<Next, BodyError> {
        match self {
            Self::Wire { buffer, body, .. } | Self::Kept { buffer, body } => body.next(buffer),
            Self::Stream(incoming) => Ok(incoming.next()),
        }
    }

    /// The bytes at hand. Data is at the front.
    pub(super) fn filled(&self) -> &[u8] {
        match self {
            Self::Wire { buffer, .. } | Self::Kept { buffer, .. } => buffer.filled(),
            Self::Stream(incoming) => incoming.filled(),
        }
    }

    /// So many bytes of data at the front were written or copied.
    pub(super) fn take(&mut self, count: usize) {
        match self {
            Self::Wire { buffer, body, .. } | Self::Kept { buffer, body } => {
                body.take(count, buffer);
            }
            Self::Stream(incoming) => incoming.take(count),
        }
    }

    /// So many bytes of data from the front.
    pub(super) fn take_bytes(&mut self, count: usize) -> Bytes {
        match self {
            Self::Wire { buffer, body, .. } | Self::Kept { buffer, body } => {
                let bytes = Bytes::copy_from_slice(&buffer.filled()[..count]);
                body.take(count, buffer);
                bytes
            }
            Self::Stream(incoming) => incoming.take_bytes(count),
        }
    }

    /// Whether nothing follows what was taken, not even trailers.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Wire { body, .. } | Self::Kept { body, .. } => {
                body.is_ended() && body.trailers().is_none()
            }
            Self::Stream(incoming) => incoming.is_ended() && incoming.trailers().is_none(),
        }
    }

    pub(super) fn trailers(&self) -> Option<&Fields> {
        match self {
            Self::Wire { body, .. } | Self::Kept { body, .. } => body.trailers(),
            Self::Stream(incoming) => incoming.trailers(),
        }
    }

    /// Reads once.
    pub(super) fn poll_fill(
        &mut self,
        worker: &Worker,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PumpError>> {
        match self {
            Self::Wire { read, buffer, body } => {
                let pool = &worker.buffers;
                buffer.release(pool);
                let result = ready!(read.poll_fill(cx, buffer, pool));
                Poll::Ready(filled(body, &result))
            }
            Self::Kept { .. } => Poll::Ready(Err(PumpError::Cut)),
            Self::Stream(incoming) => incoming.poll_fill(cx).map_err(|broken| match broken {
                Broken::Cut => PumpError::Cut,
                Broken::Malformed => PumpError::Malformed,
            }),
        }
    }

    /// After the end: ready when the connection has closed. What else comes is kept for the next message.
    pub(super) fn poll_closed(&mut self, worker: &Worker, cx: &mut Context<'_>) -> Poll<()> {
        let Self::Wire { read, buffer, .. } = self else {
            return Poll::Pending;
        };
        if !buffer.is_empty() {
            return Poll::Pending;
        }
        match read.poll_fill(cx, buffer, &worker.buffers) {
            Poll::Ready(Ok(1..)) | Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(()),
        }
    }

    /// From here on all bytes are data.
    pub(super) fn become_raw(&mut self) {
        match self {
            Self::Wire { body, .. } => **body = Body::new(tidegate_http::Framing::UntilClose),
            Self::Stream(incoming) => incoming.let_come(),
            Self::Kept { .. } => {}
        }
    }
}

fn filled(body: &mut Body, result: &io::Result<usize>) -> Result<(), PumpError> {
    match result {
        Ok(0) => body.closed().map_err(|_unfinished| PumpError::Cut),
        Ok(_) => Ok(()),
        Err(_broken) => Err(PumpError::Cut),
    }
}
