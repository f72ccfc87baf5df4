//! What both sides know: the options, the keys, and values that show whether they are whole.

use tidegate_store::{FileLimits, Options};

pub(crate) const COLLECTIONS: [&str; 3] = ["pods", "nodes", "leases"];

pub(crate) fn options() -> Options {
    Options {
        files: FileLimits {
            segment_bytes: 40_000,
            snapshot_bytes: 100_000,
        },
        ..Options::default()
    }
}

/// A small random generator, so that a run can be had again.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed ^ 0x9E37_79B9_7F4A_7C15);
        for _ in 0..8 {
            random.below(2);
        }
        random
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// A checksum that the store knows nothing of.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// What a value says: `DIGEST BASE REVISION FILLER`.
pub(crate) struct Value {
    /// The revision that the write expected under its key; 0 for nothing, `None` where it did not care.
    pub(crate) base: Option<u64>,
    /// The revision of the write itself.
    pub(crate) revision: u64,
}

/// A value before its own revision is in it, and where that goes.
pub(crate) fn compose(base: Option<u64>, filler: &str) -> (String, usize) {
    let base = base.map_or_else(|| "-".to_owned(), |base| base.to_string());
    let digest = digest(format!("{base} {filler}").as_bytes());
    let front = format!("{digest:016x} {base} ");
    let at = front.len();
    (format!("{front} {filler}"), at)
}

/// Reads a value; panics if it is not whole.
pub(crate) fn parse(bytes: &[u8]) -> Value {
    let text = std::str::from_utf8(bytes).expect("a value is text");
    let mut parts = text.splitn(4, ' ');
    let mut part = || parts.next().expect("a value has four parts");
    let (given, base, revision, filler) = (part(), part(), part(), part());
    let found = digest(format!("{base} {filler}").as_bytes());
    assert_eq!(format!("{found:016x}"), given, "a value is whole");
    Value {
        base: base.parse().ok(),
        revision: revision.parse().expect("a value has its revision"),
    }
}
