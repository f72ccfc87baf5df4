//! Splits a byte stream into JSON values, concatenated or with white space between them.
//!
//! Knows no Kubernetes: [`crate::WatchParser`] reads events straight from the stream, in one
//! pass less. The values delivered do not depend on where the stream is cut.

use crate::{
    carry::Carry,
    error::{FeedError, FrameError},
    skip::blank,
};

/// Splits a byte stream into JSON objects and arrays, which are checked for balance only.
#[derive(Debug)]
pub struct Framer {
    carry: Carry,
    /// Bytes of earlier chunks.
    offset: u64,
    failed: bool,
}

impl Framer {
    /// A framer that refuses values longer than `max_frame_bytes`.
    pub fn new(max_frame_bytes: usize) -> Self {
        Self {
            carry: Carry::new(max_frame_bytes),
            offset: 0,
            failed: false,
        }
    }

    /// Feeds one chunk; calls `on_frame` with each value that is whole, in order. A value within
    /// one chunk is borrowed from it. After an error nothing more may be fed.
    pub fn feed<E>(
        &mut self,
        chunk: &[u8],
        mut on_frame: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), FeedError<E>> {
        self.begin_feed()?;
        let mut pos = 0;
        loop {
            pos += self.begin_value(pos, &chunk[pos..])?;
            match self.carry.take(&chunk[pos..])? {
                Some(taken) => {
                    pos += taken.used;
                    on_frame(taken.bytes).map_err(FeedError::Consumer)?;
                }
                None => break,
            }
        }
        self.end_feed(chunk);
        Ok(())
    }

    /// The stream has ended: an error if that cut off a value, or if feeding failed before.
    pub fn finish(&self) -> Result<(), FrameError> {
        let received = self.carry.buffered();
        match (self.failed, received) {
            (true, _) => Err(FrameError::Spent),
            (false, 0) => Ok(()),
            (false, received) => Err(FrameError::CutOff { received }),
        }
    }

    /// Bytes held of a value whose end has not come.
    pub fn buffered(&self) -> usize {
        self.carry.buffered()
    }

    pub(crate) fn carry(&mut self) -> &mut Carry {
        &mut self.carry
    }

    pub(crate) fn begin_feed(&mut self) -> Result<(), FrameError> {
        match std::mem::replace(&mut self.failed, true) {
            true => Err(FrameError::Spent),
            false => Ok(()),
        }
    }

    pub(crate) fn end_feed(&mut self, chunk: &[u8]) {
        self.carry.release();
        self.offset += chunk.len() as u64;
        self.failed = false;
    }

    /// Between values: the length of the white space before the next one, which must be an
    /// object or an array. `pos` is where `rest` starts in the chunk.
    pub(crate) fn begin_value(&self, pos: usize, rest: &[u8]) -> Result<usize, FrameError> {
        if self.carry.active() {
            return Ok(0);
        }
        let start = blank(rest);
        match rest.get(start) {
            None | Some(b'{' | b'[') => Ok(start),
            Some(_) => Err(FrameError::NotContainer {
                offset: self.offset + (pos + start) as u64,
            }),
        }
    }
}
