//! The writer's side: decides how each object of one resource is stored.
//!
//! Does no IO and reads no clock. Invariant: what it stored can be read without it.

use std::sync::Arc;

use crate::{
    error::UnpackError,
    frame,
    groups::Groups,
    options::{Mode, PackOptions},
    packed::{Base, Home, Packed},
    sibling::{Departure, depart},
    trainer::Trainer,
};

/// Weight of the newest object in the moving average of the ratio.
const RECENT_WEIGHT: f64 = 1.0 / 256.0;

/// The one writer of a resource.
#[derive(Debug)]
pub struct Packer {
    mode: Mode,
    options: PackOptions,
    plain: Arc<Home>,
    with_dictionary: Option<Arc<Home>>,
    trainer: Trainer,
    groups: Groups,
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
    /// Objects stored as departures from a sibling.
    pub siblings: u64,
    /// Dictionaries trained so far.
    pub dictionaries_trained: u64,
    /// Heap bytes of the current dictionary.
    pub dictionary_bytes: usize,
    /// Sibling groups known.
    pub groups: usize,
}

impl Packer {
    /// A packer that knows no object yet. Costs well under a kilobyte.
    pub fn new(mode: Mode, options: PackOptions) -> Self {
        Self {
            mode,
            options,
            plain: Arc::new(Home::Plain),
            with_dictionary: None,
            trainer: Trainer::new(),
            groups: Groups::default(),
            stats: PackStats::default(),
        }
    }

    /// Stores one object. `sibling` is a hash that objects made from the same template share,
    /// for Kubernetes of the controlling owner's uid; `None` when there is none.
    pub fn pack(&mut self, raw: &[u8], sibling: Option<u64>) -> Packed {
        let packed = self.choose(raw, sibling);
        self.count(&packed, raw.len());
        packed
    }

    /// Whether packing `packed` again would likely store it in fewer bytes.
    pub fn is_stale(&self, packed: &Packed) -> bool {
        !matches!(&*packed.home, Home::Plain) && self.trainer.is_stale(packed.home.dictionary())
    }

    /// Packs a stale value again. The owner calls this now and then while idle.
    ///
    /// # Errors
    /// When `packed` is damaged.
    pub fn repack(&mut self, packed: &Packed, sibling: Option<u64>) -> Result<Packed, UnpackError> {
        let raw = packed.unpack()?;
        Ok(self.pack(&raw, sibling))
    }

    /// Forgets sibling groups that no object uses. Cheap; call it now and then.
    pub fn tidy(&mut self) {
        self.groups.tidy();
    }

    /// What happened so far.
    pub fn stats(&self) -> PackStats {
        PackStats {
            dictionaries_trained: self.trainer.trained,
            dictionary_bytes: self
                .trainer
                .current()
                .map_or(0, |current| current.stored_len()),
            groups: self.groups.len(),
            ..self.stats
        }
    }

    fn choose(&mut self, raw: &[u8], sibling: Option<u64>) -> Packed {
        let may_compress = (self.options.min_body_bytes..frame::RAW_LEN_MAX).contains(&raw.len());
        if self.mode == Mode::Plain || !may_compress {
            return self.plain(raw);
        }
        let departure = sibling.and_then(|sibling| self.depart(raw, sibling));
        let frame_max = match &departure {
            Some(departure) if departure.is_good => 0,
            // A new base serves later siblings too, so it may be a little larger.
            Some(departure) => departure.bytes.len() * 4 / 3,
            None => raw.len(),
        };
        let frame = if frame_max == 0 {
            None
        } else {
            self.frame(raw, frame_max)
        };
        match (frame, departure, sibling) {
            (Some(frame), _, _) => self.keep_body(raw, frame, sibling),
            (None, Some(departure), Some(sibling)) => self.keep_departure(departure, sibling),
            _ => self.plain(raw),
        }
    }

    /// The best way to store `raw` against a base of its group.
    fn depart(&self, raw: &[u8], sibling: u64) -> Option<Departure> {
        let mut best: Option<Departure> = None;
        for home in self.groups.homes(sibling) {
            if self.trainer.is_stale(home.dictionary()) {
                continue;
            }
            let Some(found) = depart(&home, raw) else {
                continue;
            };
            if found.is_good {
                return Some(found);
            }
            if best
                .as_ref()
                .is_none_or(|best| found.bytes.len() < best.bytes.len())
            {
                best = Some(found);
            }
        }
        best
    }

    fn frame(&self, raw: &[u8], len_max: usize) -> Option<Box<[u8]>> {
        let dictionary = self.trainer.current().map(|dictionary| &**dictionary);
        frame::compress(raw, dictionary, self.options.level).filter(|frame| frame.len() <= len_max)
    }

    fn keep_departure(&mut self, departure: Departure, sibling: u64) -> Packed {
        self.groups
            .prefer(sibling, &departure.home, Some(&departure.found_at));
        self.stats.siblings += 1;
        Packed {
            home: departure.home,
            bytes: departure.bytes,
        }
    }

    /// Stores a frame as a base if siblings may follow, or if samples are still taken of all.
    fn keep_body(&mut self, raw: &[u8], frame: Box<[u8]>, sibling: Option<u64>) -> Packed {
        let packed = match (&self.with_dictionary, sibling) {
            (Some(home), None) => Packed {
                home: Arc::clone(home),
                bytes: frame,
            },
            _ => {
                let base = Base::new(frame, self.trainer.current().cloned());
                if sibling.is_some() {
                    base.remember(raw);
                }
                Packed {
                    home: Arc::new(Home::Base(base)),
                    bytes: Box::default(),
                }
            }
        };
        if let Some(sibling) = sibling {
            self.groups.prefer(sibling, &packed.home, None);
        }
        let trained = self.trainer.trained;
        self.trainer.note(&packed, raw.len(), &self.options);
        if self.trainer.trained > trained {
            self.with_dictionary = self
                .trainer
                .current()
                .map(|current| Arc::new(Home::Dictionary(Arc::clone(current))));
        }
        packed
    }

    fn plain(&self, raw: &[u8]) -> Packed {
        Packed {
            home: Arc::clone(&self.plain),
            bytes: raw.into(),
        }
    }

    fn count(&mut self, packed: &Packed, raw_len: usize) {
        let stored_len = packed.stored_len();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a ratio needs no more than 52 bits"
        )]
        let ratio = stored_len as f64 / raw_len.max(1) as f64;
        let weight = if self.stats.objects == 0 {
            1.0
        } else {
            RECENT_WEIGHT
        };
        self.stats.recent_ratio += (ratio - self.stats.recent_ratio) * weight;
        self.stats.objects += 1;
        self.stats.raw_bytes += raw_len as u64;
        self.stats.stored_bytes += stored_len as u64;
    }
}
