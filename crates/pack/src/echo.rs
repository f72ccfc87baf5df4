//! Codes the content of one replaced token, foretelling it from earlier replacements.
//!
//! A value that occurs twice in the base, such as an address or the name of a token volume, tends
//! to become the same new value twice. Knows no positions of holes and no splices.

use std::ops::Range;

use crate::{
    bits::{BitReader, BitWriter},
    error::UnpackError,
    token::{Class, expected_class, plain_class},
};

/// Typical bits of a token's length.
const LENGTH_BITS: u32 = 2;

/// Bytes of a token that its key holds.
const KEY_BYTES: usize = 7;
/// Replacements looked back at. Bounds the time for bodies with thousands of tokens.
const LOOK_BACK: usize = 64;

/// What earlier tokens of the base became: ranges of the base and of the text.
pub(crate) struct Echo {
    /// Length and first bytes of each replaced token, which are quicker to compare.
    keys: Vec<u64>,
    pairs: Vec<(Range<usize>, Range<usize>)>,
}

impl Echo {
    pub(crate) fn new() -> Self {
        Self {
            keys: Vec::with_capacity(LOOK_BACK),
            pairs: Vec::with_capacity(LOOK_BACK),
        }
    }

    /// Writes `text[value]`, which stands in place of the token `base[token]`.
    pub(crate) fn write(
        &mut self,
        base: &[u8],
        text: &[u8],
        token: Range<usize>,
        value: Range<usize>,
        bits: &mut BitWriter<'_>,
    ) {
        let (old, new) = (&base[token.clone()], &text[value.clone()]);
        let foretold = self.foretell(base, old);
        self.push(base, token, value);
        if let Some(range) = foretold {
            let is_foretold = text[range] == *new;
            bits.put_flag(!is_foretold);
            if is_foretold {
                return;
            }
        }
        let class = expected_class(old);
        if new == old {
            bits.put(0b01, 2);
        } else if new.len() == old.len() && class.holds(new, old) {
            bits.put_flag(false);
            class.write(new, bits);
        } else {
            bits.put(0b11, 2);
            let class = plain_class(new);
            class.write_self(bits);
            bits.put_number(new.len(), LENGTH_BITS);
            class.write(new, bits);
        }
    }

    /// Reads what `write` wrote and appends it to `out`; at most `len_max` bytes.
    pub(crate) fn read(
        &mut self,
        base: &[u8],
        token: Range<usize>,
        len_max: usize,
        bits: &mut BitReader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), UnpackError> {
        let old = base.get(token.clone()).ok_or(UnpackError::Damaged)?;
        let start = out.len();
        let foretold = self.foretell(base, old);
        match foretold {
            Some(range) if !bits.get_flag() => out.extend_from_within(range),
            _ if !bits.get_flag() => expected_class(old).read(old.len(), old, bits, out)?,
            _ if !bits.get_flag() => out.extend_from_slice(old),
            _ => {
                let class = Class::read_self(bits)?;
                let len = bits.get_number(LENGTH_BITS).ok_or(UnpackError::Damaged)?;
                if len > len_max {
                    return Err(UnpackError::Damaged);
                }
                class.read(len, old, bits, out)?;
            }
        }
        self.push(base, token, start..out.len());
        Ok(())
    }

    /// The part of the text that last replaced a token equal to `old`.
    fn foretell(&self, base: &[u8], old: &[u8]) -> Option<Range<usize>> {
        let key = key(old);
        let newest = self.keys.iter().zip(&self.pairs).rev().take(LOOK_BACK);
        let mut equal = newest
            .filter(|(known, _)| **known == key)
            .map(|(_, pair)| pair);
        // Keys of short tokens say all.
        let found = equal.find(|(token, _)| old.len() <= KEY_BYTES || base[token.clone()] == *old);
        found.map(|(_, value)| value.clone())
    }

    fn push(&mut self, base: &[u8], token: Range<usize>, value: Range<usize>) {
        self.keys.push(key(&base[token.clone()]));
        self.pairs.push((token, value));
    }
}

fn key(token: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let kept = token.len().min(KEY_BYTES);
    bytes[..kept].copy_from_slice(&token[..kept]);
    bytes[KEY_BYTES] = u8::try_from(token.len()).unwrap_or(u8::MAX);
    u64::from_le_bytes(bytes)
}
