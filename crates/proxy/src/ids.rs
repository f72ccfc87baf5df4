//! Request ids: 128 bits, unique without coordination, not secret.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
};

/// Gives out one worker's ids, and its random numbers for choices that need not be secret.
#[derive(Debug)]
pub(crate) struct Ids {
    high: u64,
    state: Cell<u64>,
}

/// An id as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId([u8; 32]);

impl Ids {
    /// Seeded by the system's randomness, through the standard library's hasher keys.
    pub(crate) fn new() -> Self {
        Self {
            high: RandomState::new().hash_one(0_u8),
            state: Cell::new(RandomState::new().hash_one(1_u8)),
        }
    }

    /// The next number of a splitmix64 sequence.
    pub(crate) fn random(&self) -> u64 {
        let state = self.state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// What a WebSocket is asked for with (`Sec-WebSocket-Key`): 128 bits as base64.
    pub(crate) fn websocket_key(&self) -> [u8; 24] {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits = u128::from(self.random()) << 64 | u128::from(self.random());
        let mut text = [b'='; 24];
        for (at, digit) in text[..22].iter_mut().enumerate() {
            // 21 times 6 bits, and 2.
            let rest = match at {
                21 => bits << 4,
                at => bits >> (122 - 6 * at),
            };
            *digit = DIGITS[(rest & 63) as usize];
        }
        text
    }

    pub(crate) fn request_id(&self) -> RequestId {
        let low = self.random();
        let mut text = [0; 32];
        hex(self.high, &mut text[..16]);
        hex(low, &mut text[16..]);
        RequestId(text)
    }
}

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        // Only digits were written.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn hex(value: u64, text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in value.to_be_bytes().iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn keys_of_websockets_are_base64_of_16_bytes() {
        let key = Ids::new().websocket_key();
        let text = std::str::from_utf8(&key).expect("text");
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        assert!(
            text.ends_with("==") && text.bytes().take(22).all(is_digit),
            "{text}"
        );
        // No bits are lost, and none are too many.
        assert!("AQgw".contains(&text[21..22]), "{text}");
    }

    #[test]
    fn ids_are_32_digits_and_differ() {
        let ids = Ids::new();
        let (one, two) = (ids.request_id(), ids.request_id());
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 32);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
