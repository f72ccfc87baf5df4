//! Facts about 64 bytes of JSON at a time, as bit masks: bit n speaks of byte n.
//!
//! Knows single characters and escapes only, no grammar. Safe code over 16-byte vectors; on
//! x86-64 it needs nothing beyond the baseline (SSE2).

use wide::u8x16;

/// Bytes per block.
pub(crate) const BLOCK: usize = 64;

/// One block, loaded into vectors.
pub(crate) struct Block([u8x16; 4]);

impl Block {
    #[inline(always)]
    pub(crate) fn load(bytes: &[u8; BLOCK]) -> Self {
        let (lanes, _) = bytes.as_chunks::<16>();
        Self(std::array::from_fn(|lane| u8x16::new(lanes[lane])))
    }

    /// Where `byte` stands.
    #[inline(always)]
    pub(crate) fn equal(&self, byte: u8) -> u64 {
        let wanted = u8x16::splat(byte);
        mask(self.0.map(|lane| lane.simd_eq(wanted)))
    }

    /// Where `{` or `[` stand, and where `}` or `]` stand: each pair differs in bit 5 alone.
    #[inline(always)]
    pub(crate) fn brackets(&self) -> (u64, u64) {
        let bit = u8x16::splat(0x20);
        let folded = self.0.map(|lane| lane | bit);
        let (open, close) = (u8x16::splat(b'{'), u8x16::splat(b'}'));
        (
            mask(folded.map(|lane| lane.simd_eq(open))),
            mask(folded.map(|lane| lane.simd_eq(close))),
        )
    }

    /// Where quotes stand that no backslash escapes. `carry` is 1 if the byte before the block
    /// is a backslash that escapes, and is set likewise for the next block.
    #[inline(always)]
    pub(crate) fn quotes(&self, carry: &mut u64) -> u64 {
        let backslash = u8x16::splat(b'\\');
        let [a, b, c, d] = self.0.map(|lane| lane.simd_eq(backslash));
        let any = (a | b) | (c | d);
        let escaped = match any.to_bitmask() {
            0 => std::mem::take(carry), // nearly always: most text has no escapes
            _ => escaped(mask([a, b, c, d]), carry),
        };
        self.equal(b'"') & !escaped
    }
}

#[inline(always)]
fn mask(lanes: [u8x16; 4]) -> u64 {
    let [a, b, c, d] = lanes.map(|lane| u64::from(lane.to_bitmask()));
    a | b << 16 | c << 32 | d << 48
}

/// Which bytes are escaped, given where backslashes stand: those after an odd run of them.
/// The addition ripples through each run (the method of simdjson).
#[inline(always)]
fn escaped(backslash: u64, carry: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let backslash = backslash & !*carry;
    let follows = backslash << 1 | *carry;
    let odd_starts = backslash & !EVEN & !follows;
    let (even_runs, overflow) = odd_starts.overflowing_add(backslash);
    *carry = u64::from(overflow);
    (EVEN ^ (even_runs << 1)) & follows
}

/// Bit n of the result is the parity of bits 0 to n: quotes become the inside of strings.
#[inline(always)]
pub(crate) fn prefix_xor(bits: u64) -> u64 {
    let bits = bits ^ bits << 1;
    let bits = bits ^ bits << 2;
    let bits = bits ^ bits << 4;
    let bits = bits ^ bits << 8;
    let bits = bits ^ bits << 16;
    bits ^ bits << 32
}
