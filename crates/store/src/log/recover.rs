//! Opening: from files to the state, the history, and a log that goes on.
//!
//! Nothing on the disk is changed before everything was read and found whole. What may be missing is only the end of
//! the last batch, which nobody heard of; anything else refuses.

use super::{
    Closed, Log, Wrap,
    dump::{self, DumpError},
    files::{self, Listing, failed},
    frame::{self, FileId, Found, HEAD, HEADER, HeadError, Header, Kind},
    remove,
};
use crate::{
    entry::Event, error::OpenError, history::History, options::Options, shared::now_ms,
    state::State,
};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io::{self, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a directory had.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) log: Log,
    pub(crate) state: State,
    pub(crate) history: History,
}

/// Opens a directory, which is made if there is none.
pub(crate) fn open(dir: &Path, options: &Options, wrap: Wrap) -> Result<Opened, OpenError> {
    let lock = files::lock(dir)?;
    let mut listing = files::list(dir)?;
    if listing.logs.is_empty() && listing.snapshots.is_empty() {
        create_first(dir, new_store(), 1, options.fsync)?;
        listing.logs.push(1);
    }
    let mut replay = Replay::new(dir, &listing, options)?;
    let needed = replay.needed(&listing)?;
    let (stale, logs) = listing.logs.split_at(needed);
    let mut read = Vec::new();
    for (index, first) in logs.iter().enumerate() {
        let next = logs.get(index + 1).copied();
        let last_of_all = index + 2 >= logs.len();
        read.push(replay.file(*first, next, last_of_all)?);
    }
    replay.check_end()?;

    for path in &listing.unfinished {
        remove(path);
    }
    for first in stale {
        remove(&files::log_path(dir, *first));
    }
    for revision in listing.snapshots.iter().rev().skip(1) {
        remove(&files::snapshot_path(dir, *revision));
    }
    let last = replay.next - 1;
    let log = go_on(dir, lock, options, wrap, read, last)?;
    Ok(Opened {
        log,
        state: replay.state,
        history: replay.history,
    })
}

/// Makes the first file of a log.
pub(crate) fn create_first(
    dir: &Path,
    store: u64,
    first: u64,
    fsync: bool,
) -> Result<(), OpenError> {
    let path = files::log_path(dir, first);
    let head = FileId { store, first }.encode();
    files::create(&path, fsync, |out| out.write_all(&head)).map_err(failed("create", &path))
}

/// A number that no other store has.
pub(crate) fn new_store() -> u64 {
    RandomState::new().hash_one(now_ms())
}

/// A file that was read.
#[derive(Debug)]
struct ReadFile {
    id: FileId,
    path: PathBuf,
    /// Where its last good frame ends.
    end: usize,
    /// What follows that, and is cut off.
    torn: usize,
    sealed: bool,
    marked: bool,
    /// Where a mark was lost, and of which revision it was.
    lost_mark: Option<(usize, u64)>,
    last: u64,
}

/// Applies files in order.
struct Replay {
    dir: PathBuf,
    store: Option<u64>,
    /// The snapshot's revision.
    base: u64,
    /// The revision that the next write in the log must have.
    next: u64,
    now_ms: u64,
    state: State,
    history: History,
}

