//! Where the siblings of a base depart from it: sorted positions of tokens in the base.
//!
//! Knows no contents. Invariant: positions are strictly increasing; two bytes each suffice.

/// Positions as differences, seven bits a byte, so that 60 holes take about 70 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Holes(Box<[u8]>);

/// Decoded positions with a cursor.
pub(crate) struct HoleWalk {
    positions: Vec<usize>,
    at: usize,
}

impl Holes {
    /// From strictly increasing positions.
    pub(crate) fn new(positions: impl IntoIterator<Item = usize>) -> Self {
        let (mut bytes, mut last) = (Vec::new(), 0);
        for position in positions {
            debug_assert!(position >= last);
            let mut gap = position - last;
            last = position;
            while gap >= 128 {
                bytes.push(gap.to_le_bytes()[0] | 128);
                gap >>= 7;
            }
            bytes.push(gap.to_le_bytes()[0]);
        }
        Self(bytes.into())
    }

    pub(crate) fn walk(&self) -> HoleWalk {
        let mut positions = Vec::with_capacity(self.0.len());
        let (mut position, mut gap, mut shift) = (0, 0, 0);
        for byte in &self.0 {
            gap |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte & 128 == 0 {
                position += gap;
                positions.push(position);
                (gap, shift) = (0, 0);
            }
        }
        HoleWalk { positions, at: 0 }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.iter().filter(|byte| *byte & 128 == 0).count()
    }
}

impl HoleWalk {
    /// The first hole at or behind `base_at`. Jumps back are rare and may be slow.
    pub(crate) fn next_from(&mut self, base_at: usize) -> Option<usize> {
        while self.at > 0 && self.positions[self.at - 1] >= base_at {
            self.at -= 1;
        }
        while *self.positions.get(self.at)? < base_at {
            self.at += 1;
        }
        self.positions.get(self.at).copied()
    }

    pub(crate) fn contains(&self, position: usize) -> bool {
        self.positions.binary_search(&position).is_ok()
    }

    pub(crate) fn positions(&self) -> &[usize] {
        &self.positions
    }
}
