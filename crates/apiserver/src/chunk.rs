//! A piece of an answer on its way to the client: bytes, and for an event of a watch also what stands around them.
//!
//! The bytes of an event are those of the store, the same for every watch that sends it: nothing is copied until it is
//! encrypted.

use crate::serve::pace::Piece;
use bytes::{Buf, Bytes};
use std::io::IoSlice;

/// A piece of an answer.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    head: &'static [u8],
    bytes: Bytes,
    tail: &'static [u8],
    /// Ends with the chunk.
    _piece: Option<Piece>,
}

impl Chunk {
    /// Bytes with something before and behind them.
    pub(crate) fn framed(head: &'static [u8], bytes: Bytes, tail: &'static [u8]) -> Self {
        Self {
            head,
            bytes,
            tail,
            _piece: None,
        }
    }

    /// What is told when the chunk is gone.
    pub(crate) fn watched(self, piece: Piece) -> Self {
        Self {
            _piece: Some(piece),
            ..self
        }
    }

    fn parts(&self) -> [&[u8]; 3] {
        [self.head, &self.bytes, self.tail]
    }
}

impl From<Bytes> for Chunk {
    fn from(bytes: Bytes) -> Self {
        Self::framed(b"", bytes, b"")
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    fn chunk(&self) -> &[u8] {
        let parts = self.parts();
        parts
            .into_iter()
            .find(|part| !part.is_empty())
            .unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let parts = self.parts();
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let mut count = 0;
        for (slice, part) in slices.iter_mut().zip(parts) {
            *slice = IoSlice::new(part);
            count += 1;
        }
        count
    }

    fn advance(&mut self, count: usize) {
        let head = count.min(self.head.len());
        self.head = &self.head[head..];
        let bytes = (count - head).min(self.bytes.len());
        self.bytes.advance(bytes);
        self.tail = &self.tail[count - head - bytes..];
    }
}

#[cfg(test)]
mod tests {
    use super::Chunk;
    use bytes::{Buf, Bytes};
    use std::io::{IoSlice, Read};

    #[test]
    fn a_chunk_is_read_from_any_place() {
        let check = |head: &'static [u8], bytes: &'static [u8], tail: &'static [u8]| {
            let whole = [head, bytes, tail].concat();
            for at in 0..=whole.len() {
                let mut chunk = Chunk::framed(head, Bytes::from_static(bytes), tail);
                chunk.advance(at);
                let rest = &whole[at..];
                assert_eq!(chunk.remaining(), rest.len());
                assert_eq!(chunk.chunk().is_empty(), rest.is_empty());
                let mut slices = [IoSlice::new(b""); 3];
                let count = chunk.chunks_vectored(&mut slices);
                let parts: Vec<&[u8]> = slices[..count].iter().map(|slice| &**slice).collect();
                assert_eq!(parts.concat(), rest);
                let mut read = Vec::new();
                chunk.reader().read_to_end(&mut read).expect("memory");
                assert_eq!(read, rest);
            }
        };
        check(b"<", b"abc", b">\n");
        check(b"", b"abc", b"");
        check(b"<", b"", b">");
        check(b"", b"", b"");
    }
}
