//! Reading: from the bytes of files to the state and the history. Changes nothing.

use crate::log::{
    dump::{self, DumpError},
    files::{self, Listing, failed},
    frame::{self, FileId, Found, HEAD, HEADER, HeadError, Header, Kind},
};
use crate::{
    entry::Event,
    error::OpenError,
    history::History,
    options::Options,
    shared::now_ms,
    state::{LARGEST_REVISION, State},
};
use bytes::Bytes;
use std::{
    fs::{self, File},
    io::{BufReader, Read},
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file that was read.
#[derive(Debug)]
pub(super) struct ReadFile {
    pub(super) id: FileId,
    pub(super) path: PathBuf,
    pub(super) length: usize,
    /// Where its last good frame ends.
    pub(super) end: usize,
    /// What follows that is no room, but the torn end of a batch.
    pub(super) torn: bool,
    pub(super) sealed: bool,
    pub(super) marked: bool,
    /// Where a mark was lost, and of which revision it was.
    pub(super) lost_mark: Option<(usize, u64)>,
    pub(super) last: u64,
}

/// Applies files in order.
#[derive(Debug)]
pub(super) struct Replay {
    dir: PathBuf,
    store: Option<u64>,
    /// The snapshot's revision.
    base: u64,
    /// The first revision that the next write in the log can have.
    pub(super) next: u64,
    now_ms: u64,
    /// The file that is read. One for all: what is made beside it would stay between one and the next.
    bytes: Vec<u8>,
    pub(super) state: State,
    pub(super) history: History,
}

impl Replay {
    /// Begins with the newest snapshot.
    pub(super) fn new(dir: &Path, listing: &Listing, options: &Options) -> Result<Self, OpenError> {
        let (store, state) = match listing.snapshots.last() {
            Some(revision) => {
                let (store, state) = read_snapshot(dir, *revision)?;
                (Some(store), state)
            }
            None => (None, State::default()),
        };
        Ok(Self {
            dir: dir.to_owned(),
            store,
            base: state.revision,
            next: 0,
            now_ms: now_ms(),
            bytes: Vec::new(),
            history: History::new(options.history.clone(), state.revision),
            state,
        })
    }

    /// Where the files begin that the snapshot does not make needless.
    pub(super) fn needed(&mut self, listing: &Listing) -> Result<usize, OpenError> {
        let wanted = self.base + 1;
        let before = listing.logs.partition_point(|first| *first <= wanted);
        let Some(index) = before.checked_sub(1) else {
            return Err(self.missing(wanted, listing.logs.first().copied()));
        };
        self.next = listing.logs[index];
        Ok(index)
    }

    fn missing(&self, from: u64, until: Option<u64>) -> OpenError {
        let what = match until {
            Some(until) => format!("the log from revision {from} to {}", until - 1),
            None => format!("the log from revision {from} on"),
        };
        OpenError::Missing {
            dir: self.dir.clone(),
            what,
        }
    }

    /// Reads the file that begins with a revision, before the file `next`.
    pub(super) fn file(
        &mut self,
        first: u64,
        next: Option<u64>,
        near_end: bool,
    ) -> Result<ReadFile, OpenError> {
        let path = files::log_path(&self.dir, first);
        let mut bytes = mem::take(&mut self.bytes);
        bytes.clear();
        File::open(&path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(failed("read", &path))?;
        let id = self.head(&path, &bytes, first)?;
        let mut file = ReadFile {
            id,
            path,
            length: bytes.len(),
            end: HEAD,
            torn: false,
            sealed: false,
            marked: true,
            lost_mark: None,
            last: 0,
        };
        // The last file; or the one before it, where the last has nothing yet.
        let open_end = near_end && next.is_none_or(|next| self.is_unused(next));
        self.frames(&mut file, &bytes, open_end)?;
        file.last = self.next - 1;
        self.bytes = bytes;
        match next {
            None if file.sealed => Err(self.missing(self.next, None)),
            Some(next) if next != self.next => {
                Err(self.missing(self.next, Some(next.max(self.next + 1))))
            }
            Some(_) if !file.sealed && !open_end => {
                let reason = "it is cut off: the next file has more";
                Err(damaged(&file.path, file.end, reason))
            }
            _ => Ok(file),
        }
    }

    /// The head says what the name says, and what the other files do.
    fn head(&mut self, path: &Path, bytes: &[u8], first: u64) -> Result<FileId, OpenError> {
        let id = FileId::decode(bytes).map_err(|error| match error {
            HeadError::Damaged(reason) => damaged(path, 0, reason),
            HeadError::Version(found) => OpenError::Version {
                path: path.to_owned(),
                found,
                expected: frame::VERSION,
            },
        })?;
        if id.first != first || *self.store.get_or_insert(id.store) != id.store {
            return Err(damaged(path, 0, "it is the file of another store or place"));
        }
        if first != self.next {
            return Err(self.missing(self.next, Some(first)));
        }
        Ok(id)
    }

    fn frames(
        &mut self,
        file: &mut ReadFile,
        bytes: &[u8],
        open_end: bool,
    ) -> Result<(), OpenError> {
        while !file.torn {
            let at = file.end;
            match frame::read(file.id, bytes, at) {
                Found::End => break,
                Found::Frame(header, payload) => {
                    self.frame(file, &header, payload)
                        .map_err(|reason| damaged(&file.path, at, reason))?;
                }
                Found::Bad(reason) => match judge(file.id, bytes, at, self.next) {
                    Judgement::Torn if open_end => file.torn = true,
                    Judgement::LostMark if open_end => {
                        file.lost_mark = Some((at, self.next - 1));
                        file.end += HEADER;
                    }
                    _ => return Err(damaged(&file.path, at, reason)),
                },
            }
        }
        Ok(())
    }

    /// Whether a file has a head and nothing else.
    fn is_unused(&self, first: u64) -> bool {
        let path = files::log_path(&self.dir, first);
        fs::metadata(path).is_ok_and(|metadata| metadata.len() == HEAD as u64)
    }

    fn frame(
        &mut self,
        file: &mut ReadFile,
        header: &Header,
        payload: &[u8],
    ) -> Result<(), String> {
        if file.sealed {
            return Err("something follows the end of the file".to_owned());
        }
        // Writes that were refused for want of room have left out their revisions.
        let possible = match header.kind {
            Kind::Batch if header.records > 0 => {
                self.next..=LARGEST_REVISION - u64::from(header.records)
            }
            Kind::Batch | Kind::Seal => self.next..=self.next,
            Kind::Mark => self.next - 1..=self.next - 1,
        };
        if !possible.contains(&header.revision) {
            return Err(format!(
                "the frame is of revision {}, not {}",
                header.revision,
                possible.start()
            ));
        }
        match header.kind {
            Kind::Batch => self.batch(header, payload)?,
            Kind::Seal => file.sealed = true,
            Kind::Mark => {}
        }
        file.marked = header.kind == Kind::Mark;
        file.end += HEADER + payload.len();
        Ok(())
    }

    fn batch(&mut self, header: &Header, mut payload: &[u8]) -> Result<(), String> {
        let mut events = Vec::new();
        self.next = header.revision;
        for _ in 0..header.records {
            let record =
                frame::take_record(&mut payload).ok_or("a write in the frame is malformed")?;
            let revision = self.next;
            self.next += 1;
            if revision <= self.base {
                continue;
            }
            let current = self
                .state
                .get(record.key)
                .map(|(key, entry)| (key.clone(), entry.clone()));
            if record.delete && current.is_none() || !record.key.contains('/') {
                return Err(format!("the write of revision {revision} is impossible"));
            }
            let (key, before) = match current {
                Some((key, before)) => (key, Some(before)),
                None => (record.key.into(), None),
            };
            let value = Bytes::copy_from_slice(record.value);
            let event = Arc::new(Event::new(revision, key, record.delete, value, before));
            self.state.apply(&event);
            events.push(event);
        }
        if !payload.is_empty() {
            return Err("the frame has more than its writes".to_owned());
        }
        self.history.append(&events, header.time_ms);
        self.history.trim(self.now_ms);
        self.history.forget(header.floor.min(self.next - 1));
        Ok(())
    }

    /// The log must reach the snapshot.
    pub(super) fn check_end(&self) -> Result<(), OpenError> {
        if self.next <= self.base {
            return Err(self.missing(self.next, Some(self.base + 1)));
        }
        Ok(())
    }
}

fn damaged(path: &Path, offset: usize, reason: impl Into<String>) -> OpenError {
    OpenError::Damaged {
        path: path.to_owned(),
        offset: offset as u64,
        reason: reason.into(),
    }
}

fn read_snapshot(dir: &Path, revision: u64) -> Result<(u64, State), OpenError> {
    let path = files::snapshot_path(dir, revision);
    let file = File::open(&path).map_err(failed("open", &path))?;
    let (store, state) =
        dump::read(&mut BufReader::with_capacity(1 << 16, file)).map_err(|error| match error {
            DumpError::Damaged { offset, reason } => OpenError::Damaged {
                path: path.clone(),
                offset,
                reason: reason.to_owned(),
            },
            DumpError::Version(found) => OpenError::Version {
                path: path.clone(),
                found,
                expected: dump::VERSION,
            },
            DumpError::Io(source) => failed("read", &path)(source),
        })?;
    if state.revision != revision {
        return Err(damaged(&path, 0, "it is the file of another revision"));
    }
    Ok((store, state))
}

/// What bytes that are no frame mean.
#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    /// Nothing follows: the end of a batch that was being written.
    Torn,
    /// A mark, which was not waited for, and then one last batch: nothing is lost.
    LostMark,
    /// Something follows, so this was durable once.
    Damaged,
}

fn judge(id: FileId, bytes: &[u8], at: usize, next: u64) -> Judgement {
    let Some((found, header)) = frame::find_header(id, bytes, at + 1) else {
        return Judgement::Torn;
    };
    let end = found
        .saturating_add(HEADER)
        .saturating_add(header.length as usize);
    let last_batch = found == at + HEADER
        && header.kind == Kind::Batch
        && header.revision >= next
        && Header::decode(id, bytes, at).is_none()
        && frame::find_header(id, bytes, end).is_none();
    if last_batch {
        Judgement::LostMark
    } else {
        Judgement::Damaged
    }
}
