//! The bytes of a log file: its head, and the frames that follow.
//!
//! Does no IO. A frame is a header of [`HEADER`] bytes and a payload. The header's checksum also covers which store
//! and which file it is for, and where in it, so that nothing that looks like a frame within a value is taken for one.
//! All numbers are little-endian.
//!
//! ```text
//! file head: magic 8 | version 4 | checksum 4 | store 8 | first revision 8
//! header:    magic 4 | kind 4 | payload length 4 | records 4 | revision 8 | time 8 | floor 8
//!            | payload checksum 4 | header checksum 4
//! record:    kind 1 | key length 2 | value length 4 | key | value
//! ```

use crate::entry::{Event, EventKind};
use bytes::{Buf, BufMut};

pub(crate) const VERSION: u32 = 1;
/// The length of a file's head.
pub(crate) const HEAD: usize = 32;
/// The length of a frame's header.
pub(crate) const HEADER: usize = 48;
const HEAD_MAGIC: &[u8; 8] = b"TIDELOG\n";
const MAGIC: [u8; 4] = *b"\xF7TFr";
const RECORD: usize = 7;

/// Which file of which store: what all checksums of a file begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    pub(crate) store: u64,
    pub(crate) first: u64,
}

/// What is wrong with a file's head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    Damaged(&'static str),
    Version(u32),
}

impl FileId {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD);
        out.put_slice(HEAD_MAGIC);
        out.put_u32_le(VERSION);
        out.put_u32_le(self.checksum());
        out.put_u64_le(self.store);
        out.put_u64_le(self.first);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeadError> {
        let Some(mut head) = bytes.get(..HEAD) else {
            return Err(HeadError::Damaged("it is too short"));
        };
        if !head.starts_with(HEAD_MAGIC) {
            return Err(HeadError::Damaged("it is no log of a store"));
        }
        head.advance(HEAD_MAGIC.len());
        let version = head.get_u32_le();
        let checksum = head.get_u32_le();
        let id = Self {
            store: head.get_u64_le(),
            first: head.get_u64_le(),
        };
        // Of another version, nothing more is known.
        if version != VERSION && checksum != id.checksum() {
            return Err(HeadError::Version(version));
        }
        if version != VERSION || checksum != id.checksum() {
            return Err(HeadError::Damaged("the checksum of its head is wrong"));
        }
        Ok(id)
    }

    fn checksum(self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(HEAD_MAGIC);
        hasher.update(&VERSION.to_le_bytes());
        hasher.update(&self.store.to_le_bytes());
        hasher.update(&self.first.to_le_bytes());
        hasher.finalize()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Writes: `records` of them, the first with `revision`.
    Batch,
    /// All up to `revision` was durable when this was written.
    Mark,
    /// The file is complete; the next one begins with `revision`.
    Seal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) length: u32,
    pub(crate) records: u32,
    pub(crate) revision: u64,
    pub(crate) time_ms: u64,
    /// History before this revision was asked to be forgotten. 0: it was not.
    pub(crate) floor: u64,
    pub(crate) payload_checksum: u32,
}

impl Header {
    /// A frame without a payload.
    pub(crate) fn bare(kind: Kind, revision: u64, time_ms: u64) -> Self {
        Self {
            kind,
            length: 0,
            records: 0,
            revision,
            time_ms,
            floor: 0,
            payload_checksum: crc32fast::hash(&[]),
        }
    }

