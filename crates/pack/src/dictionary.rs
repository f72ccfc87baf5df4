//! A zstd dictionary trained from some bodies of one resource.
//!
//! Decides nothing: the packer chooses when to train and from which bodies.

use std::fmt;

use zstd::zstd_safe::{CDict, DDict, train_from_buffer};

/// Where a trained dictionary holds its id. With zero there, frames don't repeat the id.
const ID_RANGE: std::ops::Range<usize> = 4..8;

/// A dictionary ready to use in both directions, shared by all objects stored with it.
pub(crate) struct Dictionary {
    pub(crate) generation: u64,
    pub(crate) content_len: usize,
    pub(crate) encoder: CDict<'static>,
    pub(crate) decoder: DDict<'static>,
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
        let mut content = Vec::with_capacity(bytes_max);
        train_from_buffer(&mut content, bodies, lengths).ok()?;
        content.get_mut(ID_RANGE)?.fill(0);
        Some(Self {
            generation,
            content_len: content.len(),
            encoder: CDict::try_create(&content, level)?,
            decoder: DDict::try_create(&content)?,
        })
    }

    /// Heap bytes of both directions.
    pub(crate) fn stored_len(&self) -> usize {
        self.encoder.sizeof() + self.decoder.sizeof()
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
