//! The spill file: an append-only log of events that a webhook receiver has not taken yet.
//!
//! An event is in the file before its first delivery is tried and leaves it when it is delivered or
//! refused, so a killed process loses nothing: the next one finds it here. Data is handed to the
//! system at once (`kill -9` loses nothing) and forced to disk by [`Spill::sync`] (called every
//! second and at the end, so a power cut loses at most the last second).
//!
//! Invariants: a sequence number is pending exactly while its frame is in the file unacknowledged;
//! pending frames never exceed the limit; one process at a time has the file open.

mod frame;

use self::frame::{Frame, HEADER, Scan};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Why the spill file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpillError {
    /// The limit is reached. Wait for deliveries, then try again.
    #[error("the spill file is full")]
    Full,
    /// Two processes must not deliver from one file. Choose another with `--webhook-spill`.
    #[error("{} is in use by another tidegate", .0.display())]
    InUse(PathBuf),
    /// Not a spill file, or one of a newer tidegate. It is left alone.
    #[error("{} is not a spill file of this version", .0.display())]
    Foreign(PathBuf),
    #[error("{}: {source}", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// One undelivered event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Events with the same key are delivered in order.
    pub(crate) key: String,
    /// The CloudEvent's id.
    pub(crate) id: String,
    /// The CloudEvent.
    pub(crate) body: Vec<u8>,
}

/// What opening found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovery {
    /// Sequence numbers and keys of undelivered events, oldest first.
    pub(crate) pending: Vec<(u64, String)>,
    /// Bytes cut off the end: a write that was interrupted.
    pub(crate) torn_bytes: u64,
    /// Bytes inside that are no valid frame; the file with them is kept beside as `.damaged`.
    pub(crate) damaged_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Spill {
    path: PathBuf,
    file: File,
    _lock: File,
    /// Where each unacknowledged event's frame lies.
    pending: BTreeMap<u64, Place>,
    next_sequence: u64,
    /// End of the file.
    size: u64,
    /// Sum of the pending frames.
    live: u64,
    limit: u64,
    dirty: bool,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    len: u64,
}

/// Acknowledged bytes that may lie around before the file is written anew.
const GARBAGE_MAX: u64 = 1 << 20;

