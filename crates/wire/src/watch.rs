//! Reads watch events straight from a byte stream.
//!
//! The same events as [`crate::Framer`] followed by [`crate::parse_event`] on each frame, but an
//! event that lies within one chunk is scanned once instead of twice. At most one event per
//! chunk is tried in vain, so the cost stays linear.

use crate::{
    error::{FeedError, FrameError, ScanError},
    event::{WatchEvent, event_prefix, parse_event},
    frame::Framer,
};

/// Splits a byte stream into watch events.
#[derive(Debug)]
pub struct WatchParser {
    framer: Framer,
}

impl WatchParser {
    /// A parser that refuses events longer than `max_event_bytes`.
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            framer: Framer::new(max_event_bytes),
        }
    }

    /// Feeds one chunk; calls `on_event` with each event that is whole, in order. After an error
    /// nothing more may be fed.
    pub fn feed<E>(
        &mut self,
        chunk: &[u8],
        mut on_event: impl FnMut(WatchEvent<'_>) -> Result<(), E>,
    ) -> Result<(), FeedError<E>> {
        self.framer.begin_feed()?;
        let mut pos = 0;
        loop {
            pos += self.framer.begin_value(pos, &chunk[pos..])?;
            let rest = &chunk[pos..];
            let carry = self.framer.carry();
            if carry.is_worth_a_try(rest) {
                match event_prefix(rest) {
                    Ok((event, used)) => {
                        carry.note(used)?;
                        pos += used;
                        on_event(event).map_err(FeedError::Consumer)?;
                        continue;
                    }
                    Err(ScanError::Truncated { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            match carry.take(rest)? {
                Some(taken) => {
                    pos += taken.used;
                    on_event(parse_event(taken.bytes)?).map_err(FeedError::Consumer)?;
                }
                None => break,
            }
        }
        self.framer.end_feed(chunk);
        Ok(())
    }

    /// The stream has ended: an error if that cut off an event, or if feeding failed before.
    pub fn finish(&self) -> Result<(), FrameError> {
        self.framer.finish()
    }

    /// Bytes held of an event whose end has not come.
    pub fn buffered(&self) -> usize {
        self.framer.buffered()
    }
}
