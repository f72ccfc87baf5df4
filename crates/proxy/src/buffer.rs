//! Read buffers, pooled by worker: a connection holds one only while bytes are in it or about to be.
//!
//! Knows nothing of HTTP. Invariant: `start <= end <= bytes.len()`, and the bytes between them were read from a peer.

use std::cell::RefCell;

/// What one read asks the kernel for: an answer of 64 KB takes two reads, and one of 16 KB one. Memory that no byte has come
/// into is not resident.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;
/// Buffers that a worker keeps for later: 8 MB at most.
const KEPT_MAX: usize = 128;

/// Bytes that were read and not yet consumed.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// Empty (no allocation) while nothing is held.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// The free buffers of one worker.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: RefCell<Vec<Vec<u8>>>,
}

impl Buffer {
    /// Bytes that were read before.
    pub(crate) fn holding(bytes: Vec<u8>) -> Self {
        Self {
            start: 0,
            end: bytes.len(),
            bytes,
        }
    }

    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether no byte more fits without [`Buffer::grow`].
    pub(crate) fn is_full(&self) -> bool {
        self.len() == self.bytes.len() && !self.bytes.is_empty()
    }

    /// Forgets the first `count` bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.len());
        self.start += count.min(self.len());
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Room to read into. Takes memory from the pool when there is none; moves what is there to the front when the end
    /// is reached. Empty when the buffer is full: see [`Buffer::grow`].
    pub(crate) fn space(&mut self, pool: &Pool) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = pool.take();
        } else if self.end == self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.bytes[self.end..]
    }

    /// Counts bytes that were read into [`Buffer::space`].
    pub(crate) fn added(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Doubles a full buffer, up to `limit`. False when it may not.
    pub(crate) fn grow(&mut self, limit: usize) -> bool {
        if self.bytes.len() >= limit {
            return false;
        }
        let size = (self.bytes.len().max(BUFFER_BYTES / 2) * 2).min(limit.max(BUFFER_BYTES));
        self.bytes.resize(size, 0);
        true
    }

    /// Gives the memory back when nothing is held.
    pub(crate) fn release(&mut self, pool: &Pool) {
        if self.is_empty() && !self.bytes.is_empty() {
            pool.give(std::mem::take(&mut self.bytes));
            self.start = 0;
            self.end = 0;
        }
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn discard(&mut self, pool: &Pool) {
        self.start = 0;
        self.end = 0;
        self.release(pool);
    }
}

impl Pool {
    fn take(&self) -> Vec<u8> {
        self.free
            .borrow_mut()
            .pop()
            .unwrap_or_else(|| vec![0; BUFFER_BYTES])
    }

    fn give(&self, bytes: Vec<u8>) {
        let mut free = self.free.borrow_mut();
        if bytes.len() == BUFFER_BYTES && free.len() < KEPT_MAX {
            free.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BUFFER_BYTES, Buffer, Pool};

    #[test]
    fn memory_is_held_only_with_bytes_in_it() {
        let pool = Pool::default();
        let mut buffer = Buffer::default();
        buffer.space(&pool)[..3].copy_from_slice(b"abc");
        buffer.added(3);
        buffer.release(&pool);
        assert_eq!(buffer.filled(), b"abc");
        buffer.consume(3);
        buffer.release(&pool);
        assert!(buffer.bytes.is_empty());
        assert_eq!(pool.free.borrow().len(), 1);
    }

    #[test]
    fn a_full_buffer_moves_then_grows_to_its_limit() {
        let pool = Pool::default();
        let mut buffer = Buffer::default();
        let size = buffer.space(&pool).len();
        buffer.added(size);
        assert!(buffer.space(&pool).is_empty());
        buffer.consume(10);
        assert_eq!(buffer.space(&pool).len(), 10);
        buffer.added(10);
        assert!(buffer.grow(BUFFER_BYTES + 100));
        assert_eq!(buffer.space(&pool).len(), 100);
        assert!(!buffer.grow(BUFFER_BYTES + 100));
    }
}
