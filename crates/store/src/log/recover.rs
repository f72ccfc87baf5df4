//! Opening: from files to the state, the history, and a log that goes on.
//!
//! Nothing on the disk is changed before everything was read and found whole. What may be missing is only the end of
//! the last batch, which nobody heard of; anything else refuses.

#[cfg(test)]
mod fuzz;
mod replay;

use self::replay::{ReadFile, Replay};
use super::{
    Closed, Log, Wrap, files,
    files::{Lock, failed},
    frame::{FileId, HEAD, Header, Kind},
    remove,
    tail::Tail,
};
use crate::{error::OpenError, history::History, options::Options, shared::now_ms, state::State};
use std::{
    collections::VecDeque,
    fs::OpenOptions,
    hash::{BuildHasher, RandomState},
    io::Write,
    path::Path,
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
    let is_new = listing.logs.is_empty() && listing.snapshots.is_empty();
    if is_new {
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

    if options.fsync && !is_new {
        // A killed process may have left names that are not durable. What follows rests on them.
        files::sync_dir(dir).map_err(failed("sync", dir))?;
    }
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

/// Makes what was read durable, cuts off what is torn, and opens the end.
fn go_on(
    dir: &Path,
    lock: Lock,
    options: &Options,
    wrap: Wrap,
    mut read: Vec<ReadFile>,
    last: u64,
) -> Result<Log, OpenError> {
    let end = read.pop().expect("invariant: there is a file");
    // All before the last two were durable before those were begun.
    if let Some(before) = read.last() {
        let mut tail = open_end(before, options, &wrap)?;
        if !before.sealed {
            let seal = Header::bare(Kind::Seal, end.id.first, now_ms());
            let seal = seal.encode(before.id, tail.offset());
            tail.append(&seal).map_err(failed("write", &before.path))?;
        }
        sync(&mut tail, before, options)?;
    }
    let mut tail = open_end(&end, options, &wrap)?;
    sync(&mut tail, &end, options)?;
    let closed = read.iter().map(|file| Closed {
        first: file.id.first,
        last: file.last,
        bytes: file.end as u64,
    });
    let mut log = Log {
        dir: dir.to_owned(),
        lock,
        fsync: options.fsync,
        segment_bytes: options.files.segment_bytes,
        closed: closed.collect::<VecDeque<_>>(),
        id: end.id,
        tail,
        wrap,
        last,
        buffer: Vec::new(),
        fsyncs: 0,
    };
    if !end.marked {
        log.mark().map_err(failed("write", &end.path))?;
    }
    Ok(log)
}

/// Opens a file to go on at its end, without what is torn.
fn open_end(file: &ReadFile, options: &Options, wrap: &Wrap) -> Result<Tail, OpenError> {
    let end = OpenOptions::new()
        .write(true)
        .open(&file.path)
        .map_err(failed("open", &file.path))?;
    let (offset, length) = (file.end as u64, file.length as u64);
    let mut tail = Tail::new(wrap(end), offset, length, options.files.segment_bytes);
    if let Some((at, revision)) = file.lost_mark {
        // Something may follow soon, and then a gap would be damage.
        tracing::warn!(path = %file.path.display(), offset = at, "wrote a mark again that was lost; nothing else was");
        let mark = Header::bare(Kind::Mark, revision, now_ms()).encode(file.id, at as u64);
        tail.mend(&mark, at as u64)
            .map_err(failed("write", &file.path))?;
    }
    if file.torn {
        tracing::warn!(
            path = %file.path.display(), offset = file.end, bytes = file.length - file.end,
            "cut off the end of a batch that was never acknowledged"
        );
        tail.cut().map_err(failed("shorten", &file.path))?;
    }
    Ok(tail)
}

/// What was read is durable from now on, as others will hear of it. A head was, before its file had its name.
fn sync(tail: &mut Tail, file: &ReadFile, options: &Options) -> Result<(), OpenError> {
    if options.fsync && file.length > HEAD {
        tail.sync().map_err(failed("sync", &file.path))?;
    }
    Ok(())
}
