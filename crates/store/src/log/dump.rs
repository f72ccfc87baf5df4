//! A whole state as bytes: what snapshot files and backups are made of.
//!
//! A head, chunks of entries in the order of their keys, and an end that counts them. Each chunk's checksum also covers
//! its number and the head's, so that chunks can't be missing, exchanged, or of another dump.
//!
//! ```text
//! head:  magic 8 | version 4 | checksum 4 | store 8 | revision 8
//! chunk: length 4 | checksum 4 | entries
//! entry: key length 2 | value length 4 | revision 8 | created revision 8 | key | value
//! end:   a chunk of length 0, then entries 8 | checksum 4
//! ```

use crate::{
    entry::{Entry, collection},
    state::{LARGEST_REVISION, State},
    write::MAX_KEY_BYTES,
};
use bytes::{Buf, BufMut, Bytes};
use std::{
    io::{self, Read, Write},
    sync::Arc,
};

pub(crate) const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"TIDESNP\n";
const HEAD: usize = 32;
const ENTRY: usize = 22;
/// Chunks are closed when they are longer than this.
const CHUNK: usize = 1 << 16;
/// No chunk is longer: values have at most 1 GiB.
const LONGEST: usize = (1 << 30) + CHUNK + ENTRY + MAX_KEY_BYTES;

#[derive(Debug)]
pub(crate) enum DumpError {
    Damaged { offset: u64, reason: &'static str },
    Version(u32),
    Io(io::Error),
}

/// Writes a state. Returns how many bytes that took. `go_on` is asked now and then.
pub(crate) fn write(
    out: &mut impl Write,
    state: &State,
    store: u64,
    go_on: impl Fn() -> bool,
) -> io::Result<u64> {
    let mut head = Vec::with_capacity(HEAD);
    head.put_slice(MAGIC);
    head.put_u32_le(VERSION);
    head.put_u32_le(head_checksum(store, state.revision));
    head.put_u64_le(store);
    head.put_u64_le(state.revision);
    out.write_all(&head)?;
    let mut written = head.len() as u64;
    let seed = head_checksum(store, state.revision);
    let mut number = 0;
    let mut chunk = Vec::with_capacity(CHUNK * 2);
    for (key, entry) in state.range("", None) {
        put_entry(&mut chunk, key, entry);
        if chunk.len() >= CHUNK {
            if !go_on() {
                return Err(io::Error::new(
                    io::ErrorKind::Interrupted,
                    "the store is closing",
                ));
            }
            written += write_chunk(out, seed, number, &chunk)?;
            number += 1;
            chunk.clear();
        }
    }
    if !chunk.is_empty() {
        written += write_chunk(out, seed, number, &chunk)?;
        number += 1;
    }
    chunk.clear();
    chunk.put_u64_le(state.entries());
    let checksum = checksum(seed, number, &chunk);
    out.write_all(&0_u32.to_le_bytes())?;
    out.write_all(&chunk)?;
    out.write_all(&checksum.to_le_bytes())?;
    Ok(written + 16)
}

fn put_entry(chunk: &mut Vec<u8>, key: &str, entry: &Entry) {
    let key_length = u16::try_from(key.len()).expect("invariant: keys are shorter than 64 KiB");
    let value_length =
        u32::try_from(entry.value.len()).expect("invariant: values are shorter than 4 GiB");
    chunk.put_u16_le(key_length);
    chunk.put_u32_le(value_length);
    chunk.put_u64_le(entry.revision);
    chunk.put_u64_le(entry.created_revision);
    chunk.put_slice(key.as_bytes());
    chunk.put_slice(&entry.value);
}

fn write_chunk(out: &mut impl Write, seed: u32, number: u64, chunk: &[u8]) -> io::Result<u64> {
    let length = u32::try_from(chunk.len()).map_err(|_| io::Error::other("a chunk is too long"))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&checksum(seed, number, chunk).to_le_bytes())?;
    out.write_all(chunk)?;
    Ok(8 + u64::from(length))
}

fn head_checksum(store: u64, revision: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(MAGIC);
    hasher.update(&VERSION.to_le_bytes());
    hasher.update(&store.to_le_bytes());
    hasher.update(&revision.to_le_bytes());
    hasher.finalize()
}

