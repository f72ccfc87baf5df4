//! The writer's side: decides how each object of one resource is stored.
//!
//! Does no IO and reads no clock. Invariant: what it stored can be read without it.

use crate::{
    error::UnpackError,
    frame,
    options::{Mode, PackOptions},
    packed::Packed,
};

/// Bodies from this size on are stored as they are: the length is kept in 32 bits.
const RAW_LEN_MAX: usize = 1 << 31;

/// The one writer of a resource.
#[derive(Debug)]
pub struct Packer {
    mode: Mode,
    options: PackOptions,
    scratch: Vec<u8>,
    stats: PackStats,
}

/// What a packer did since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct PackStats {
    /// Objects packed, repacking included.
    pub objects: u64,
    /// Raw bytes of those objects.
    pub raw_bytes: u64,
    /// Bytes stored for those objects.
    pub stored_bytes: u64,
    /// Recent stored bytes per raw byte, a moving average; 1.0 means no gain.
    pub recent_ratio: f64,
    /// Dictionaries trained so far.
    pub dictionaries_trained: u64,
    /// Sibling groups whose base can be used for the next sibling.
    pub bases: usize,
}

impl Packer {
    /// A packer that knows no object yet. Costs well under a kilobyte.
    pub fn new(mode: Mode, options: PackOptions) -> Self {
        Self {
            mode,
            options,
            scratch: Vec::new(),
            stats: PackStats::default(),
        }
    }

    /// Stores one object. `sibling` is a hash that objects made from the same template share,
    /// for Kubernetes of the controlling owner's uid; `None` when there is none.
    pub fn pack(&mut self, raw: &[u8], sibling: Option<u64>) -> Packed {
        let _ = sibling;
        let packed = self.choose(raw);
        self.stats.objects += 1;
        self.stats.raw_bytes += raw.len() as u64;
        self.stats.stored_bytes += packed.stored_len() as u64;
        packed
    }

    /// Whether packing `packed` again would likely store it in fewer bytes.
    pub fn is_stale(&self, packed: &Packed) -> bool {
        let _ = packed;
        false
    }

    /// Packs a stale value again. The owner calls this now and then while idle.
    ///
    /// # Errors
    /// When `packed` is damaged.
    pub fn repack(&mut self, packed: &Packed, sibling: Option<u64>) -> Result<Packed, UnpackError> {
        let raw = packed.unpack()?;
        Ok(self.pack(&raw, sibling))
    }

    /// Forgets sibling bases that no object uses. Cheap; call it now and then.
    pub fn tidy(&mut self) {}

    /// What happened so far.
    pub fn stats(&self) -> PackStats {
        self.stats
    }

    fn choose(&mut self, raw: &[u8]) -> Packed {
        let compressible = (self.options.min_body_bytes..RAW_LEN_MAX).contains(&raw.len());
        if self.mode == Mode::Plain || !compressible {
            return Packed::plain(raw);
        }
        match frame::compress(raw, self.options.level, &mut self.scratch) {
            Some(()) if self.scratch.len() < raw.len() => Packed::zstd(raw.len(), &self.scratch),
            _ => Packed::plain(raw),
        }
    }
}
