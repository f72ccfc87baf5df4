//! One Kubernetes object as bytes: its metadata, and the object written without managedFields.
//!
//! Reads the top level and `metadata`; all else, such as spec and status, is only checked for
//! balance and may still be bad JSON.

use std::{borrow::Cow, ops::Range};

use crate::{
    cursor::{Cursor, Member},
    error::ScanError,
    meta::{self, Meta},
    status::{self, Status},
    text::quote,
};

/// An object, borrowed from the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawObject<'a> {
    bytes: &'a [u8],
    meta: Meta<'a>,
    api_version: Option<Cow<'a, str>>,
    kind: Option<Cow<'a, str>>,
    /// What a clean copy leaves out, counted from `base`; ascending and disjoint.
    dropped: Vec<Range<usize>>,
    base: usize,
    /// A clean copy has no members of its own.
    bare: bool,
}

impl<'a> RawObject<'a> {
    /// The object as received, without white space around it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its metadata.
    pub fn meta(&self) -> &Meta<'a> {
        &self.meta
    }

    /// Its apiVersion; `None` if absent, null or empty, as in items of built-in lists.
    pub fn api_version(&self) -> Option<&str> {
        self.api_version.as_deref()
    }

    /// Its kind; `None` if absent, null or empty, as in items of built-in lists.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Appends the object without `metadata.managedFields` to `out`. What is absent of
    /// `type_meta`, which is apiVersion and kind, is put in at the front.
    pub fn write_clean(&self, type_meta: Option<(&str, &str)>, out: &mut Vec<u8>) {
        out.reserve(self.bytes.len() + 64);
        out.push(b'{');
        if let Some((api_version, kind)) = type_meta {
            self.write_type(api_version, kind, out);
        }
        let mut from = 1;
        for span in &self.dropped {
            out.extend_from_slice(&self.bytes[from..span.start - self.base]);
            from = span.end - self.base;
        }
        out.extend_from_slice(&self.bytes[from..]);
    }

    fn write_type(&self, api_version: &str, kind: &str, out: &mut Vec<u8>) {
        let start = out.len();
        for (key, value, present) in [
            ("apiVersion", api_version, self.api_version.is_some()),
            ("kind", kind, self.kind.is_some()),
        ] {
            if present {
                continue;
            }
            if out.len() > start {
                out.push(b',');
            }
            quote(key, out);
            out.push(b':');
            quote(value, out);
        }
        if out.len() > start && !self.bare {
            out.push(b',');
        }
    }

    /// Reads the object as a Status, for ERROR events and failed lists.
    pub fn status(&self) -> Result<Status, ScanError> {
        status::parse(self.bytes)
    }
}

/// Reads one object. White space may surround it, but nothing else.
pub fn parse_object(bytes: &[u8]) -> Result<RawObject<'_>, ScanError> {
    let mut cursor = Cursor::new(bytes);
    cursor.whitespace();
    let object = object_at(&mut cursor)?;
    cursor.end()?;
    Ok(object)
}

/// Reads the object at the start of `bytes`, and tells its length.
pub(crate) fn object_prefix(bytes: &[u8]) -> Result<(RawObject<'_>, usize), ScanError> {
    let mut cursor = Cursor::new(bytes);
    let object = object_at(&mut cursor)?;
    Ok((object, cursor.pos()))
}

/// Reads the object where `cursor` stands.
pub(crate) fn object_at<'a>(cursor: &mut Cursor<'a>) -> Result<RawObject<'a>, ScanError> {
    let base = cursor.pos();
    let (mut meta, mut api_version, mut kind) = (Meta::default(), None, None);
    let mut bare = true;
    cursor.dropped.clear();
    cursor.members(|cursor, key| {
        let member = match key {
            b"metadata" => {
                meta = meta::parse(cursor)?;
                Member::Keep
            }
            b"apiVersion" => type_field(cursor, "apiVersion", &mut api_version)?,
            b"kind" => type_field(cursor, "kind", &mut kind)?,
            _ => {
                cursor.skip_value()?;
                Member::Keep
            }
        };
        bare = bare && member == Member::Drop;
        Ok(member)
    })?;
    Ok(RawObject {
        bytes: cursor.since(base),
        meta,
        api_version,
        kind,
        dropped: std::mem::take(&mut cursor.dropped),
        base,
        bare,
    })
}

/// A null or empty type counts as not written, and must not stay to contradict what is put in.
fn type_field<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    value: &mut Option<Cow<'a, str>>,
) -> Result<Member, ScanError> {
    match cursor.text(field)?.filter(|text| !text.is_empty()) {
        Some(text) => {
            *value = Some(text);
            Ok(Member::Keep)
        }
        None => Ok(Member::Drop),
    }
}
