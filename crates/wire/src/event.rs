//! One watch event: its type and its object, in any order of keys.
//!
//! Knows nothing of what events mean or in which order they may come.

use crate::{
    cursor::{Cursor, Member},
    error::ScanError,
    object::{RawObject, object_at},
};

/// Type of a watch event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The object came into view.
    Added,
    /// The object changed.
    Modified,
    /// The object left view; it holds its last state with the deletion's resource version.
    Deleted,
    /// The object holds a resource version and perhaps annotations.
    Bookmark,
    /// The object is a Status, and the stream ends.
    Error,
}

/// A watch event, borrowed from the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchEvent<'a> {
    /// Its type.
    pub kind: EventKind,
    /// Its object.
    pub object: RawObject<'a>,
}

/// Reads one event. White space may surround it, but nothing else.
pub fn parse_event(frame: &[u8]) -> Result<WatchEvent<'_>, ScanError> {
    let mut cursor = Cursor::new(frame);
    cursor.whitespace();
    let event = event_at(&mut cursor)?;
    cursor.end()?;
    Ok(event)
}

/// Reads the event at the start of `bytes`, and tells its length.
pub(crate) fn event_prefix(bytes: &[u8]) -> Result<(WatchEvent<'_>, usize), ScanError> {
    let mut cursor = Cursor::new(bytes);
    let event = event_at(&mut cursor)?;
    Ok((event, cursor.pos()))
}

fn event_at<'a>(cursor: &mut Cursor<'a>) -> Result<WatchEvent<'a>, ScanError> {
    let (mut kind, mut object) = (None, None);
    cursor.members(|cursor, key| {
        match key {
            b"type" => {
                kind = cursor
                    .text("type")?
                    .as_deref()
                    .map(event_kind)
                    .transpose()?
            }
            b"object" if cursor.peek()? == b'{' => object = Some(object_at(cursor)?),
            b"object" => return Err(cursor.wrong("object", "an object")),
            _ => cursor.skip_value()?,
        }
        Ok(Member::Keep)
    })?;
    Ok(WatchEvent {
        kind: kind.ok_or(ScanError::Missing { field: "type" })?,
        object: object.ok_or(ScanError::Missing { field: "object" })?,
    })
}

fn event_kind(name: &str) -> Result<EventKind, ScanError> {
    Ok(match name {
        "ADDED" => EventKind::Added,
        "MODIFIED" => EventKind::Modified,
        "DELETED" => EventKind::Deleted,
        "BOOKMARK" => EventKind::Bookmark,
        "ERROR" => EventKind::Error,
        _ => {
            let letters = name.chars().filter(char::is_ascii_alphanumeric);
            let name = letters.take(32).collect();
            return Err(ScanError::UnknownEvent { name });
        }
    })
}
