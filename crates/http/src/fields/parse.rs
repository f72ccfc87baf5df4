//! Field lines to fields. The section is checked once as a whole and copied once; then only names are looked at.

use memchr::{memchr_iter, memrchr};

use super::{Fields, KnownName};
use crate::{HeadError, chars};

/// Fills `fields` from a section of field lines: all its lines but the last, empty one. `ends` are the places of their
/// LFs, counted from `base` bytes before the section.
pub(crate) fn parse(
    section: &[u8],
    base: usize,
    ends: &[u32],
    fields: &mut Fields,
) -> Result<(), HeadError> {
    check_bytes(section, ends.len() + 1)?;
    fields.load(section);
    fields.list.reserve(ends.len());
    let mut start = 0;
    for &end in ends {
        let end = end as usize - base;
        parse_line(start, end - 1, fields)?;
        start = end + 1;
    }
    Ok(())
}

/// No control characters but the CR LF at the ends of `lines` lines and tabs. That each LF follows a CR was seen when
/// the lines were found, so that counting CRs finds the other ones.
fn check_bytes(section: &[u8], lines: usize) -> Result<(), HeadError> {
    let (mut bad, mut returns) = (0, 0);
    for block in section.chunks(128) {
        let mut found = 0_u8;
        for &byte in block {
            bad |= (u8::from(byte < 0x20)
                & u8::from(byte != b'\t')
                & u8::from(byte != b'\r')
                & u8::from(byte != b'\n'))
                | u8::from(byte == 0x7f);
            found += u8::from(byte == b'\r');
        }
        returns += usize::from(found);
    }
    if bad == 0 && returns == lines {
        return Ok(());
    }
    Err(complaint(section, returns != lines))
}

/// Where in its line the bad byte stands decides what is wrong.
#[cold]
fn complaint(section: &[u8], bare_return: bool) -> HeadError {
    if bare_return {
        return HeadError::LineEnd;
    }
    let bad = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n');
    let place = section.iter().position(bad).unwrap_or_default();
    let line = memrchr(b'\n', &section[..place]).map_or(0, |end| end + 1);
    match memchr_iter(b':', &section[line..place]).next() {
        Some(_) => HeadError::FieldValue,
        None => HeadError::FieldName,
    }
}

/// One line, from `start` to its CR.
fn parse_line(start: usize, end: usize, fields: &mut Fields) -> Result<(), HeadError> {
    let line = fields.text().get(start..end).unwrap_or_default();
    let name = chars::span(line, chars::TOKEN);
    if name == 0 || line.get(name) != Some(&b':') {
        return Err(match line.first() {
            Some(&first) if chars::is_blank(first) => HeadError::FieldFolded,
            _ => HeadError::FieldName,
        });
    }
    let raw = &line[name + 1..];
    let (leading, value, plain) = match raw {
        // What all but a few send.
        [b' ', first, .., last] if !chars::is_blank(*first) && !chars::is_blank(*last) => {
            (1, raw.len() - 1, true)
        }
        _ => measure(raw),
    };
    let value_start = start + name + 1 + leading;
    let known = fields.add(start..start + name, value_start..value_start + value);
    // Hidden in whitespace, one reader sees it and the other one doesn't.
    match known == Some(KnownName::TransferEncoding) && !plain {
        true => Err(HeadError::Encoding),
        false => Ok(()),
    }
}

/// How much whitespace stands before a value, how long it is, and whether there was at most one space, before it.
fn measure(raw: &[u8]) -> (usize, usize, bool) {
    let blank = |byte: &&u8| chars::is_blank(**byte);
    let leading = raw.iter().take_while(blank).count();
    let value = chars::trim(&raw[leading..]).len();
    let plain =
        leading + value == raw.len() && (leading == 0 || raw.starts_with(b" ") && leading == 1);
    (leading, value, plain)
}
