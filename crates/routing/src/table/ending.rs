//! A text's length and last bytes, to tell most others from it without reading it: that would be one more line of memory
//! for each of them.

/// What it is compared by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) length: u32,
    /// The last eight bytes; of a shorter text all.
    last: u64,
}

impl Ending {
    pub(super) fn of(text: &str) -> Self {
        Self {
            length: u32::try_from(text.len()).unwrap_or(u32::MAX),
            last: last(text.as_bytes()),
        }
    }

    /// Whether a text may be the one: yes may be wrong, no never.
    #[inline]
    pub(super) fn ends(self, text: &str) -> bool {
        self.length as usize == text.len() && self.last == last(text.as_bytes())
    }
}

#[inline]
fn last(bytes: &[u8]) -> u64 {
    match bytes.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    }
}
