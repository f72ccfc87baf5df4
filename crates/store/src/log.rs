//! The log: every write, in order, in files that are only written at their end.
//!
//! A batch is written, waited for, and then marked, before anybody hears of it. So there is never more than one batch
//! that may be half there; and damage to any that somebody heard of is seen, as something follows it.
//!
//! Invariant: a file is sealed only when the next one is there, so a seal at the very end means that a file is missing.

pub(crate) mod dump;
pub(crate) mod files;
mod frame;
mod recover;
mod tail;

pub(crate) use self::{
    recover::{Opened, create_first, new_store, open},
    tail::Disk,
};

use self::{
    files::Lock,
    frame::{FileId, HEAD, HEADER, Header, Kind},
    tail::Tail,
};
use crate::{entry::Event, error::WriteError, shared::now_ms};
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

/// How a file becomes the end of a log. Tests put disks that fail in between.
pub(crate) type Wrap = Arc<dyn Fn(File) -> Box<dyn Disk> + Send + Sync>;

/// Why a batch is not durable.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// There is no room for it, or nothing to do it with. Nothing of it was written, and the log can be used.
    Refused(WriteError),
    /// It is not known whether it is, and the log must not be used again.
    Broken(io::Error),
}

impl CommitError {
    /// An error from before anything of the batch was written.
    fn before(error: io::Error) -> Self {
        let refused = |refusal: fn(Arc<str>) -> WriteError| {
            let reason = error.to_string().into();
            Self::Refused(refusal(reason))
        };
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                refused(WriteError::NoRoom)
            }
            io::ErrorKind::OutOfMemory => refused(WriteError::NotNow),
            _ if is_out_of_files(&error) => refused(WriteError::NotNow),
            _ => Self::Broken(error),
        }
    }
}

pub(crate) struct Log {
    dir: PathBuf,
    lock: Lock,
    fsync: bool,
    segment_bytes: u64,
    wrap: Wrap,
    /// The files before the last.
    closed: VecDeque<Closed>,
    id: FileId,
    tail: Tail,
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
        self.tail.offset() + self.closed.iter().map(|file| file.bytes).sum::<u64>()
    }

    pub(crate) fn files(&self) -> u64 {
        self.closed.len() as u64 + 1
    }

    pub(crate) fn fsyncs(&self) -> u64 {
        self.fsyncs
    }

    /// Makes writes durable.
    pub(crate) fn commit(
        &mut self,
        events: &[Arc<Event>],
        compact: Option<u64>,
        time_ms: u64,
    ) -> Result<(), CommitError> {
        // A file without writes would have the same name as the next.
        let has_writes = self.last >= self.id.first;
        if self.tail.offset() >= self.segment_bytes && has_writes {
            let next = self.begin_file().map_err(CommitError::before)?;
            self.go_to(next).map_err(CommitError::Broken)?;
        }
        self.tail
            .reserve(longest(events))
            .map_err(CommitError::before)?;
        self.write(events, compact, time_ms)
            .map_err(CommitError::Broken)
    }

    fn write(
        &mut self,
        events: &[Arc<Event>],
        compact: Option<u64>,
        time_ms: u64,
    ) -> io::Result<()> {
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
        self.lock.check()?;
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
            revision: events.first().map_or(self.last + 1, |event| event.revision),
            time_ms,
            floor,
            payload_checksum: crc32fast::hash(&buffer[HEADER..]),
        };
        buffer[..HEADER].copy_from_slice(&header.encode(self.id, self.tail.offset()));
        self.tail.append(&buffer)?;
        self.last = events.last().map_or(self.last, |event| event.revision);
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
        let bytes = header.encode(self.id, self.tail.offset());
        self.tail.append(&bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.fsync {
            self.tail.sync()?;
            self.fsyncs += 1;
        }
        Ok(())
    }

    /// Makes the next file. It is of no account until something is in it.
    fn begin_file(&self) -> io::Result<(FileId, File)> {
        let next = FileId {
            store: self.id.store,
            first: self.last + 1,
        };
        let path = files::log_path(&self.dir, next.first);
        files::create(&path, self.fsync, |out| out.write_all(&next.encode()))?;
        Ok((next, OpenOptions::new().write(true).open(&path)?))
    }

    /// Completes this file, and goes on with the next.
    fn go_to(&mut self, (next, file): (FileId, File)) -> io::Result<()> {
        self.bare(Kind::Seal, next.first)?;
        self.tail.cut()?;
        self.sync()?;
        self.closed.push_back(Closed {
            first: self.id.first,
            last: self.last,
            bytes: self.tail.offset(),
        });
        self.id = next;
        let head = HEAD as u64;
        self.tail = Tail::new((self.wrap)(file), head, head, self.segment_bytes);
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

    /// Makes the last mark durable too, and gives back what room is left.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.tail.cut()?;
        self.sync()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Log");
        out.field("dir", &self.dir).field("last", &self.last);
        out.finish_non_exhaustive()
    }
}

/// Whether the process or the machine has as many files open as it may: others will be closed.
fn is_out_of_files(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// How many bytes a commit can take, with the mark, and a seal if it is the last of its file.
fn longest(events: &[Arc<Event>]) -> u64 {
    let records: usize = events.iter().map(|event| frame::record_length(event)).sum();
    let frames = records / PAYLOAD + 1;
    (records + (frames + 2) * HEADER) as u64
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
