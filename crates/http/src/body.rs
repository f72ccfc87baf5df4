//! Bodies: where they end, and which bytes of the stream are theirs. Nothing is copied: a caller passes on the ranges
//! that it is told.

mod chunked;
mod encode;

use std::ops::Range;

use self::chunked::Chunked;
pub(crate) use self::chunked::allowed_in_trailer;
pub use self::encode::{CHUNK_END, CHUNK_HEAD_BYTES_MAX, LAST_CHUNK, chunk_head, write_last_chunk};
use crate::{BodyError, Fields, Framing};

/// What an input says about a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Data of the body; may be empty.
    pub data: Range<usize>,
    /// How much of the input is done with: framing, data, framing. Less than all of it: call again with the rest, unless
    /// the body has ended.
    pub consumed: usize,
    /// The body has ended: what follows belongs to the next message.
    pub finished: bool,
}

/// Limits of what comes around a body's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// The extensions of one chunk.
    pub extension_bytes_max: usize,
    /// The extensions of all chunks: more than this is a way to keep us busy for nothing.
    pub extensions_bytes_max: usize,
    pub trailer_bytes_max: usize,
    pub trailer_fields_max: usize,
}

/// Finds a body's data in a stream. One for each body.
#[derive(Debug)]
pub struct BodyDecoder {
    state: State,
}

#[derive(Debug)]
enum State {
    Finished,
    Length(u64),
    Chunked(Box<Chunked>),
    UntilClose,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            extension_bytes_max: 256,
            extensions_bytes_max: 16 << 10,
            trailer_bytes_max: 8 << 10,
            trailer_fields_max: 32,
        }
    }
}

impl BodyDecoder {
    pub fn new(framing: Framing, limits: BodyLimits) -> Self {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Finished,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(Box::new(Chunked::new(limits))),
            Framing::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    /// The next data in `input`. All of the input that isn't consumed is to be offered again, with more behind it.
    ///
    /// # Errors
    /// Nothing after this can be trusted: close the connection.
    pub fn decode(&mut self, input: &[u8]) -> Result<Piece, BodyError> {
        let piece = match &mut self.state {
            State::Finished => Piece::framing(0, true),
            State::UntilClose => Piece::data(0..input.len(), false),
            State::Length(left) => {
                let here = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= here as u64;
                Piece::data(0..here, *left == 0)
            }
            State::Chunked(chunked) => chunked.decode(input)?,
        };
        // A finished chunked body keeps its trailer.
        if piece.finished && matches!(self.state, State::Length(_)) {
            self.state = State::Finished;
        }
        Ok(piece)
    }

    /// The connection's reading side has ended.
    ///
    /// # Errors
    /// The body isn't whole.
    pub fn end_of_input(&mut self) -> Result<(), BodyError> {
        if matches!(self.state, State::UntilClose) {
            self.state = State::Finished;
        }
        match self.is_finished() {
            true => Ok(()),
            false => Err(BodyError::Truncated),
        }
    }

    pub fn is_finished(&self) -> bool {
        match &self.state {
            State::Finished => true,
            State::Length(_) | State::UntilClose => false,
            State::Chunked(chunked) => chunked.is_finished(),
        }
    }

    /// How many bytes are still to come, where that is known.
    pub fn remaining(&self) -> Option<u64> {
        match &self.state {
            State::Finished => Some(0),
            State::Length(left) => Some(*left),
            State::Chunked(_) | State::UntilClose => None,
        }
    }

    /// The trailer of a finished chunked body, without what must not stand in one.
    pub fn trailers(&self) -> Option<&Fields> {
        match &self.state {
            State::Chunked(chunked) => chunked.trailers(),
            State::Finished | State::Length(_) | State::UntilClose => None,
        }
    }
}

impl Piece {
    fn data(data: Range<usize>, finished: bool) -> Self {
        Self {
            consumed: data.end,
            data,
            finished,
        }
    }

    fn framing(consumed: usize, finished: bool) -> Self {
        Self {
            data: consumed..consumed,
            consumed,
            finished,
        }
    }
}
