//! Field lines to fields. The section is copied once; each line is looked at eight bytes at a time, and bytes alone only in
//! names that aren't known here.

use memchr::{memchr_iter, memrchr};

use super::{Entry, Fields, KnownName, Span};
use crate::{HeadError, chars};

/// Fills `fields` from a section of field lines: all its lines but the last, empty one. `ends` are the places of their
/// LFs, counted from `base` bytes before the section, each of which follows a CR.
pub(crate) fn parse(
    section: &[u8],
    base: usize,
    ends: &[u32],
    fields: &mut Fields,
) -> Result<(), HeadError> {
    fields.load(section);
    fields.list.reserve(ends.len());
    let mut start = 0;
    for &end in ends {
        let end = end as usize - base;
        if !parse_line(section, start, end - 1, fields) {
            return Err(complaint(section, ends.len() + 1));
        }
        start = end + 1;
    }
    Ok(())
}

/// One line, from `start` to its CR. False if there is anything wrong with it.
fn parse_line(section: &[u8], start: usize, end: usize, fields: &mut Fields) -> bool {
    let line = section.get(start..end).unwrap_or_default();
    let Some((name, raw)) = split(line) else {
        return false;
    };
    let known = KnownName::of(name);
    let (leading, length, plain) = shape(raw);
    let name_end = start + name.len();
    let value_start = name_end + 1 + leading;
    fields.add(Entry {
        name: Span::new(start, name_end),
        value: Span::new(value_start, value_start + length),
        known,
        whole: plain && leading == 1,
    });
    // What is known is a token. Whitespace around a transfer encoding one reader sees and the other one doesn't.
    (known.is_some() || chars::is_token(name))
        && chars::is_field_content(raw)
        && (plain || known != Some(KnownName::TransferEncoding))
}

/// At the first colon.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = chars::find(line, b':')?;
    Some((&line[..colon], &line[colon + 1..]))
}

/// How much whitespace stands before a value, how long it is, and whether there was at most one space, before it.
fn shape(raw: &[u8]) -> (usize, usize, bool) {
    match raw {
        // What all but a few send.
        [b' ', first, .., last] if !chars::is_blank(*first) && !chars::is_blank(*last) => {
            (1, raw.len() - 1, true)
        }
        _ => measure(raw),
    }
}

fn measure(raw: &[u8]) -> (usize, usize, bool) {
    let blank = |byte: &&u8| chars::is_blank(**byte);
    let leading = raw.iter().take_while(blank).count();
    let value = chars::trim(&raw[leading..]).len();
    let plain =
        leading + value == raw.len() && (leading == 0 || raw.starts_with(b" ") && leading == 1);
    (leading, value, plain)
}

/// What is wrong with a section of so many lines. Bytes that must not be in any head come first, wherever they are; then
/// the first line that is wrong.
#[cold]
fn complaint(section: &[u8], lines: usize) -> HeadError {
    if memchr_iter(b'\r', section).count() != lines {
        return HeadError::LineEnd;
    }
    let bad = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n');
    if let Some(place) = section.iter().position(bad) {
        // Where in its line it stands decides what is wrong.
        let line = memrchr(b'\n', &section[..place]).map_or(0, |end| end + 1);
        return match section[line..place].contains(&b':') {
            true => HeadError::FieldValue,
            false => HeadError::FieldName,
        };
    }
    let complaint = |line| line_complaint(line).err();
    let first = section.split(|byte| *byte == b'\n').find_map(complaint);
    first.unwrap_or(HeadError::FieldName)
}

/// Of a line with its CR, without control characters.
fn line_complaint(line: &[u8]) -> Result<(), HeadError> {
    let Some(line) = line.strip_suffix(b"\r").filter(|line| !line.is_empty()) else {
        return Ok(());
    };
    match split(line) {
        Some((name, raw)) if chars::is_token(name) => {
            let encoding = KnownName::of(name) == Some(KnownName::TransferEncoding);
            match encoding && !shape(raw).2 {
                true => Err(HeadError::Encoding),
                false => Ok(()),
            }
        }
        _ if chars::is_blank(line[0]) => Err(HeadError::FieldFolded),
        _ => Err(HeadError::FieldName),
    }
}
