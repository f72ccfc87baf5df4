//! JSON strings: where their next special byte is, and what they say once escapes are undone.
//!
//! Strict: half a surrogate pair is an error, as it is for serde_json, because no `str` can hold
//! it. Borrows unless there is an escape.

use std::borrow::Cow;

use wide::u8x16;

use crate::error::ScanError;

/// A string as written, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawText<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) escaped: bool,
    /// Where it starts in the input, for errors.
    pub(crate) offset: usize,
}

impl<'a> RawText<'a> {
    /// What it says, as text.
    #[inline]
    pub(crate) fn decode(self) -> Result<Cow<'a, str>, ScanError> {
        let invalid = self.fault("bytes that are not UTF-8");
        match self.unescape()? {
            Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                Err(_) => Err(invalid),
            },
            Cow::Owned(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Cow::Owned(text)),
                Err(_) => Err(invalid),
            },
        }
    }

    /// What it says, not checked to be UTF-8: enough to compare keys.
    #[inline]
    pub(crate) fn unescape(self) -> Result<Cow<'a, [u8]>, ScanError> {
        if !self.escaped {
            return Ok(Cow::Borrowed(self.bytes));
        }
        match unescape(self.bytes) {
            Ok(bytes) => Ok(Cow::Owned(bytes)),
            Err(fault) => Err(self.fault(fault)),
        }
    }

    fn fault(&self, fault: &'static str) -> ScanError {
        ScanError::BadText {
            fault,
            offset: self.offset,
        }
    }
}

/// Offset of the first quote, backslash or control character.
#[inline]
pub(crate) fn special(bytes: &[u8]) -> Option<usize> {
    let (quote, backslash) = (u8x16::splat(b'"'), u8x16::splat(b'\\'));
    let control = u8x16::splat(0x1f);
    let (lanes, tail) = bytes.as_chunks::<16>();
    for (index, lane) in lanes.iter().enumerate() {
        let lane = u8x16::new(*lane);
        let found = lane.simd_eq(quote) | lane.simd_eq(backslash) | lane.min(control).simd_eq(lane);
        let found = found.to_bitmask();
        if found != 0 {
            return Some(index * 16 + found.trailing_zeros() as usize);
        }
    }
    let found = tail
        .iter()
        .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)?;
    Some(lanes.len() * 16 + found)
}

fn unescape(mut bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::with_capacity(bytes.len());
    while let Some(at) = memchr::memchr(b'\\', bytes) {
        out.extend_from_slice(&bytes[..at]);
        bytes = escape(&bytes[at + 1..], &mut out)?;
    }
    out.extend_from_slice(bytes);
    Ok(out)
}

/// Undoes one escape, given what follows its backslash; gives what follows the escape.
fn escape<'a>(bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], &'static str> {
    let (&letter, rest) = bytes.split_first().ok_or("a backslash at its end")?;
    let byte = match letter {
        b'"' | b'\\' | b'/' => letter,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return unicode(rest, out),
        _ => return Err("an unknown escape"),
    };
    out.push(byte);
    Ok(rest)
}

fn unicode<'a>(bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], &'static str> {
    const LONE: &str = "half a surrogate pair";
    let (first, mut rest) = hex(bytes)?;
    let code = match first {
        0xd800..0xdc00 => {
            let low = rest.strip_prefix(b"\\u").ok_or(LONE)?;
            let (second, after) = hex(low)?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(LONE);
            }
            rest = after;
            0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        }
        _ => first,
    };
    let character = char::from_u32(code).ok_or(LONE)?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(rest)
}

fn hex(bytes: &[u8]) -> Result<(u32, &[u8]), &'static str> {
    const BAD: &str = "an escape without four hex digits";
    let (digits, rest) = bytes.split_at_checked(4).ok_or(BAD)?;
    let mut code = 0;
    for &digit in digits {
        code = code << 4 | char::from(digit).to_digit(16).ok_or(BAD)?;
    }
    Ok((code, rest))
}

/// Appends `text` as a JSON string, quotes included.
pub(crate) fn quote(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[high], HEX[low]]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
