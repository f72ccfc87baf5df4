//! Bit-wise writing and reading, with numbers in exponential Golomb codes.
//!
//! Knows nothing of what the bits mean. Reading past the end yields zero bits and is reported
//! once by [`BitReader::check`], so decoders test for it in one place.

use crate::error::UnpackError;

/// Appends bits to a byte vector, least significant bit first.
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    pending_bits: u32,
}

/// Reads what [`BitWriter`] wrote.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    pending: u64,
    pending_bits: u32,
    overrun: bool,
}

impl<'a> BitWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            pending: 0,
            pending_bits: 0,
        }
    }

    /// Writes the low `bits` bits, at most 32, of `value`.
    pub(crate) fn put(&mut self, value: u64, bits: u32) {
        debug_assert!(bits <= 32 && value >> bits == 0);
        self.pending |= value << self.pending_bits;
        self.pending_bits += bits;
        while self.pending_bits >= 8 {
            self.out.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.pending_bits -= 8;
        }
    }

    pub(crate) fn put_flag(&mut self, flag: bool) {
        self.put(u64::from(flag), 1);
    }

    /// Writes a number that is most often below `1 << typical_bits`.
    pub(crate) fn put_number(&mut self, value: usize, typical_bits: u32) {
        let value = value as u64 + (1 << typical_bits);
        let extra = value.ilog2() - typical_bits;
        self.put((1 << extra) - 1, extra);
        self.put(0, 1);
        self.put(value & ((1 << value.ilog2()) - 1), value.ilog2());
    }

    /// Flushes the last, partly filled byte.
    pub(crate) fn finish(self) {
        if self.pending_bits > 0 {
            self.out.push(self.pending.to_le_bytes()[0]);
        }
    }
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            pending: 0,
            pending_bits: 0,
            overrun: false,
        }
    }

    pub(crate) fn get(&mut self, bits: u32) -> u64 {
        debug_assert!(bits <= 32);
        if self.pending_bits < bits {
            self.refill(bits);
        }
        let value = self.pending & ((1 << bits) - 1);
        self.pending >>= bits;
        self.pending_bits -= bits;
        value
    }

    /// At most 8 bits.
    pub(crate) fn get_byte(&mut self, bits: u32) -> u8 {
        debug_assert!(bits <= 8);
        self.get(bits).to_le_bytes()[0]
    }

    pub(crate) fn get_flag(&mut self) -> bool {
        self.get(1) == 1
    }

    /// A number as [`BitWriter::put_number`] wrote it; `None` when it can't be one.
    pub(crate) fn get_number(&mut self, typical_bits: u32) -> Option<usize> {
        let mut extra = 0;
        while self.get_flag() {
            extra += 1;
            if typical_bits + extra > 32 {
                return None;
            }
        }
        let bits = typical_bits + extra;
        let value = (1 << bits | self.get(bits)) - (1 << typical_bits);
        usize::try_from(value).ok()
    }

    /// Fails when more bits were read than there are.
    pub(crate) fn check(&self) -> Result<(), UnpackError> {
        if self.overrun {
            Err(UnpackError::Damaged)
        } else {
            Ok(())
        }
    }

    fn refill(&mut self, bits: u32) {
        if let Some((head, rest)) = self.bytes.split_first_chunk::<4>() {
            self.pending |= u64::from(u32::from_le_bytes(*head)) << self.pending_bits;
            self.pending_bits += 32;
            self.bytes = rest;
            return;
        }
        while self.pending_bits < bits {
            let byte = match self.bytes.split_first() {
                Some((byte, rest)) => {
                    self.bytes = rest;
                    *byte
                }
                None => {
                    self.overrun = true;
                    0
                }
            };
            self.pending |= u64::from(byte) << self.pending_bits;
            self.pending_bits += 8;
        }
    }
}
