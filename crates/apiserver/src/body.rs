//! The body of an answer: bytes at hand, or frames that come as they happen.

use crate::{
    chunk::Chunk,
    serve::{limits::Place, pace::Pace},
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http_body::{Frame, SizeHint};
use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

type Frames = Pin<Box<dyn Stream<Item = Chunk> + Send>>;

/// Long chunks are sent in pieces of this size.
const PIECE: usize = 64 * 1024;

/// An answer's body.
pub(crate) struct Body {
    kind: Kind,
    sending: Option<Sending>,
}

/// Where a body is sent to, and the place that it has there.
struct Sending {
    pace: Arc<Pace>,
    place: Arc<Place>,
}

enum Kind {
    /// Chunks that are there already, so that a list need not be copied into one buffer.
    Chunks(VecDeque<Bytes>),
    /// Frames of a watch.
    Stream(Frames),
}

impl Body {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            sending: None,
        }
    }

    /// A body whose pieces are watched until they are sent.
    pub(crate) fn sent(mut self, pace: Arc<Pace>, place: Place) -> Self {
        let place = Arc::new(place);
        self.sending = Some(Sending { pace, place });
        self
    }

    /// No bytes.
    pub(crate) fn empty() -> Self {
        Self::of(Kind::Chunks(VecDeque::new()))
    }

    /// These chunks, one after the other.
    pub(crate) fn chunks(chunks: impl IntoIterator<Item = Bytes>) -> Self {
        let chunks = chunks.into_iter().filter(|chunk| !chunk.is_empty());
        Self::of(Kind::Chunks(chunks.collect()))
    }

    /// Frames as they come. Polled only while the client reads.
    pub(crate) fn stream<C: Into<Chunk> + 'static>(
        frames: impl Stream<Item = C> + Send + 'static,
    ) -> Self {
        Self::of(Kind::Stream(Box::pin(frames.map(Into::into))))
    }

    /// How many bytes there are, where that is known.
    pub(crate) fn len(&self) -> Option<u64> {
        match &self.kind {
            Kind::Chunks(chunks) => Some(chunks.iter().map(|chunk| chunk.len() as u64).sum()),
            Kind::Stream(_) => None,
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::chunks([Bytes::from(bytes)])
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::chunks([bytes])
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Body").field(&self.len()).finish()
    }
}

impl http_body::Body for Body {
    type Data = Chunk;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, Infallible>>> {
        let body = &mut *self;
        let next = match &mut body.kind {
            Kind::Chunks(chunks) => Poll::Ready(next_piece(chunks).map(Chunk::from)),
            Kind::Stream(frames) => frames.as_mut().poll_next(context),
        };
        next.map(|chunk| {
            let chunk = chunk.map(|chunk| match &body.sending {
                Some(sending) => chunk.watched(sending.pace.piece(&sending.place)),
                None => chunk,
            });
            chunk.map(|chunk| Ok(Frame::data(chunk)))
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.kind, Kind::Chunks(chunks) if chunks.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        self.len()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The next chunk, or the first piece of a long one.
fn next_piece(chunks: &mut VecDeque<Bytes>) -> Option<Bytes> {
    let mut chunk = chunks.pop_front()?;
    if chunk.len() > PIECE {
        let rest = chunk.split_off(PIECE);
        chunks.push_front(rest);
    }
    Some(chunk)
}
