//! A zstd dictionary trained from some bodies of one resource.
//!
//! Decides nothing: the packer chooses when to train and from which bodies. The half for reading
//! is always ready; the half for writing is several times larger and made when a writer needs it.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use zstd::zstd_safe::{CDict, DDict, train_from_buffer};

use crate::frame;

/// Where a trained dictionary holds its id. With zero there, frames don't repeat the id.
const ID_RANGE: std::ops::Range<usize> = 4..8;

/// A dictionary, shared by all objects stored with it.
pub(crate) struct Dictionary {
    /// Unique in the process.
    pub(crate) id: u64,
    /// Counts the dictionaries of one resource.
    pub(crate) generation: u64,
    pub(crate) content_len: usize,
    pub(crate) decoder: DDict<'static>,
    /// The content as a frame. The decoder has a copy that can't be got at.
    content: Box<[u8]>,
    level: i32,
}

impl Dictionary {
    /// Trains from bodies laid end to end. `None` when zstd finds too little in common.
    pub(crate) fn train(
        bodies: &[u8],
        lengths: &[usize],
        bytes_max: usize,
        level: i32,
        generation: u64,
    ) -> Option<Self> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let mut content = Vec::with_capacity(bytes_max);
        train_from_buffer(&mut content, bodies, lengths).ok()?;
        content.get_mut(ID_RANGE)?.fill(0);
        Some(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            generation,
            content_len: content.len(),
            decoder: DDict::try_create(&content)?,
            content: frame::compress(&content, None, level)?,
            level,
        })
    }

    /// Makes the half for writing. Takes about 0.2 ms and half a megabyte.
    pub(crate) fn encoder(&self) -> Option<CDict<'static>> {
        let mut content = Vec::new();
        frame::decompress(&self.content, None, &mut content).ok()?;
        CDict::try_create(&content, self.level)
    }

    /// Heap bytes.
    pub(crate) fn stored_len(&self) -> usize {
        self.content.len() + self.decoder.sizeof()
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (generation, content_len) = (self.generation, self.content_len);
        write!(
            f,
            "Dictionary {{ generation: {generation}, content_len: {content_len}, .. }}"
        )
    }
}
