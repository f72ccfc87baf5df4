//! What large bodies consist of: each byte follows from its place, so that nothing can be lost, doubled or mixed up unseen.

/// A prime, so that no power of two is a whole number of rounds.
const ROUND: usize = 251;

fn byte(place: usize) -> u8 {
    u8::try_from(place % ROUND).unwrap_or_default()
}

/// So many bytes from a place on.
pub(crate) fn at(place: usize, bytes: usize) -> impl Iterator<Item = u8> {
    (place..place + bytes).map(byte)
}

/// Whether these are the bytes from a place on.
pub(crate) fn is_at(place: usize, bytes: &[u8]) -> bool {
    at(place, bytes.len()).eq(bytes.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::{at, is_at};

    #[test]
    fn a_shift_shows() {
        let bytes: Vec<u8> = at(1000, 600).collect();
        assert!(is_at(1000, &bytes));
        assert!(!is_at(1001, &bytes));
        assert!(!is_at(1000 + 512, &bytes));
        assert!(is_at(1100, &bytes[100..]));
    }
}
