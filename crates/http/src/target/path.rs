//! The one place where paths are normalised: before matching, policies and forwarding, which all see the same bytes.
//!
//! After it a path starts with `/`, has no dot segments, no percent-encoding of what needs none, and only upper-case
//! hexadecimal digits. Nothing that decides about segments is ever decoded: `%2F` stays what it is or is refused.
//! Normalising twice is the same as normalising once.

use std::borrow::Cow;

use crate::{HeadError, chars};

/// What becomes of paths that servers read in different ways. The defaults are the safe ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathPolicy {
    /// Several slashes in a row.
    pub slashes: Slashes,
    /// `%2F`, `%5C` and `\`.
    pub escaped_slashes: EscapedSlashes,
}

/// What becomes of `//`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slashes {
    /// They become one. The default, because most servers behind do so: `//admin` would pass by a rule for `/admin`
    /// here, and be `/admin` there.
    #[default]
    Merge,
    /// They stay. For servers that give each of them a meaning, as object stores do.
    Keep,
}

/// What becomes of `%2F`, `%5C` and `\`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EscapedSlashes {
    /// Refused. The default, because many servers behind decode them before they look for segments: `/x%2F..%2Fadmin`.
    #[default]
    Refuse,
    /// `%2F` and `%5C` stay encoded, but not beside dot segments. For servers that have names with slashes.
    Keep,
}

impl Default for PathPolicy {
    fn default() -> Self {
        Self {
            slashes: Slashes::Merge,
            escaped_slashes: EscapedSlashes::Refuse,
        }
    }
}

/// Normalises a path: what stands before the `?`. Borrowed where there was nothing to do, the common case.
///
/// # Errors
/// [`HeadError::Target`] where it isn't a path, [`HeadError::Path`] where no reading of it would be safe.
pub fn normalize_path(path: &[u8], policy: PathPolicy) -> Result<Cow<'_, str>, HeadError> {
    if path.first() != Some(&b'/') {
        return Err(HeadError::Target);
    }
    let clean = clean_prefix(path);
    if clean == path.len()
        && let Ok(path) = std::str::from_utf8(path)
    {
        return Ok(Cow::Borrowed(path));
    }
    let decoded = decode(path, policy)?;
    check_hidden_segments(&decoded)?;
    let joined = join(&decoded, policy.slashes)?;
    String::from_utf8(joined)
        .map(Cow::Owned)
        .map_err(|_| HeadError::Target)
}

/// How much of it is normalised, safe, and needs no second look.
fn clean_prefix(path: &[u8]) -> usize {
    let mut after_slash = false;
    path.iter()
        .position(|&byte| match byte {
            b'/' => std::mem::replace(&mut after_slash, true),
            b'.' => after_slash,
            _ => {
                after_slash = false;
                !chars::is(byte, chars::PATH)
            }
        })
        .unwrap_or(path.len())
}

/// Decodes what needs no encoding, encodes what does, and refuses what is neither.
fn decode(path: &[u8], policy: PathPolicy) -> Result<Vec<u8>, HeadError> {
    let mut out = Vec::with_capacity(path.len() + 16);
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => {
                let decoded = tail.get(..2).and_then(octet).ok_or(HeadError::Target)?;
                check_octet(decoded, &tail[2..], policy)?;
                rest = &tail[2..];
                match chars::is(decoded, chars::UNRESERVED) {
                    true => out.push(decoded),
                    false => encode(decoded, &mut out),
                }
            }
            b'\\' => return Err(HeadError::Path),
            b'/' | b';' => out.push(byte),
            _ if chars::is(byte, chars::PATH) => out.push(byte),
            _ if chars::is(byte, chars::ENCODE) => encode(byte, &mut out),
            _ => return Err(HeadError::Target),
        }
    }
    Ok(out)
}

fn octet(digits: &[u8]) -> Option<u8> {
    let (high, low) = (*digits.first()?, *digits.get(1)?);
    Some(chars::hex(high)? << 4 | chars::hex(low)?)
}

fn encode(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[
        b'%',
        DIGITS[usize::from(byte >> 4)],
        DIGITS[usize::from(byte & 15)],
    ]);
}

/// Refuses encoded octets that servers behind take for something else. `after` is what follows.
fn check_octet(octet: u8, after: &[u8], policy: PathPolicy) -> Result<(), HeadError> {
    let next = || match after {
        [b'%', digits @ ..] => self::octet(digits),
        _ => None,
    };
    let refused = match octet {
        0 => true,
        b'/' | b'\\' => policy.escaped_slashes == EscapedSlashes::Refuse,
        // UTF-8 that is longer than it need be hides dots and slashes.
        0xc0 | 0xc1 => true,
        0xe0 => next().is_some_and(|next| (0x80..0xa0).contains(&next)),
        0xf0 => next().is_some_and(|next| (0x80..0x90).contains(&next)),
        0xf8..=0xff => next().is_some_and(|next| (0x80..0x88).contains(&next)),
        _ => false,
    };
    match refused {
        true => Err(HeadError::Path),
        false => Ok(()),
    }
}

/// Refuses dot segments that only some servers see: behind an encoded slash, or before a `;`.
fn check_hidden_segments(path: &[u8]) -> Result<(), HeadError> {
    for segment in path.split(|&byte| byte == b'/') {
        if !segment.iter().any(|&byte| byte == b'%' || byte == b';') {
            continue;
        }
        let mut rest = segment;
        while !rest.is_empty() {
            let slash = |window: &[u8]| window == b"%2F" || window == b"%5C";
            let end = rest.windows(3).position(slash);
            let part = &rest[..end.unwrap_or(rest.len())];
            let name = part.split(|&byte| byte == b';').next().unwrap_or_default();
            if name == b"." || name == b".." {
                return Err(HeadError::Path);
            }
            rest = end.map_or(&[][..], |end| &rest[end + 3..]);
        }
    }
    Ok(())
}

/// Removes dot segments, and slashes in a row where they are to be merged. Above the root there is nothing.
fn join(path: &[u8], slashes: Slashes) -> Result<Vec<u8>, HeadError> {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    let mut segments = path[1..].split(|&byte| byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"" if slashes == Slashes::Merge && !last => {}
            b"." if last => out.push(b'/'),
            b"." => {}
            b".." => {
                let parent = out.iter().rposition(|&byte| byte == b'/');
                out.truncate(parent.ok_or(HeadError::Path)?);
                if last {
                    out.push(b'/');
                }
            }
            _ => {
                out.push(b'/');
                out.extend_from_slice(segment);
            }
        }
    }
    Ok(out)
}
