//! zstd calls on contexts shared by all packers of a thread.
//!
//! Contexts are hundreds of kilobytes, so each thread owns one pair however many resources it
//! serves. A stored frame lacks zstd's four magic bytes. Knows no dictionaries' life cycle.

use std::cell::RefCell;

use zstd::zstd_safe::{CCtx, DCtx, compress_bound, get_frame_content_size};

use crate::{dictionary::Dictionary, error::UnpackError};

/// First bytes of every zstd frame; not stored.
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// Longest body that is compressed. Bounds what damaged bytes can make a reader allocate.
pub(crate) const RAW_LEN_MAX: usize = 1 << 31;
/// Bytes that suffice to read a frame's header.
const HEADER_BYTES_MAX: usize = 18;

/// A longer buffer is given back after use.
const SCRATCH_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    static COMPRESS: RefCell<(CCtx<'static>, Vec<u8>)> =
        RefCell::new((CCtx::create(), Vec::new()));
    static DECOMPRESS: RefCell<(DCtx<'static>, Vec<u8>)> =
        RefCell::new((DCtx::create(), Vec::new()));
}

/// Compresses `raw`. `None` when that saves nothing.
pub(crate) fn compress(
    raw: &[u8],
    dictionary: Option<&Dictionary>,
    level: i32,
) -> Option<Box<[u8]>> {
    COMPRESS.with_borrow_mut(|(context, frame)| {
        frame.clear();
        frame.reserve(compress_bound(raw.len()));
        let done = match dictionary {
            Some(dictionary) => context.compress_using_cdict(frame, raw, &dictionary.encoder),
            None => context.compress(frame, raw, level),
        };
        let stored = frame
            .strip_prefix(&MAGIC)
            .filter(|stored| stored.len() < raw.len());
        let stored = done.ok().and(stored).map(Box::from);
        frame.shrink_to(SCRATCH_BYTES_MAX);
        stored
    })
}

/// Decompresses `stored` into `out`, replacing its content.
pub(crate) fn decompress(
    stored: &[u8],
    dictionary: Option<&Dictionary>,
    out: &mut Vec<u8>,
) -> Result<(), UnpackError> {
    let expected = raw_len(stored).ok_or(UnpackError::Damaged)?;
    out.clear();
    out.try_reserve_exact(expected)
        .map_err(|_| UnpackError::Damaged)?;
    let actual = DECOMPRESS
        .with_borrow_mut(|(context, frame)| {
            frame.clear();
            frame.extend_from_slice(&MAGIC);
            frame.extend_from_slice(stored);
            match dictionary {
                Some(dictionary) => context.decompress_using_ddict(out, frame, &dictionary.decoder),
                None => context.decompress(out, frame),
            }
        })
        .map_err(|_| UnpackError::Damaged)?;
    if actual == expected {
        Ok(())
    } else {
        Err(UnpackError::Length { expected, actual })
    }
}

/// The length that the frame says it decompresses to.
pub(crate) fn raw_len(stored: &[u8]) -> Option<usize> {
    let mut head = [0; MAGIC.len() + HEADER_BYTES_MAX];
    let header = &stored[..stored.len().min(HEADER_BYTES_MAX)];
    head[..MAGIC.len()].copy_from_slice(&MAGIC);
    head[MAGIC.len()..MAGIC.len() + header.len()].copy_from_slice(header);
    let len = get_frame_content_size(&head[..MAGIC.len() + header.len()]).ok()??;
    usize::try_from(len).ok().filter(|&len| len < RAW_LEN_MAX)
}