impl Replay {
    fn new(dir: &Path, listing: &Listing, options: &Options) -> Result<Self, OpenError> {
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
            history: History::new(options.history.clone(), state.revision),
            state,
        })
    }

    /// Where the files begin that the snapshot does not make needless.
    fn needed(&mut self, listing: &Listing) -> Result<usize, OpenError> {
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

    fn file(
        &mut self,
        first: u64,
        next: Option<u64>,
        near_end: bool,
    ) -> Result<ReadFile, OpenError> {
        let path = files::log_path(&self.dir, first);
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        let damaged = |offset: usize, reason: String| OpenError::Damaged {
            path: path.clone(),
            offset: offset as u64,
            reason,
        };
        let id = FileId::decode(&bytes).map_err(|error| match error {
            HeadError::Damaged(reason) => damaged(0, reason.to_owned()),
            HeadError::Version(found) => OpenError::Version {
                path: path.clone(),
                found,
                expected: frame::VERSION,
            },
        })?;
        if id.first != first || *self.store.get_or_insert(id.store) != id.store {
            return Err(damaged(
                0,
                "it is the file of another store or place".to_owned(),
            ));
        }
        if first != self.next {
            return Err(self.missing(self.next, Some(first)));
        }
        let mut file = ReadFile {
            id,
            path: path.clone(),
            end: HEAD,
            torn: 0,
            sealed: false,
            marked: true,
            lost_mark: None,
            last: self.next - 1,
        };
        // The last file; or the one before it, where the last has nothing yet.
        let open_end = near_end && next.is_none_or(|next| self.is_unused(next));
        while file.torn == 0 && file.end < bytes.len() {
            let at = file.end;
            match frame::read(id, &bytes, at) {
                Found::End => break,
                Found::Frame(header, payload) => {
                    self.frame(&mut file, &header, payload)
                        .map_err(|reason| damaged(at, reason))?;
                }
                Found::Bad(reason) => match judge(id, &bytes, at, self.next) {
                    Judgement::Torn if open_end => file.torn = bytes.len() - at,
                    Judgement::LostMark if open_end => {
                        file.lost_mark = Some((at, self.next - 1));
                        file.end += HEADER;
                    }
                    _ => return Err(damaged(at, reason.to_owned())),
                },
            }
        }
        file.last = self.next - 1;
        match next {
            None if file.sealed => Err(self.missing(self.next, None)),
            Some(next) if next != self.next => {
                Err(self.missing(self.next, Some(next.max(self.next + 1))))
            }
            Some(_) if !file.sealed && !open_end => Err(damaged(
                file.end,
                "it is cut off: the next file has more".to_owned(),
            )),
            _ => Ok(file),
        }
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
        let expected = match header.kind {
            Kind::Batch | Kind::Seal => self.next,
            Kind::Mark => self.next - 1,
        };
        if header.revision != expected {
            return Err(format!(
                "the frame is of revision {}, not {expected}",
                header.revision
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
        self.history.forget(header.floor);
        Ok(())
    }

    /// The log must reach the snapshot.
    fn check_end(&self) -> Result<(), OpenError> {
        if self.next <= self.base {
            return Err(self.missing(self.next, Some(self.base + 1)));
        }
        Ok(())
    }
}

fn read_snapshot(dir: &Path, revision: u64) -> Result<(u64, State), OpenError> {
    let path = files::snapshot_path(dir, revision);
    let file = File::open(&path).map_err(failed("open", &path))?;
    let damaged = |offset: u64, reason: &str| OpenError::Damaged {
        path: path.clone(),
        offset,
        reason: reason.to_owned(),
    };
    let (store, state) =
        dump::read(&mut BufReader::with_capacity(1 << 16, file)).map_err(|error| match error {
            DumpError::Damaged { offset, reason } => damaged(offset, reason),
            DumpError::Version(found) => OpenError::Version {
                path: path.clone(),
                found,
                expected: dump::VERSION,
            },
            DumpError::Io(source) => failed("read", &path)(source),
        })?;
    if state.revision != revision {
        return Err(damaged(0, "it is the file of another revision"));
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
        && header.revision == next
        && Header::decode(id, bytes, at).is_none()
        && frame::find_header(id, bytes, end).is_none();
    if last_batch {
        Judgement::LostMark
    } else {
        Judgement::Damaged
    }
}

/// Makes what was read durable, cuts off what is torn, and opens the end.
fn go_on(
    dir: &Path,
    lock: File,
    options: &Options,
    wrap: Wrap,
    mut read: Vec<ReadFile>,
    last: u64,
) -> Result<Log, OpenError> {
    let mut files = Vec::new();
    // The last two only: all before them were durable before those were begun.
    let old = read.len().saturating_sub(2);
    for file in &read[old..] {
        files.push(end_of(file, options.fsync)?);
    }
    let (tail, tail_file) = read
        .pop()
        .zip(files.pop())
        .expect("invariant: there is a file");
    let closed = read.iter().map(|file| Closed {
        first: file.id.first,
        last: file.last,
        bytes: file.end as u64,
    });
    let mut log = Log {
        dir: dir.to_owned(),
        _lock: lock,
        fsync: options.fsync,
        segment_bytes: options.files.segment_bytes,
        wrap,
        closed: closed.collect::<VecDeque<_>>(),
        id: tail.id,
        tail: wrap(tail_file),
        offset: tail.end as u64,
        last,
        buffer: Vec::new(),
        fsyncs: 0,
    };
    if let Some((unsealed, mut file)) = read.last().filter(|file| !file.sealed).zip(files.pop()) {
        let header = Header::bare(Kind::Seal, tail.id.first, now_ms());
        let sealed = file
            .write_all(&header.encode(unsealed.id, unsealed.end as u64))
            .and_then(|()| {
                if options.fsync {
                    file.sync_data()
                } else {
                    Ok(())
                }
            });
        sealed.map_err(failed("write", &unsealed.path))?;
    }
    if !tail.marked {
        log.mark().map_err(failed("write", &tail.path))?;
    }
    Ok(log)
}

/// Opens a file to append to it, without what is torn. What was read is durable from now on, as others will hear of it.
fn end_of(file: &ReadFile, fsync: bool) -> Result<File, OpenError> {
    if let Some((at, revision)) = file.lost_mark {
        restore_mark(file, at, revision).map_err(failed("write", &file.path))?;
    }
    let end = OpenOptions::new()
        .append(true)
        .open(&file.path)
        .map_err(failed("open", &file.path))?;
    if file.torn > 0 {
        tracing::warn!(
            path = %file.path.display(), offset = file.end, bytes = file.torn,
            "cut off the end of a batch that was never acknowledged"
        );
        end.set_len(file.end as u64)
            .map_err(failed("shorten", &file.path))?;
    }
    if fsync {
        end.sync_all().map_err(failed("sync", &file.path))?;
    }
    Ok(end)
}

/// Writes a lost mark again: something may follow soon, and then a gap would be damage.
fn restore_mark(file: &ReadFile, at: usize, revision: u64) -> io::Result<()> {
    tracing::warn!(path = %file.path.display(), offset = at, "wrote a mark again that was lost; nothing else was");
    let mut out = OpenOptions::new().write(true).open(&file.path)?;
    out.seek(SeekFrom::Start(at as u64))?;
    out.write_all(&Header::bare(Kind::Mark, revision, now_ms()).encode(file.id, at as u64))
}
