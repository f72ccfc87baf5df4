//! One stored object, and how to read it back.
//!
//! A value is a pointer to its home, which many values share, and bytes of its own in an
//! allocation of the exact size. Knows nothing of packers: reading needs only the value.

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use crate::{delta, dictionary::Dictionary, error::UnpackError, frame, holes::Holes, recent};

/// One stored object. Reading needs nothing but the value itself, from any thread.
///
/// Takes 24 bytes in place. A clone copies the object's own few hundred bytes (the bodies of
/// bases are shared), so keep values where readers can borrow them.
#[derive(Debug, Clone)]
pub struct Packed {
    pub(crate) home: Arc<Home>,
    /// Empty if the home is this object's own body.
    pub(crate) bytes: Box<[u8]>,
}

/// What values share.
#[derive(Debug)]
pub(crate) enum Home {
    /// Bytes are the object.
    Plain,
    /// Bytes are a frame that needs this dictionary.
    Dictionary(Arc<Dictionary>),
    /// A body that others depart from, and that may be an object too.
    Base(Base),
    /// Bytes are the raw length and the departures from a base.
    Siblings(Siblings),
}

/// The body of one object, kept for its siblings.
#[derive(Debug)]
pub(crate) struct Base {
    /// Unique in the process.
    id: u64,
    pub(crate) dictionary: Option<Arc<Dictionary>>,
    pub(crate) frame: Box<[u8]>,
}

/// A base and where its siblings depart from it.
#[derive(Debug)]
pub(crate) struct Siblings {
    pub(crate) base: Arc<Home>,
    pub(crate) holes: Holes,
}

impl Packed {
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
        match &*self.home {
            Home::Plain => {
                out.clear();
                out.extend_from_slice(&self.bytes);
                Ok(())
            }
            Home::Dictionary(dictionary) => frame::decompress(&self.bytes, Some(dictionary), out),
            Home::Base(base) => base.unpack_into(out),
            Home::Siblings(siblings) => {
                let (raw_len, stored) = split_len(&self.bytes).ok_or(UnpackError::Damaged)?;
                out.clear();
                out.try_reserve_exact(raw_len)
                    .map_err(|_| UnpackError::Damaged)?;
                delta::decode(&siblings.raw_base()?, stored, &siblings.holes, raw_len, out)
            }
        }
    }

    /// Length of the original bytes.
    pub fn raw_len(&self) -> usize {
        let len = match &*self.home {
            Home::Plain => Some(self.bytes.len()),
            Home::Dictionary(_) => frame::raw_len(&self.bytes),
            Home::Base(base) => frame::raw_len(&base.frame),
            Home::Siblings(_) => split_len(&self.bytes).map(|(len, _)| len),
        };
        len.unwrap_or(0)
    }

    /// Heap bytes this value owns by itself: no dictionary and no foreign base.
    pub fn stored_len(&self) -> usize {
        self.bytes.len()
            + if let Home::Base(base) = &*self.home {
                base.frame.len()
            } else {
                0
            }
    }
}

impl Home {
    /// The dictionary that reading takes.
    pub(crate) fn dictionary(&self) -> Option<&Arc<Dictionary>> {
        match self {
            Self::Plain => None,
            Self::Dictionary(dictionary) => Some(dictionary),
            Self::Base(base) => base.dictionary.as_ref(),
            Self::Siblings(siblings) => siblings.base().and_then(|base| base.dictionary.as_ref()),
        }
    }
}

impl Base {
    pub(crate) fn new(frame: Box<[u8]>, dictionary: Option<Arc<Dictionary>>) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            dictionary,
            frame,
        }
    }

    pub(crate) fn raw(&self) -> Result<Rc<Vec<u8>>, UnpackError> {
        recent::get_or_load(self.id, |out| self.unpack_into(out))
    }

    /// Tells the thread's cache that `raw` is this base.
    pub(crate) fn remember(&self, raw: &[u8]) {
        recent::put(self.id, Rc::new(raw.to_vec()));
    }

    fn unpack_into(&self, out: &mut Vec<u8>) -> Result<(), UnpackError> {
        frame::decompress(&self.frame, self.dictionary.as_deref(), out)
    }
}

impl Siblings {
    pub(crate) fn base(&self) -> Option<&Base> {
        if let Home::Base(base) = &*self.base {
            Some(base)
        } else {
            None
        }
    }

    fn raw_base(&self) -> Result<Rc<Vec<u8>>, UnpackError> {
        self.base().ok_or(UnpackError::Damaged)?.raw()
    }
}

/// Puts a length in front, seven bits a byte.
pub(crate) fn push_len(mut len: usize, out: &mut Vec<u8>) {
    while len >= 128 {
        out.push(len.to_le_bytes()[0] | 128);
        len >>= 7;
    }
    out.push(len.to_le_bytes()[0]);
}

fn split_len(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut len = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        len |= usize::from(byte & 127) << (7 * at);
        if byte & 128 == 0 {
            return Some((len, &bytes[at + 1..])).filter(|_| len < frame::RAW_LEN_MAX);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::{collection::vec, prelude::any, proptest, sample::Index};

    use super::{Base, Home, Packed};
    use crate::{Mode, PackOptions, Packer};

    fn text(seed: u32) -> Vec<u8> {
        let parts = (0..40).map(|i| {
            format!(
                r#"{{"name":"part-{i}","uid":"{:08x}","at":"2026-01-02T03:04:{:02}Z"}}"#,
                seed * (i + 9),
                (seed + i) % 60
            )
        });
        parts.collect::<Vec<_>>().join(",").into_bytes()
    }

    /// One value of each kind: plain, base, sibling.
    fn values() -> [Packed; 3] {
        let mut packer = Packer::new(Mode::Compressed, PackOptions::default());
        let [plain, base] = [&b"short"[..], &text(7)].map(|raw| packer.pack(raw, Some(1)));
        let sibling = packer.pack(&text(1234), Some(1));
        assert!(matches!(&*sibling.home, Home::Siblings(_)));
        [plain, base, sibling]
    }

    /// Reads `stored` in place of the value's own bytes. A wrong result is fine, a panic isn't.
    fn read_damaged(packed: &Packed, stored: Vec<u8>) {
        let damaged = match &*packed.home {
            Home::Base(base) => {
                let base = Base::new(stored.into(), base.dictionary.clone());
                Packed {
                    home: Arc::new(Home::Base(base)),
                    bytes: Box::default(),
                }
            }
            _ => Packed {
                home: Arc::clone(&packed.home),
                bytes: stored.into(),
            },
        };
        let raw_len = damaged.raw_len();
        if let Ok(out) = damaged.unpack() {
            assert_eq!(out.len(), raw_len);
        }
    }

    fn stored(packed: &Packed) -> &[u8] {
        if let Home::Base(base) = &*packed.home {
            &base.frame
        } else {
            &packed.bytes
        }
    }

    proptest! {
        #[test]
        fn damage_never_panics(edits in vec((any::<Index>(), any::<u8>()), 1..5), cut in any::<Index>()) {
            for packed in &values() {
                let mut bytes = stored(packed).to_vec();
                for (at, byte) in &edits {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
                read_damaged(packed, bytes.clone());
                bytes.truncate(cut.index(bytes.len()));
                read_damaged(packed, bytes);
            }
        }

        #[test]
        fn noise_never_panics(bytes in vec(any::<u8>(), 0..200)) {
            for packed in &values() {
                read_damaged(packed, bytes.clone());
            }
        }
    }
}
