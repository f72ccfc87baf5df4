//! zstd calls on contexts shared by all packers of a thread.
//!
//! Contexts and the writing halves of dictionaries are hundreds of kilobytes each, so a thread
//! keeps one pair of contexts and the few dictionaries it wrote with last, however many resources
//! it serves. A stored frame lacks zstd's four magic bytes.

use std::cell::RefCell;

use zstd::zstd_safe::{CCtx, CDict, DCtx, compress_bound, get_frame_content_size};

use crate::{dictionary::Dictionary, error::UnpackError};

/// First bytes of every zstd frame; not stored.
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// Longest body that is compressed. Bounds what damaged bytes can make a reader allocate.
pub(crate) const RAW_LEN_MAX: usize = 1 << 31;
/// Bytes that suffice to read a frame's header.
const HEADER_BYTES_MAX: usize = 18;
/// A longer buffer is given back after use.
const SCRATCH_BYTES_MAX: usize = 64 * 1024;
/// Dictionaries that a thread keeps ready for writing.
const ENCODERS_MAX: usize = 2;

thread_local! {
    static COMPRESSOR: RefCell<Compressor> = RefCell::new(Compressor {
        context: CCtx::create(),
        frame: Vec::new(),
    });
    /// Most recently used last.
    static ENCODERS: RefCell<Vec<(u64, CDict<'static>)>> = const { RefCell::new(Vec::new()) };
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor {
        context: DCtx::create(),
        frame: Vec::new(),
    });
}

struct Compressor {
    context: CCtx<'static>,
    frame: Vec<u8>,
}

struct Decompressor {
    context: DCtx<'static>,
    /// The stored frame behind its magic bytes.
    frame: Vec<u8>,
}

/// Compresses `raw`. `None` when that saves nothing.
pub(crate) fn compress(
    raw: &[u8],
    dictionary: Option<&Dictionary>,
    level: i32,
) -> Option<Box<[u8]>> {
    match dictionary {
        None => COMPRESSOR.with_borrow_mut(|compressor| compressor.run(raw, Err(level))),
        Some(dictionary) => with_encoder(dictionary, |encoder| {
            COMPRESSOR.with_borrow_mut(|compressor| compressor.run(raw, Ok(encoder)))
        })?,
    }
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
    let actual = DECOMPRESSOR
        .with_borrow_mut(|Decompressor { context, frame }| {
            frame.clear();
            frame.extend_from_slice(&MAGIC);
            frame.extend_from_slice(stored);
            let actual = match dictionary {
                Some(dictionary) => context.decompress_using_ddict(out, frame, &dictionary.decoder),
                None => context.decompress(out, frame),
            };
            frame.shrink_to(SCRATCH_BYTES_MAX);
            actual
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

impl Compressor {
    /// With a dictionary, which knows its level, or at a level.
    fn run(&mut self, raw: &[u8], with: Result<&CDict<'static>, i32>) -> Option<Box<[u8]>> {
        self.frame.clear();
        self.frame.reserve(compress_bound(raw.len()));
        let done = match with {
            Ok(encoder) => self
                .context
                .compress_using_cdict(&mut self.frame, raw, encoder),
            Err(level) => self.context.compress(&mut self.frame, raw, level),
        };
        let stored = self
            .frame
            .strip_prefix(&MAGIC)
            .filter(|stored| stored.len() < raw.len());
        let stored = done.ok().and(stored).map(Box::from);
        self.frame.shrink_to(SCRATCH_BYTES_MAX);
        stored
    }
}

fn with_encoder<R>(dictionary: &Dictionary, run: impl FnOnce(&CDict<'static>) -> R) -> Option<R> {
    ENCODERS.with_borrow_mut(|encoders| {
        if let Some(at) = encoders.iter().position(|(id, _)| *id == dictionary.id) {
            encoders[at..].rotate_left(1);
        } else {
            if encoders.len() == ENCODERS_MAX {
                encoders.remove(0);
            }
            encoders.push((dictionary.id, dictionary.encoder()?));
        }
        encoders.last().map(|(_, encoder)| run(encoder))
    })
}
