//! Decides when a resource gets a dictionary or a new one, and keeps the samples for it.
//!
//! Sees only bodies stored without siblings, since only those use the dictionary. Holds them
//! packed. Invariant: never more than `LIVE_MAX` dictionaries of one resource are alive.

use std::sync::{Arc, Weak};

use crate::{dictionary::Dictionary, options::PackOptions, packed::Packed};

/// Raw bytes and bodies before the first training: below that, a dictionary isn't worth its place.
const FIRST_BYTES: u64 = 1024 * 1024;
const FIRST_BODIES: usize = 32;
/// A dictionary takes at most this share of the raw bytes seen.
const SHARE: u64 = 32;
/// While smaller than allowed, the dictionary is trained anew at this growth.
const GROWTH: u64 = 8;
/// After the first training, samples are at most one in this many bodies, for they take memory.
const SAMPLE_STRIDE: usize = 8;
/// Raw bytes that one training looks at.
const SAMPLE_BYTES_MAX: usize = 1024 * 1024;
/// The ratio right after a training is the mean over this many bodies.
const SETTLE_BODIES: u32 = 1024;
/// A mean this much above the ratio after training calls for a new one.
const DECAY: f64 = 1.25;
/// Bodies between two trainings for decay.
const DECAY_BODIES: u32 = 4096;
/// Dictionaries that may be alive at once.
const LIVE_MAX: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Trainer {
    current: Option<Arc<Dictionary>>,
    live: Vec<Weak<Dictionary>>,
    pub(crate) trained: u64,
    samples: Vec<Packed>,
    raw_bytes: u64,
    next_bytes: u64,
    /// Since the last training.
    bodies: u32,
    ratio: f64,
    settled_ratio: f64,
}

impl Trainer {
    pub(crate) fn new() -> Self {
        Self {
            next_bytes: FIRST_BYTES,
            ..Self::default()
        }
    }

    pub(crate) fn current(&self) -> Option<&Arc<Dictionary>> {
        self.current.as_ref()
    }

    /// Whether a body stored with `dictionary` should be stored again with the current one.
    pub(crate) fn is_stale(&self, dictionary: Option<&Arc<Dictionary>>) -> bool {
        match (&self.current, dictionary) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(current), Some(used)) => {
                used.content_len * 2 <= current.content_len
                    || used.generation + LIVE_MAX as u64 <= current.generation + 1
            }
        }
    }

    /// Notes a body stored without siblings and trains when it is time.
    pub(crate) fn note(&mut self, packed: &Packed, raw_len: usize, options: &PackOptions) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a ratio needs no more than 52 bits"
        )]
        let ratio = packed.stored_len() as f64 / raw_len.max(1) as f64;
        self.bodies = self.bodies.saturating_add(1);
        self.raw_bytes += raw_len as u64;
        let weight = 1.0 / f64::from(self.bodies.min(SETTLE_BODIES));
        self.ratio += (ratio - self.ratio) * weight;
        if self.bodies == SETTLE_BODIES {
            self.settled_ratio = self.ratio;
        }
        self.sample(packed, options.sample_count);
        if self.is_due(options) {
            self.train(options);
        }
    }

    /// Keeps all bodies at first, whose clones are free; then each eighth, in the end at random
    /// places among older ones.
    fn sample(&mut self, packed: &Packed, count_max: usize) {
        let bodies = self.bodies as usize;
        if self.current.is_some() && !bodies.is_multiple_of(SAMPLE_STRIDE) {
            return;
        }
        if self.samples.len() < count_max {
            self.samples.push(packed.clone());
        } else if count_max > 0 {
            let slot = (bodies / SAMPLE_STRIDE).wrapping_mul(0x9E37_79B1) >> 8;
            self.samples[slot % count_max] = packed.clone();
        }
    }

    fn is_due(&self, options: &PackOptions) -> bool {
        let may_grow = self
            .current
            .as_ref()
            .is_none_or(|dictionary| dictionary.content_len * 2 <= options.dictionary_bytes);
        let has_grown = may_grow && self.raw_bytes >= self.next_bytes;
        let has_decayed = self.bodies >= DECAY_BODIES && self.ratio > self.settled_ratio * DECAY;
        let live = self
            .live
            .iter()
            .filter(|dictionary| dictionary.strong_count() > 0)
            .count();
        (has_grown || has_decayed) && self.samples.len() >= FIRST_BODIES && live < LIVE_MAX
    }

    fn train(&mut self, options: &PackOptions) {
        self.next_bytes = self.raw_bytes.saturating_mul(GROWTH);
        self.bodies = 0;
        let (mut bodies, mut lengths, mut body) = (Vec::new(), Vec::new(), Vec::new());
        for sample in self.samples.drain(..) {
            if bodies.len() < SAMPLE_BYTES_MAX && sample.unpack_into(&mut body).is_ok() {
                bodies.extend_from_slice(&body);
                lengths.push(body.len());
            }
        }
        let share = usize::try_from(self.raw_bytes / SHARE).unwrap_or(usize::MAX);
        let bytes_max = options.dictionary_bytes.min(share);
        let generation = self.trained + 1;
        let level = options.level;
        if let Some(trained) = Dictionary::train(&bodies, &lengths, bytes_max, level, generation) {
            let trained = Arc::new(trained);
            self.trained = generation;
            self.live.retain(|dictionary| dictionary.strong_count() > 0);
            self.live.push(Arc::downgrade(&trained));
            self.current = Some(trained);
        }
    }
}
