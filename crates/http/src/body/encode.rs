//! Chunks to send: always our own, never a sender's framing copied.

use super::chunked::allowed_in_trailer;
use crate::Fields;

/// What stands behind a chunk's data.
pub const CHUNK_END: &[u8] = b"\r\n";
/// What ends a body without a trailer.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// The most bytes that [`chunk_head`] writes.
pub const CHUNK_HEAD_BYTES_MAX: usize = 18;

/// What stands before a chunk's data: its size and CR LF, in the bytes that are returned as a count. A chunk must not be
/// empty: that would end the body.
pub fn chunk_head(size: usize, out: &mut [u8; CHUNK_HEAD_BYTES_MAX]) -> usize {
    debug_assert!(size > 0, "an empty chunk ends the body");
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1) as usize;
    for (index, place) in out[..digits].iter_mut().enumerate() {
        *place = DIGITS[(size >> (4 * (digits - 1 - index))) & 15];
    }
    out[digits..digits + 2].copy_from_slice(b"\r\n");
    digits + 2
}

/// Ends a body: the last chunk, and the trailer without what must not stand in one.
pub fn write_last_chunk(trailer: Option<&Fields>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for field in trailer.iter().flat_map(|trailer| trailer.iter()) {
        if allowed_in_trailer(field.name) {
            crate::fields::write_line(field, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}
