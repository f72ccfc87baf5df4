//! zstd calls on contexts shared by all packers of a thread.
//!
//! Contexts are hundreds of kilobytes, so each thread owns one pair however many resources it
//! serves. Knows no dictionaries' life cycle and no storage format.

use std::cell::RefCell;

use zstd::zstd_safe::{CCtx, DCtx, compress_bound};

use crate::error::UnpackError;

thread_local! {
    static COMPRESS: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
    static DECOMPRESS: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// Compresses `raw` into `out`. `None` when zstd refuses, which only lack of memory explains.
pub(crate) fn compress(raw: &[u8], level: i32, out: &mut Vec<u8>) -> Option<()> {
    out.clear();
    out.reserve(compress_bound(raw.len()));
    COMPRESS
        .with_borrow_mut(|context| context.compress(out, raw, level))
        .ok()
        .map(drop)
}

/// Decompresses `stored` into `out`, which holds exactly `raw_len` bytes afterwards.
pub(crate) fn decompress(
    stored: &[u8],
    raw_len: usize,
    out: &mut Vec<u8>,
) -> Result<(), UnpackError> {
    out.clear();
    out.reserve_exact(raw_len);
    let actual = DECOMPRESS
        .with_borrow_mut(|context| context.decompress(out, stored))
        .map_err(|_| UnpackError::Damaged)?;
    if actual == raw_len {
        Ok(())
    } else {
        Err(UnpackError::Length {
            expected: raw_len,
            actual,
        })
    }
}