fn checksum(seed: u32, number: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// Reads a state, and the number of the store that it is of. Nothing may follow it.
pub(crate) fn read(input: &mut impl Read) -> Result<(u64, State), DumpError> {
    let mut input = Input {
        input,
        offset: 0,
        chunk: 0,
    };
    let head = input.take(HEAD)?;
    let mut rest = &head[..];
    if !rest.starts_with(MAGIC) {
        return Err(damaged(0, "it does not begin as a state does"));
    }
    rest.advance(MAGIC.len());
    let version = rest.get_u32_le();
    let given = rest.get_u32_le();
    let (store, revision) = (rest.get_u64_le(), rest.get_u64_le());
    let seed = head_checksum(store, revision);
    if version != VERSION && given != seed {
        return Err(DumpError::Version(version));
    }
    if version != VERSION || given != seed {
        return Err(damaged(0, "the checksum of its head is wrong"));
    }
    if revision > LARGEST_REVISION {
        return Err(damaged(0, "its revision is too large"));
    }
    let mut state = State::default();
    let mut last: Option<Arc<str>> = None;
    for number in 0.. {
        let at = input.offset;
        input.chunk = at;
        let length = (&input.take(4)?[..]).get_u32_le() as usize;
        if length == 0 {
            input.end(seed, number, &state)?;
            break;
        }
        if length > LONGEST {
            return Err(damaged(at, "the length of a chunk is wrong"));
        }
        let given = (&input.take(4)?[..]).get_u32_le();
        let chunk = input.take(length)?;
        if checksum(seed, number, &chunk) != given {
            return Err(damaged(at, "the checksum of a chunk is wrong"));
        }
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            let entry = take_entry(&mut rest).filter(|(key, entry)| {
                let in_order = last.as_ref().is_none_or(|last| **last < **key);
                in_order && entry.revision <= revision && entry.created_revision <= entry.revision
            });
            let (key, entry) = entry.ok_or_else(|| damaged(at, "an entry is wrong"))?;
            state.set(&key, Some(Arc::new(entry)));
            last = Some(key);
        }
    }
    state.revision = revision;
    Ok((store, state))
}

fn take_entry(rest: &mut &[u8]) -> Option<(Arc<str>, Entry)> {
    let (mut head, tail) = rest.split_at_checked(ENTRY)?;
    let key_length = usize::from(head.get_u16_le());
    let value_length = usize::try_from(head.get_u32_le()).ok()?;
    let (revision, created_revision) = (head.get_u64_le(), head.get_u64_le());
    let (key, tail) = tail.split_at_checked(key_length)?;
    let (value, tail) = tail.split_at_checked(value_length)?;
    *rest = tail;
    let key = std::str::from_utf8(key).ok()?;
    collection(key)?;
    let entry = Entry {
        value: Bytes::copy_from_slice(value),
        revision,
        created_revision,
    };
    Some((key.into(), entry))
}

fn damaged(offset: u64, reason: &'static str) -> DumpError {
    DumpError::Damaged { offset, reason }
}

struct Input<'a, R> {
    input: &'a mut R,
    offset: u64,
    /// Where the chunk began that is being read: what is to blame when it goes wrong.
    chunk: u64,
}

impl<R: Read> Input<'_, R> {
    /// Exactly so many bytes. Memory grows with what is there, not with what a damaged length claims.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, DumpError> {
        let mut bytes = Vec::with_capacity(length.min(2 * CHUNK));
        let read = (&mut self.input)
            .take(length as u64)
            .read_to_end(&mut bytes);
        read.map_err(DumpError::Io)?;
        if bytes.len() < length {
            return Err(damaged(self.chunk, "it is cut off"));
        }
        self.offset += length as u64;
        Ok(bytes)
    }

    fn end(&mut self, seed: u32, number: u64, state: &State) -> Result<(), DumpError> {
        let end = self.take(12)?;
        let (mut count, mut given) = end.split_at(8);
        if checksum(seed, number, count) != given.get_u32_le()
            || count.get_u64_le() != state.entries()
        {
            return Err(damaged(self.chunk, "the checksum of its end is wrong"));
        }
        let mut more = [0];
        if self.input.read(&mut more).map_err(DumpError::Io)? > 0 {
            return Err(damaged(self.offset, "something follows its end"));
        }
        Ok(())
    }
}
