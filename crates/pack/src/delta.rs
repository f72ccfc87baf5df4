//! Stores a text as its departures from a similar base text.
//!
//! Siblings depart from their base at the same places ("holes"), so the places are kept once per
//! base and a sibling holds little more than the new contents, in few bits each. A text that
//! departs elsewhere says so with explicit operations. Reading is a walk of copies.
//!
//! Invariant: `decode` of what `encode` wrote, with equal base and holes, gives the text back.

use std::ops::Range;

use crate::{
    bits::{BitReader, BitWriter},
    diff::Op,
    echo::Echo,
    error::UnpackError,
    holes::{HoleWalk, Holes},
    token::token_end,
};

/// Typical bits of a copied stretch, of a spliced length and of a jump in the base.
const GAP_BITS: u32 = 7;
const SPLICE_BITS: u32 = 4;
const JUMP_BITS: u32 = 7;

/// Writes the bits that turn `base` into `text`, given their differences in order.
pub(crate) fn encode(base: &[u8], text: &[u8], ops: &[Op], holes: &Holes, out: &mut Vec<u8>) {
    let mut walk = holes.walk();
    let mut bits = BitWriter::new(out);
    let mut echo = Echo::new();
    let explicit = ops.iter().any(|op| is_explicit(op, &walk));
    bits.put_flag(explicit);
    // Both walks stand at `b` and `t`; equal bytes lie ahead up to the next departure.
    let (mut b, mut t) = (0, 0);
    let mut ops = ops.iter().copied().peekable();
    loop {
        let hole = walk.next_from(b).filter(|hole| hole - b < text.len() - t);
        let op = ops.next_if(|op| {
            hole.is_none_or(|hole| op.base_start < hole || (op.base_start == hole && !op.is_token))
        });
        if explicit {
            bits.put_flag(op.is_some());
        }
        if let Some(op) = op {
            bits.put_number(op.base_start - b, GAP_BITS);
            bits.put_flag(op.is_token);
            if op.is_token {
                echo.write(
                    base,
                    text,
                    op.base_start..op.base_next,
                    op.start..op.end,
                    &mut bits,
                );
            } else {
                write_splice(
                    &text[op.start..op.end],
                    op.base_start,
                    op.base_next,
                    &mut bits,
                );
            }
            (b, t) = (op.base_next, op.end);
        } else if let Some(hole) = hole {
            let (base_end, start) = (token_end(base, hole), t + (hole - b));
            let end = ops
                .next_if(|op| op.base_start == hole)
                .map_or((start + base_end - hole).min(text.len()), |op| op.end);
            echo.write(base, text, hole..base_end, start..end, &mut bits);
            (b, t) = (base_end, end);
        } else {
            break;
        }
    }
    bits.finish();
}

/// Reads `stored` into the empty `out`, which then holds exactly `raw_len` bytes.
pub(crate) fn decode(
    base: &[u8],
    stored: &[u8],
    holes: &Holes,
    raw_len: usize,
    out: &mut Vec<u8>,
) -> Result<(), UnpackError> {
    let mut walk = holes.walk();
    let mut bits = BitReader::new(stored);
    let mut echo = Echo::new();
    let explicit = bits.get_flag();
    let mut b = 0;
    loop {
        let left = raw_len.checked_sub(out.len()).ok_or(UnpackError::Damaged)?;
        let hole = walk.next_from(b).filter(|hole| hole - b < left);
        if explicit && bits.get_flag() {
            let base_start = b + bits.get_number(GAP_BITS).ok_or(UnpackError::Damaged)?;
            copy(base, b..base_start, out)?;
            b = if bits.get_flag() {
                read_token(base, base_start, raw_len, &mut echo, &mut bits, out)?
            } else {
                read_splice(base_start, raw_len, &mut bits, out)?
            };
        } else if let Some(hole) = hole {
            copy(base, b..hole, out)?;
            b = read_token(base, hole, raw_len, &mut echo, &mut bits, out)?;
        } else {
            copy(base, b..b + left, out)?;
            return bits.check();
        }
        bits.check()?;
    }
}

/// The positions of `holes` and those of `ops` at which a token is replaced.
pub(crate) fn widen(holes: &Holes, ops: &[Op]) -> Holes {
    let mut positions = holes.walk().positions().to_vec();
    let tokens = ops.iter().filter(|op| can_be_hole(op));
    positions.extend(tokens.map(|op| op.base_start));
    positions.sort_unstable();
    positions.dedup();
    Holes::new(positions)
}

/// Number of replaced tokens that `holes` doesn't foresee.
pub(crate) fn unforeseen(holes: &Holes, ops: &[Op]) -> usize {
    let walk = holes.walk();
    ops.iter()
        .filter(|op| op.is_token && is_explicit(op, &walk))
        .count()
}

fn is_explicit(op: &Op, walk: &HoleWalk) -> bool {
    !op.is_token || !walk.contains(op.base_start)
}

/// Walks step over holes, so a hole is a token that isn't empty in the base.
fn can_be_hole(op: &Op) -> bool {
    op.is_token && op.base_next > op.base_start
}

/// Reads the token that replaces the one at `base_start`; returns where the base goes on.
fn read_token(
    base: &[u8],
    base_start: usize,
    raw_len: usize,
    echo: &mut Echo,
    bits: &mut BitReader<'_>,
    out: &mut Vec<u8>,
) -> Result<usize, UnpackError> {
    if base_start > base.len() {
        return Err(UnpackError::Damaged);
    }
    let base_end = token_end(base, base_start);
    echo.read(
        base,
        base_start..base_end,
        raw_len.saturating_sub(out.len()),
        bits,
        out,
    )?;
    Ok(base_end)
}

/// Writes inserted bytes and the jump in the base.
fn write_splice(inserted: &[u8], base_start: usize, base_next: usize, bits: &mut BitWriter<'_>) {
    bits.put_number(inserted.len(), SPLICE_BITS);
    let letter_bits = if inserted.is_ascii() { 7 } else { 8 };
    bits.put_flag(letter_bits == 8);
    for &byte in inserted {
        bits.put(u64::from(byte), letter_bits);
    }
    bits.put_flag(base_next < base_start);
    bits.put_number(base_next.abs_diff(base_start), JUMP_BITS);
}

fn read_splice(
    base_start: usize,
    raw_len: usize,
    bits: &mut BitReader<'_>,
    out: &mut Vec<u8>,
) -> Result<usize, UnpackError> {
    let len = bits.get_number(SPLICE_BITS).ok_or(UnpackError::Damaged)?;
    if len > raw_len.saturating_sub(out.len()) {
        return Err(UnpackError::Damaged);
    }
    let letter_bits = if bits.get_flag() { 8 } else { 7 };
    out.extend((0..len).map(|_| bits.get_byte(letter_bits)));
    let is_back = bits.get_flag();
    let jump = bits.get_number(JUMP_BITS).ok_or(UnpackError::Damaged)?;
    let next = if is_back {
        base_start.checked_sub(jump)
    } else {
        base_start.checked_add(jump)
    };
    next.ok_or(UnpackError::Damaged)
}

fn copy(base: &[u8], range: Range<usize>, out: &mut Vec<u8>) -> Result<(), UnpackError> {
    out.extend_from_slice(base.get(range).ok_or(UnpackError::Damaged)?);
    Ok(())
}
