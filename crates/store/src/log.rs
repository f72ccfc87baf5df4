//! The log: every write, in order, in files that only grow at their end.
//!
//! A batch is written, waited for, and then marked, before anybody hears of it. So there is never more than one batch
//! that may be half there; and damage to any that somebody heard of is seen, as something follows it.
//!
//! Invariant: a file is sealed only when the next one is there, so a seal at the very end means that a file is missing.

pub(crate) mod dump;
pub(crate) mod files;
mod frame;
mod recover;

pub(crate) use self::recover::{Opened, create_first, new_store, open};

use self::frame::{FileId, HEAD, HEADER, Header, Kind};
use crate::{entry::Event, shared::now_ms};
use std::{
    collections::VecDeque,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The payload of a frame is closed when it is longer than this.
const PAYLOAD: usize = 32 << 20;
/// What the buffer may keep after a large batch.
const KEPT_BUFFER: usize = 1 << 18;

/// The end of a file, as far as the log needs it.
pub(crate) trait Tail: Send + fmt::Debug {
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Waits until all bytes are on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Tail for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// How a file becomes the end of a log. Tests put disks that fail in between.
pub(crate) type Wrap = fn(File) -> Box<dyn Tail>;

#[derive(Debug)]
pub(crate) struct Log {
    dir: PathBuf,
    /// Held as long as the log is.
    _lock: File,
    fsync: bool,
    segment_bytes: u64,
    wrap: Wrap,
    /// The files before the last.
    closed: VecDeque<Closed>,
    id: FileId,
    tail: Box<dyn Tail>,
    offset: u64,
    /// The last revision that was written.
    last: u64,
    buffer: Vec<u8>,
    fsyncs: u64,
}

/// A file that is complete.
#[derive(Debug)]
struct Closed {
    first: u64,
    last: u64,
    bytes: u64,
}

impl Log {
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn store(&self) -> u64 {
        self.id.store
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.offset + self.closed.iter().map(|file| file.bytes).sum::<u64>()
    }

    pub(crate) fn files(&self) -> u64 {
        self.closed.len() as u64 + 1
    }

    pub(crate) fn fsyncs(&self) -> u64 {
        self.fsyncs
    }

    /// Makes writes durable. After an error it is not known whether they are, and the log must not be used again.
    pub(crate) fn commit(
        &mut self,
        events: &[Arc<Event>],
        compact: Option<u64>,
        time_ms: u64,
    ) -> io::Result<()> {
        if self.offset >= self.segment_bytes {
            self.rotate()?;
        }
        let mut rest = events;
        loop {
            let (frame, after) = rest.split_at(fitting(rest));
            rest = after;
            let floor = if rest.is_empty() {
                compact.unwrap_or(0)
            } else {
                0
            };
            self.write_batch(frame, floor, time_ms)?;
            // Before the next frame: at most one is not durable.
            self.sync()?;
            if rest.is_empty() {
                break;
            }
        }
        self.mark()
    }

    fn write_batch(&mut self, events: &[Arc<Event>], floor: u64, time_ms: u64) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.resize(HEADER, 0);
        for event in events {
            frame::put_record(&mut buffer, event);
        }
        let too_long = |_| io::Error::other("a batch is too long");
        let header = Header {
            kind: Kind::Batch,
            length: u32::try_from(buffer.len() - HEADER).map_err(too_long)?,
            records: u32::try_from(events.len()).map_err(too_long)?,
            revision: self.last + 1,
            time_ms,
            floor,
            payload_checksum: crc32fast::hash(&buffer[HEADER..]),
        };
        buffer[..HEADER].copy_from_slice(&header.encode(self.id, self.offset));
        self.append(&buffer)?;
        self.last += events.len() as u64;
        buffer.clear();
        buffer.shrink_to(KEPT_BUFFER);
        self.buffer = buffer;
        Ok(())
    }

    /// Says that all before it is durable, so that damage to it is not taken for a write that never ended.
    fn mark(&mut self) -> io::Result<()> {
        self.bare(Kind::Mark, self.last)
    }

    fn bare(&mut self, kind: Kind, revision: u64) -> io::Result<()> {
        let header = Header::bare(kind, revision, now_ms());
        let bytes = header.encode(self.id, self.offset);
        self.append(&bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tail.append(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.fsync {
            self.tail.sync()?;
            self.fsyncs += 1;
        }
        Ok(())
    }

    /// Begins another file.
    fn rotate(&mut self) -> io::Result<()> {
        let next = FileId {
            store: self.id.store,
            first: self.last + 1,
        };
        let path = files::log_path(&self.dir, next.first);
        files::create(&path, self.fsync, |out| out.write_all(&next.encode()))?;
        let file = OpenOptions::new().append(true).open(&path)?;
        self.bare(Kind::Seal, next.first)?;
        self.sync()?;
        self.closed.push_back(Closed {
            first: self.id.first,
            last: self.last,
            bytes: self.offset,
        });
        self.id = next;
        self.tail = (self.wrap)(file);
        self.offset = HEAD as u64;
        Ok(())
    }

    /// The bytes of files that a snapshot at a revision makes needless.
    pub(crate) fn reclaimable(&self, revision: u64) -> u64 {
        self.closed
            .iter()
            .take_while(|file| file.last <= revision)
            .map(|file| file.bytes)
            .sum()
    }

    /// Removes what a durable snapshot at a revision makes needless, the oldest first, so that no gap is ever left.
    pub(crate) fn reclaim(&mut self, revision: u64) {
        while let Some(file) = self.closed.front()
            && file.last <= revision
        {
            if !remove(&files::log_path(&self.dir, file.first)) {
                return;
            }
            self.closed.pop_front();
        }
        let Ok(listing) = files::list(&self.dir) else {
            return;
        };
        for older in listing
            .snapshots
            .into_iter()
            .filter(|older| *older < revision)
        {
            remove(&files::snapshot_path(&self.dir, older));
        }
    }

    /// Makes the last mark durable too.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.sync()
    }
}

/// How many events go into one frame.
fn fitting(events: &[Arc<Event>]) -> usize {
    let mut length = 0;
    let fit = events.iter().take_while(|event| {
        let more = length < PAYLOAD;
        length += frame::record_length(event);
        more
    });
    fit.count()
}

/// Removes a file. One that stays does no harm, and is tried again when the store is opened.
fn remove(path: &Path) -> bool {
    match fs::remove_file(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot remove a file that is not needed any more");
            false
        }
    }
}
