//! One stored object, and how to read it back.
//!
//! Invariant: `bytes` is an exact-size allocation and starts with the raw length.

use bytes::Bytes;

use crate::{error::UnpackError, frame};

/// One stored object. Reading needs nothing but the value itself, from any thread.
#[derive(Debug, Clone)]
pub struct Packed {
    coding: Coding,
    raw_len: u32,
    bytes: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    Zstd,
}

impl Packed {
    pub(crate) fn plain(raw: &[u8]) -> Self {
        Self {
            coding: Coding::Plain,
            raw_len: clamp(raw.len()),
            bytes: raw.into(),
        }
    }

    pub(crate) fn zstd(raw_len: usize, frame: &[u8]) -> Self {
        Self {
            coding: Coding::Zstd,
            raw_len: clamp(raw_len),
            bytes: frame.into(),
        }
    }

    /// The original bytes.
    ///
    /// # Errors
    /// Only when memory was damaged.
    pub fn unpack(&self) -> Result<Bytes, UnpackError> {
        let mut out = Vec::new();
        self.unpack_into(&mut out)?;
        Ok(out.into())
    }

    /// The original bytes, in a buffer that the caller reuses. Its former content is dropped.
    ///
    /// # Errors
    /// As [`Self::unpack`]; the buffer's content is then unspecified.
    pub fn unpack_into(&self, out: &mut Vec<u8>) -> Result<(), UnpackError> {
        match self.coding {
            Coding::Plain => {
                out.clear();
                out.extend_from_slice(&self.bytes);
                Ok(())
            }
            Coding::Zstd => frame::decompress(&self.bytes, self.raw_len(), out),
        }
    }

    /// Length of the original bytes.
    pub fn raw_len(&self) -> usize {
        match self.coding {
            Coding::Plain => self.bytes.len(),
            Coding::Zstd => usize::try_from(self.raw_len).unwrap_or(usize::MAX),
        }
    }

    /// Heap bytes this value owns by itself: no dictionary and no shared base counted.
    pub fn stored_len(&self) -> usize {
        self.bytes.len()
    }
}

fn clamp(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
