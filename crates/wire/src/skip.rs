//! Finding the end of a JSON value without reading it, resumable at any byte.
//!
//! Checks balance only: `{]` passes, and so does any text between brackets. Each byte is looked
//! at once however the input is cut, and the result does not depend on the cuts.

use crate::block::{BLOCK, Block, prefix_xor};

/// The end of a value whose first byte has been read.
#[derive(Debug)]
pub(crate) enum ValueScan {
    Container(Balance),
    Text(TextScan),
    Scalar,
}

impl ValueScan {
    /// `first` is the value's first byte, which the caller takes off the input.
    pub(crate) fn after(first: u8) -> Self {
        match first {
            b'{' | b'[' => Self::Container(Balance::opened()),
            b'"' => Self::Text(TextScan::default()),
            _ => Self::Scalar,
        }
    }

    /// Length of the rest of the value, or `None` if all of `bytes` belongs to it.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Container(balance) => balance.advance(bytes),
            Self::Text(text) => text.advance(bytes),
            Self::Scalar => bytes.iter().position(|&byte| ends_scalar(byte)),
        }
    }
}

/// Depth of brackets outside strings.
#[derive(Debug)]
pub(crate) struct Balance {
    depth: u64,
    /// All ones inside a string, else zero.
    inside: u64,
    /// 1 after a backslash that escapes.
    escape: u64,
}

impl Balance {
    /// The state behind one opening bracket.
    #[inline]
    pub(crate) fn opened() -> Self {
        Self {
            depth: 1,
            inside: 0,
            escape: 0,
        }
    }

    /// Offset behind the closing bracket, or `None` if it is not in `bytes`.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let (blocks, tail) = bytes.as_chunks::<BLOCK>();
        for (index, block) in blocks.iter().enumerate() {
            if let Some(end) = self.block(block) {
                return Some(index * BLOCK + end);
            }
        }
        let end = tail.iter().position(|&byte| self.byte(byte))?;
        Some(blocks.len() * BLOCK + end + 1)
    }

    #[inline(always)]
    fn block(&mut self, bytes: &[u8; BLOCK]) -> Option<usize> {
        let block = Block::load(bytes);
        let inside = prefix_xor(block.quotes(&mut self.escape)) ^ self.inside;
        self.inside = 0u64.wrapping_sub(inside >> 63);
        let (open, close) = block.brackets();
        let (open, close) = (open & !inside, close & !inside);
        let closes = u64::from(close.count_ones());
        if self.depth > closes {
            self.depth = self.depth + u64::from(open.count_ones()) - closes;
            return None;
        }
        self.walk(open, close)
    }

    /// Goes bracket by bracket through a block in which the depth may reach zero.
    fn walk(&mut self, open: u64, close: u64) -> Option<usize> {
        let mut both = open | close;
        while both != 0 {
            let lowest = both & both.wrapping_neg();
            if open & lowest != 0 {
                self.depth += 1;
            } else {
                self.depth -= 1;
                if self.depth == 0 {
                    return Some(lowest.trailing_zeros() as usize + 1);
                }
            }
            both ^= lowest;
        }
        None
    }

    /// True if `byte` is the last one. Must agree with [`Self::block`] even on bad input.
    fn byte(&mut self, byte: u8) -> bool {
        let escaped = self.escape == 1;
        self.escape = u64::from(!escaped && byte == b'\\');
        match byte {
            b'"' if !escaped => self.inside = !self.inside,
            b'{' | b'[' if self.inside == 0 => self.depth += 1,
            b'}' | b']' if self.inside == 0 => {
                self.depth -= 1;
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

/// The end of a string whose opening quote has been read.
#[derive(Debug, Default)]
pub(crate) struct TextScan {
    /// 1 after a backslash that escapes.
    escape: u64,
}

impl TextScan {
    /// Offset behind the closing quote, or `None` if it is not in `bytes`.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let (blocks, tail) = bytes.as_chunks::<BLOCK>();
        for (index, block) in blocks.iter().enumerate() {
            let quotes = Block::load(block).quotes(&mut self.escape);
            if quotes != 0 {
                return Some(index * BLOCK + quotes.trailing_zeros() as usize + 1);
            }
        }
        let end = tail.iter().position(|&byte| self.byte(byte))?;
        Some(blocks.len() * BLOCK + end + 1)
    }

    fn byte(&mut self, byte: u8) -> bool {
        let escaped = self.escape == 1;
        self.escape = u64::from(!escaped && byte == b'\\');
        byte == b'"' && !escaped
    }
}

/// Length of the white space at the start of `bytes`.
#[inline]
pub(crate) fn blank(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|&byte| !is_blank(byte));
    end.unwrap_or(bytes.len())
}

#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// True for a byte that can follow a number or a literal.
#[inline]
pub(crate) fn ends_scalar(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b',' | b']' | b'}' | b'{' | b'[' | b'"' | b':')
}

/// True for `true`, `false`, `null` and numbers as JSON writes them.
pub(crate) fn is_scalar(bytes: &[u8]) -> bool {
    matches!(bytes, b"true" | b"false" | b"null") || is_number(bytes)
}

fn is_number(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let whole = digits(bytes);
    if whole == 0 || (whole > 1 && bytes[0] == b'0') {
        return false;
    }
    let mut rest = &bytes[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    let [b'e' | b'E', exponent @ ..] = rest else {
        return rest.is_empty();
    };
    let exponent = match exponent {
        [b'+' | b'-', rest @ ..] => rest,
        _ => exponent,
    };
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

fn digits(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit());
    end.unwrap_or(bytes.len())
}
