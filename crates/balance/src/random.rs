//! Random numbers from one random number: the caller draws 64 bits for a pick, and what the pick needs comes from them.

/// SplitMix64.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(random: u64) -> Self {
        Self(random)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Below `limit`, which is not 0. The bias is below 2^-32 for what balancing draws.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        below(self.next(), limit)
    }

    /// From 0 up to, not including, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        fraction(self.next())
    }
}

/// Scales a random number to what is below `limit`.
pub(crate) fn below(random: u64, limit: u64) -> u64 {
    let wide = u128::from(random) * u128::from(limit);
    u64::try_from(wide >> 64).unwrap_or(0)
}

/// The upper 53 bits as a fraction.
pub(crate) fn fraction(random: u64) -> f64 {
    const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
    (random >> 11) as f64 * STEP
}

/// Every bit of the input changes about half of the output's.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
