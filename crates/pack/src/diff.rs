//! Finds where a text departs from a similar base: replaced tokens and spliced sections.
//!
//! Objects made from one template have the same structure, so both texts are walked in step; only
//! where the structure differs is the rest of the base searched. Knows nothing of the encoding.

use crate::token::{is_token_byte, token_end};

/// A departure is only worth leaving the walk for when this many bytes match afterwards.
const RESYNC_BYTES_MIN: usize = 12;
/// Bytes hashed to look up a position of the base.
const GRAM_BYTES: usize = 8;
/// Candidates compared for one position.
const CANDIDATES_MAX: usize = 16;
const HEADS: usize = 1 << 11;
const NONE: u32 = u32::MAX;

/// One departure: `text[start..end]` stands in place of base bytes from `base_start` on, and the
/// walk goes on at `base_next` in the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Op {
    pub(crate) base_start: usize,
    pub(crate) base_next: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The base bytes left out are exactly the token at `base_start`.
    pub(crate) is_token: bool,
}

/// Buffers that are worth keeping between calls.
#[derive(Debug, Default)]
pub(crate) struct Differ {
    pub(crate) ops: Vec<Op>,
    index: Index,
}

/// Positions of the base's quotes by the bytes that follow.
#[derive(Debug, Default)]
struct Index {
    heads: Vec<u32>,
    /// Position of each quote, and the previous entry with the same hash.
    entries: Vec<(u32, u32)>,
}

impl Differ {
    /// Fills `ops`. False when the texts have too little in common to be worth it.
    pub(crate) fn diff(&mut self, base: &[u8], text: &[u8]) -> bool {
        self.ops.clear();
        self.index.entries.clear();
        let literals_max = text.len() / 3;
        let (mut b, mut t, mut literals) = (0, 0, 0);
        loop {
            let same = common_prefix(&base[b..], &text[t..]);
            if t + same == text.len() {
                return true;
            }
            // Both kinds of departure start where the unequal token starts.
            let matched = &text[t..t + same];
            let back = matched
                .iter()
                .rev()
                .take_while(|&&byte| is_token_byte(byte))
                .count();
            let (b_start, t_start) = (b + same - back, t + same - back);
            let op = token_op(base, text, b_start, t_start)
                .unwrap_or_else(|| self.splice_op(base, text, b_start, t_start));
            literals += op.end - op.start;
            if literals > literals_max {
                return false;
            }
            (b, t) = (op.base_next, op.end);
            self.ops.push(op);
        }
    }

    /// Looks for the next place in `text` that the base holds too, anywhere.
    fn splice_op(&mut self, base: &[u8], text: &[u8], b: usize, t: usize) -> Op {
        if self.index.entries.is_empty() {
            self.index.build(base);
        }
        let mut at = t;
        while let Some(quote) = find_quote(text, at) {
            if let Some(found) = self.index.find(base, &text[quote..], b) {
                return Op {
                    base_start: b,
                    base_next: found,
                    start: t,
                    end: quote,
                    is_token: false,
                };
            }
            at = quote + 1;
        }
        Op {
            base_start: b,
            base_next: b,
            start: t,
            end: text.len(),
            is_token: false,
        }
    }
}

impl Index {
    fn build(&mut self, base: &[u8]) {
        self.heads.clear();
        self.heads.resize(HEADS, NONE);
        let mut at = 0;
        while let Some(quote) = find_quote(base, at) {
            at = quote + 1;
            let Some(slot) = slot(&base[quote..]) else {
                break;
            };
            let (Ok(position), Ok(entry)) =
                (u32::try_from(quote), u32::try_from(self.entries.len()))
            else {
                break;
            };
            self.entries
                .push((position, std::mem::replace(&mut self.heads[slot], entry)));
        }
    }

    /// The base position whose bytes agree longest with `text`; the nearest after `near` of equals.
    fn find(&self, base: &[u8], text: &[u8], near: usize) -> Option<usize> {
        let mut entry = *self.heads.get(slot(text)?)?;
        let mut best = None;
        for _ in 0..CANDIDATES_MAX {
            let Some(&(position, previous)) = self.entries.get(entry as usize) else {
                break;
            };
            let position = position as usize;
            let same = common_prefix(&base[position..], text);
            let rank = (same, position >= near, usize::MAX - position.abs_diff(near));
            if same >= RESYNC_BYTES_MIN && best.is_none_or(|(best_rank, _)| rank > best_rank) {
                best = Some((rank, position));
            }
            entry = previous;
        }
        best.map(|(_, position)| position)
    }
}

/// The replaced token at `b` and `t`, when the walk can go on in step right behind it.
fn token_op(base: &[u8], text: &[u8], b: usize, t: usize) -> Option<Op> {
    let (base_next, end) = (token_end(base, b), token_end(text, t));
    let is_empty = base_next == b && end == t;
    let is_key = base[base_next..].starts_with(b"\":");
    let goes_on = base.get(base_next) == text.get(end);
    (goes_on && !is_empty && !is_key).then_some(Op {
        base_start: b,
        base_next,
        start: t,
        end,
        is_token: true,
    })
}

fn find_quote(text: &[u8], from: usize) -> Option<usize> {
    text[from..]
        .iter()
        .position(|&byte| byte == b'"')
        .map(|at| from + at)
}

fn slot(text: &[u8]) -> Option<usize> {
    let gram = u64::from_le_bytes(*text.first_chunk::<GRAM_BYTES>()?);
    let hash = gram.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    usize::try_from(hash).ok().map(|hash| hash % HEADS)
}

/// Number of leading bytes that both have in common.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let mut same = 0;
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        if x != y {
            break;
        }
        same += 8;
    }
    same + a[same..]
        .iter()
        .zip(&b[same..])
        .take_while(|(x, y)| x == y)
        .count()
}