    /// The header for a place in a file.
    pub(crate) fn encode(&self, id: FileId, offset: u64) -> [u8; HEADER] {
        let mut out = [0_u8; HEADER];
        let mut rest = &mut out[..];
        rest.put_slice(&MAGIC);
        rest.put_u32_le(match self.kind {
            Kind::Batch => 1,
            Kind::Mark => 2,
            Kind::Seal => 3,
        });
        rest.put_u32_le(self.length);
        rest.put_u32_le(self.records);
        rest.put_u64_le(self.revision);
        rest.put_u64_le(self.time_ms);
        rest.put_u64_le(self.floor);
        rest.put_u32_le(self.payload_checksum);
        let checksum = checksum(id, offset, &out[..HEADER - 4]);
        out[HEADER - 4..].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The header at a place in a file, if there is one.
    pub(crate) fn decode(id: FileId, file: &[u8], at: usize) -> Option<Self> {
        let bytes = file.get(at..at.checked_add(HEADER)?)?;
        if bytes[..4] != MAGIC {
            return None;
        }
        let mut rest = &bytes[4..];
        let kind = match rest.get_u32_le() {
            1 => Kind::Batch,
            2 => Kind::Mark,
            3 => Kind::Seal,
            _ => return None,
        };
        let header = Self {
            kind,
            length: rest.get_u32_le(),
            records: rest.get_u32_le(),
            revision: rest.get_u64_le(),
            time_ms: rest.get_u64_le(),
            floor: rest.get_u64_le(),
            payload_checksum: rest.get_u32_le(),
        };
        let expected = checksum(id, at as u64, &bytes[..HEADER - 4]);
        (rest.get_u32_le() == expected).then_some(header)
    }
}

fn checksum(id: FileId, offset: u64, header: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&id.store.to_le_bytes());
    hasher.update(&id.first.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(header);
    hasher.finalize()
}

/// What is at a place in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Frame(Header, &'a [u8]),
    End,
    Bad(&'static str),
}

/// Reads the frame at a place. Behind the last one there is nothing, or zeros.
pub(crate) fn read(id: FileId, file: &[u8], at: usize) -> Found<'_> {
    let Some(header) = Header::decode(id, file, at) else {
        if is_room(file.get(at..).unwrap_or_default()) {
            return Found::End;
        }
        return Found::Bad("there is no header of a frame");
    };
    let payload = usize::try_from(header.length)
        .ok()
        .and_then(|length| file.get(at + HEADER..)?.get(..length));
    match payload {
        None => Found::Bad("the frame is cut off"),
        Some(payload) if crc32fast::hash(payload) != header.payload_checksum => {
            Found::Bad("the checksum of the frame is wrong")
        }
        Some(payload) => Found::Frame(header, payload),
    }
}

/// Whether there are only zeros.
fn is_room(rest: &[u8]) -> bool {
    const ZEROS: [u8; 1024] = [0; 1024];
    rest.chunks(ZEROS.len())
        .all(|chunk| *chunk == ZEROS[..chunk.len()])
}

/// The next place, from one on, where there is the header of a frame.
pub(crate) fn find_header(id: FileId, file: &[u8], from: usize) -> Option<(usize, Header)> {
    let mut at = from;
    loop {
        let rest = file.get(at..)?;
        at += memchr::memmem::find(rest, &MAGIC)?;
        if let Some(header) = Header::decode(id, file, at) {
            return Some((at, header));
        }
        at += 1;
    }
}

/// One write in a payload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) delete: bool,
    pub(crate) key: &'a str,
    pub(crate) value: &'a [u8],
}

/// Appends a write to a payload. The store has checked the lengths.
pub(crate) fn put_record(out: &mut Vec<u8>, event: &Event) {
    let key_length =
        u16::try_from(event.key.len()).expect("invariant: keys are shorter than 64 KiB");
    let value_length =
        u32::try_from(event.value.len()).expect("invariant: values are shorter than 4 GiB");
    out.put_u8(if event.kind == EventKind::Deleted {
        2
    } else {
        1
    });
    out.put_u16_le(key_length);
    out.put_u32_le(value_length);
    out.put_slice(event.key.as_bytes());
    out.put_slice(&event.value);
}

/// How long a record is.
pub(crate) fn record_length(event: &Event) -> usize {
    RECORD + event.key.len() + event.value.len()
}

/// Takes the next write from a payload. `None` if there is none.
pub(crate) fn take_record<'a>(payload: &mut &'a [u8]) -> Option<Record<'a>> {
    let (mut head, rest) = payload.split_at_checked(RECORD)?;
    let delete = match head.get_u8() {
        1 => false,
        2 => true,
        _ => return None,
    };
    let key_length = usize::from(head.get_u16_le());
    let value_length = usize::try_from(head.get_u32_le()).ok()?;
    let (key, rest) = rest.split_at_checked(key_length)?;
    let (value, rest) = rest.split_at_checked(value_length)?;
    *payload = rest;
    Some(Record {
        delete,
        key: std::str::from_utf8(key).ok()?,
        value,
    })
}