impl Spill {
    /// Opens or creates the file, cuts a torn end off, and says what is still to be delivered.
    pub(crate) fn open(path: &Path, limit: u64) -> Result<(Self, Recovery), SpillError> {
        let fail = |source| SpillError::Io {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            create_private_folder(folder).map_err(fail)?;
        }
        let lock = lock(path)?;
        let mut file = private_file(path).map_err(fail)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fail)?;
        if !frame::is_ours(&bytes) {
            return Err(SpillError::Foreign(path.to_owned()));
        }
        let scan = frame::scan(&bytes);
        let mut spill = Self {
            path: path.to_owned(),
            file,
            _lock: lock,
            pending: BTreeMap::new(),
            next_sequence: scan.next_sequence,
            size: bytes.len() as u64,
            live: 0,
            limit,
            dirty: false,
        };
        let recovery = spill.recover(&scan, &bytes).map_err(fail)?;
        Ok((spill, recovery))
    }

    fn recover(&mut self, scan: &Scan, bytes: &[u8]) -> io::Result<Recovery> {
        if bytes.len() < HEADER.len() {
            self.reset()?;
        } else if scan.end < bytes.len() {
            self.truncate(scan.end as u64)?;
        }
        let mut recovery = Recovery {
            torn_bytes: (bytes.len() - scan.end.min(bytes.len())) as u64,
            damaged_bytes: scan.damaged_bytes as u64,
            ..Recovery::default()
        };
        for event in &scan.events {
            let place = Place {
                offset: event.offset as u64,
                len: event.len as u64,
            };
            self.live += place.len;
            self.pending.insert(event.sequence, place);
            recovery.pending.push((event.sequence, event.key.clone()));
        }
        if recovery.damaged_bytes > 0 {
            fs::copy(&self.path, sibling(&self.path, "damaged"))?;
            self.compact()?;
        }
        Ok(recovery)
    }

    /// Writes an event down and gives it a number. On an error nothing is kept of it.
    pub(crate) fn append(&mut self, record: &Record) -> Result<u64, SpillError> {
        let sequence = self.next_sequence;
        let bytes = frame::encode(&Frame::Event {
            sequence,
            record: record.clone(),
        });
        // One event alone always fits, or an oversized one would stop the line for ever.
        if self.live + bytes.len() as u64 > self.limit && !self.pending.is_empty() {
            return Err(SpillError::Full);
        }
        let place = Place {
            offset: self.size,
            len: bytes.len() as u64,
        };
        self.write(&bytes).map_err(|source| self.error(source))?;
        self.live += place.len;
        self.pending.insert(sequence, place);
        self.next_sequence += 1;
        Ok(sequence)
    }

    /// Reads an undelivered event back; nothing if there is none of that number.
    pub(crate) fn read(&mut self, sequence: u64) -> Result<Option<Record>, SpillError> {
        let Some(place) = self.pending.get(&sequence).copied() else {
            return Ok(None);
        };
        let bytes = self.read_at(place).map_err(|source| self.error(source))?;
        match frame::decode(&bytes) {
            Some((Frame::Event { record, .. }, _)) => Ok(Some(record)),
            _ => Err(self.error(io::Error::new(
                io::ErrorKind::InvalidData,
                "an event changed on disk",
            ))),
        }
    }

    /// The event is dealt with.
    pub(crate) fn acknowledge(&mut self, sequence: u64) -> Result<(), SpillError> {
        let Some(place) = self.pending.remove(&sequence) else {
            return Ok(());
        };
        self.live -= place.len;
        let done = if self.pending.is_empty() {
            self.truncate(HEADER.len() as u64)
        } else {
            self.write(&frame::encode(&Frame::Acknowledged { sequence }))
                .and_then(|()| {
                    let garbage = self.size.saturating_sub(self.live);
                    if garbage > GARBAGE_MAX.max(self.live) {
                        self.compact()
                    } else {
                        Ok(())
                    }
                })
        };
        done.map_err(|source| self.error(source))
    }

    /// Forces to disk what was written since the last call.
    pub(crate) fn sync(&mut self) -> Result<(), SpillError> {
        if self.dirty {
            self.file.sync_data().map_err(|source| self.error(source))?;
            self.dirty = false;
        }
        Ok(())
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn live_bytes(&self) -> u64 {
        self.live
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn error(&self, source: io::Error) -> SpillError {
        SpillError::Io {
            path: self.path.clone(),
            source,
        }
    }

    /// Appends; a partial write (disk full) is taken back, so that the next frame has a clean start.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.size))?;
        if let Err(error) = self.file.write_all(bytes) {
            let _ = self.file.set_len(self.size);
            return Err(error);
        }
        self.size += bytes.len() as u64;
        self.dirty = true;
        Ok(())
    }

    fn read_at(&mut self, place: Place) -> io::Result<Vec<u8>> {
        let len = usize::try_from(place.len).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        self.file.seek(SeekFrom::Start(place.offset))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.file.set_len(size)?;
        self.size = size;
        self.dirty = true;
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        self.truncate(0)?;
        self.write(HEADER)
    }

    /// Writes the pending frames to a new file and puts it in the old one's place.
    fn compact(&mut self) -> io::Result<()> {
        let fresh = sibling(&self.path, "new");
        let _ = fs::remove_file(&fresh);
        let mut file = private_file(&fresh)?;
        file.write_all(HEADER)?;
        let mut size = HEADER.len() as u64;
        let mut moved = BTreeMap::new();
        for (sequence, place) in self.pending.clone() {
            let bytes = self.read_at(place)?;
            file.write_all(&bytes)?;
            moved.insert(
                sequence,
                Place {
                    offset: size,
                    len: place.len,
                },
            );
            size += place.len;
        }
        file.sync_data()?;
        fs::rename(&fresh, &self.path)?;
        self.file = file;
        self.size = size;
        self.pending = moved;
        Ok(())
    }
}

/// `events.spill` → `events.spill.new`
pub(super) fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Events may hold Secrets: only the owner may read them.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A file beside the log, because the log itself is replaced when it is compacted.
fn lock(path: &Path) -> Result<File, SpillError> {
    let lock = private_file(&sibling(path, "lock")).map_err(|source| SpillError::Io {
        path: path.to_owned(),
        source,
    })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(SpillError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(SpillError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests;
