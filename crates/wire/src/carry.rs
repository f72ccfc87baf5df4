//! One JSON value out of a stream, wherever the stream is cut.
//!
//! A value within one chunk is borrowed; one that is cut is gathered. Each byte is scanned once
//! here and copied at most once, so the cost is linear in the stream however it is cut.

use crate::{error::FrameError, skip::ValueScan};

/// A buffer larger than this is given back once its value is done.
const KEEP_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub(crate) struct Carry {
    limit: usize,
    /// The start of a value whose end has not come, or a whole value lent to the caller.
    pending: Vec<u8>,
    scan: Option<ValueScan>,
    /// Length of the last value: a guess at that of the next.
    last: usize,
}

/// A whole value, and how many bytes of the chunk it took.
pub(crate) struct Taken<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) used: usize,
}

impl Carry {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            pending: Vec::new(),
            scan: None,
            last: 0,
        }
    }

    /// A value has begun and not ended.
    pub(crate) fn active(&self) -> bool {
        self.scan.is_some()
    }

    /// Between values: whether `rest` may well hold a whole one, so that reading it straight away
    /// is worth a try.
    pub(crate) fn is_worth_a_try(&self, rest: &[u8]) -> bool {
        !self.active() && rest.len() >= self.last
    }

    /// Bytes of the value begun.
    pub(crate) fn buffered(&self) -> usize {
        match self.scan {
            Some(_) => self.pending.len(),
            None => 0,
        }
    }

    /// Notes the length of a value that was read straight from the chunk, or refuses it.
    pub(crate) fn note(&mut self, length: usize) -> Result<(), FrameError> {
        self.last = length;
        self.admit(length)
    }

    /// Refuses a length over the limit.
    pub(crate) fn admit(&self, length: usize) -> Result<(), FrameError> {
        match length > self.limit {
            true => Err(FrameError::TooLarge { limit: self.limit }),
            false => Ok(()),
        }
    }

    /// Goes on with the value begun, or begins one at the first byte of `chunk`, which must not
    /// be white space. `None`: all of `chunk` belongs to the value, and more must come.
    pub(crate) fn take<'b>(&'b mut self, chunk: &'b [u8]) -> Result<Option<Taken<'b>>, FrameError> {
        let end = match &mut self.scan {
            Some(scan) => scan.advance(chunk),
            None => {
                self.release();
                let Some((&first, rest)) = chunk.split_first() else {
                    return Ok(None);
                };
                let scan = self.scan.insert(ValueScan::after(first));
                scan.advance(rest).map(|end| end + 1)
            }
        };
        let used = end.unwrap_or(chunk.len());
        self.admit(self.pending.len() + used)?;
        if end.is_some() {
            self.scan = None;
            self.last = self.pending.len() + used;
            if self.pending.is_empty() {
                let bytes = &chunk[..used];
                return Ok(Some(Taken { bytes, used }));
            }
        }
        self.pending.extend_from_slice(&chunk[..used]);
        let bytes = &self.pending;
        Ok(end.map(|_| Taken { bytes, used }))
    }

    /// Between values: forgets the last one, and gives a large buffer back.
    pub(crate) fn release(&mut self) {
        if self.active() {
            return;
        }
        self.pending.clear();
        if self.pending.capacity() > KEEP_BYTES {
            self.pending = Vec::new();
        }
    }
}
