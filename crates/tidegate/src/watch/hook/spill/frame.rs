//! The spill file's frames: how one is written, and how a whole file is read, whatever happened to it.
//!
//! `marker(4) length(4) crc32(4) kind(1) payload`; the length counts kind and payload, the checksum
//! covers length, kind and payload. Integers are little-endian. Does no IO.
//!
//! Invariant: `scan` accepts any bytes, and what it reports as an event has a correct checksum.

use super::Record;
use std::collections::{BTreeMap, BTreeSet};

/// First bytes of a spill file; the digit is the version.
pub(super) const HEADER: &[u8] = b"TGSPILL1";

/// Lets a reader find the next frame after a damaged one.
const MARKER: &[u8; 4] = b"\xf5TG\x1e";
const FIXED: usize = 12;

const EVENT: u8 = 1;
const ACKNOWLEDGED: u8 = 2;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Event { sequence: u64, record: Record },
    Acknowledged { sequence: u64 },
}

/// An event's frame as found in a file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) sequence: u64,
    pub(super) key: String,
    pub(super) offset: usize,
    pub(super) len: usize,
}

#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Unacknowledged, by sequence.
    pub(super) events: Vec<Found>,
    pub(super) next_sequence: u64,
    /// Where the last whole frame ends; what follows is torn.
    pub(super) end: usize,
    /// Bytes before `end` that belong to no frame.
    pub(super) damaged_bytes: usize,
}

/// An empty file, the start of a header, or a header with anything behind it.
pub(super) fn is_ours(bytes: &[u8]) -> bool {
    if bytes.len() < HEADER.len() {
        HEADER.starts_with(bytes)
    } else {
        bytes.starts_with(HEADER)
    }
}

pub(super) fn encode(frame: &Frame) -> Vec<u8> {
    let mut payload = Vec::new();
    match frame {
        Frame::Event { sequence, record } => {
            payload.push(EVENT);
            payload.extend_from_slice(&sequence.to_le_bytes());
            for text in [&record.key, &record.id] {
                payload.extend_from_slice(&length(text.len()));
                payload.extend_from_slice(text.as_bytes());
            }
            payload.extend_from_slice(&record.body);
        }
        Frame::Acknowledged { sequence } => {
            payload.push(ACKNOWLEDGED);
            payload.extend_from_slice(&sequence.to_le_bytes());
        }
    }
    let len = length(payload.len());
    let mut out = Vec::with_capacity(FIXED + payload.len());
    out.extend_from_slice(MARKER);
    out.extend_from_slice(&len);
    out.extend_from_slice(&checksum(len, &payload).to_le_bytes());
    out.extend_from_slice(&payload);
    out
}

/// Objects are far below 4 GiB: the API server refuses those over a few MiB.
fn length(len: usize) -> [u8; 4] {
    u32::try_from(len)
        .expect("invariant: a frame is smaller than 4 GiB")
        .to_le_bytes()
}

fn checksum(len: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&len);
    hasher.update(payload);
    hasher.finalize()
}

/// The frame at the start of the bytes and its length, if it is whole and sound.
pub(super) fn decode(bytes: &[u8]) -> Option<(Frame, usize)> {
    let fixed: &[u8; FIXED] = bytes.first_chunk()?;
    let (marker, rest) = fixed.split_first_chunk::<4>()?;
    let (len, crc) = rest.split_first_chunk::<4>()?;
    if marker != MARKER {
        return None;
    }
    let end = FIXED.checked_add(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    let payload = bytes.get(FIXED..end)?;
    if crc != checksum(*len, payload).to_le_bytes() {
        return None;
    }
    let (kind, payload) = payload.split_first()?;
    let (sequence, payload) = payload.split_first_chunk::<8>()?;
    let sequence = u64::from_le_bytes(*sequence);
    let frame = match *kind {
        EVENT => {
            let (key, rest) = text(payload)?;
            let (id, body) = text(rest)?;
            Frame::Event {
                sequence,
                record: Record {
                    key,
                    id,
                    body: body.to_vec(),
                },
            }
        }
        ACKNOWLEDGED => Frame::Acknowledged { sequence },
        _ => return None,
    };
    Some((frame, end))
}

fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    Some((String::from_utf8(text.to_vec()).ok()?, rest))
}

/// Reads all frames; steps over damage to the next marker that starts a sound frame.
pub(super) fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan {
        next_sequence: 1,
        end: bytes.len().min(HEADER.len()),
        ..Scan::default()
    };
    let mut events: BTreeMap<u64, Found> = BTreeMap::new();
    let mut acknowledged: BTreeSet<u64> = BTreeSet::new();
    let mut at = scan.end;
    while at < bytes.len() {
        let Some((frame, len)) = decode(&bytes[at..]) else {
            at = next_marker(bytes, at + 1);
            continue;
        };
        scan.damaged_bytes += at - scan.end;
        match frame {
            Frame::Event { sequence, record } => {
                events.insert(
                    sequence,
                    Found {
                        sequence,
                        key: record.key,
                        offset: at,
                        len,
                    },
                );
                scan.next_sequence = scan.next_sequence.max(sequence.saturating_add(1));
            }
            Frame::Acknowledged { sequence } => {
                acknowledged.insert(sequence);
                scan.next_sequence = scan.next_sequence.max(sequence.saturating_add(1));
            }
        }
        at += len;
        scan.end = at;
    }
    scan.events = events
        .into_values()
        .filter(|found| !acknowledged.contains(&found.sequence))
        .collect();
    scan
}

fn next_marker(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(MARKER.len())
        .position(|window| window == MARKER)
        .map_or(bytes.len(), |at| from + at)
}
