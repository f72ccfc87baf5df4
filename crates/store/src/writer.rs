//! The thread that makes writes durable: it takes all that wait, writes them, waits for the disk once, publishes, and
//! tells those who wait. While it waits for the disk the next batch gathers.

use crate::{
    error::WriteError,
    head::{Head, Next, Work},
    log::{CommitError, Log, dump, files},
    shared::{Shared, now_ms},
    state::State,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// What writers and the thread share.
#[derive(Debug)]
pub(crate) struct Pipe {
    head: Mutex<Head>,
    filled: Condvar,
}

impl Pipe {
    pub(crate) fn new(state: State) -> Self {
        Self {
            head: Mutex::new(Head::new(state)),
            filled: Condvar::new(),
        }
    }

    pub(crate) fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the thread that there is something to do.
    pub(crate) fn wake(&self) {
        self.filled.notify_one();
    }

    fn wait(&self) -> Next {
        let mut head = self.head();
        loop {
            match head.next() {
                Next::Nothing => {
                    head = self
                        .filled
                        .wait(head)
                        .unwrap_or_else(PoisonError::into_inner)
                }
                next => return next,
            }
        }
    }
}

/// Starts the thread. It ends when the head is closed and all its work is done, or the disk has failed.
pub(crate) fn start(log: Log, pipe: Arc<Pipe>, shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let mut writer = Writer {
        log: Some(log),
        pipe,
        shared,
        snapshot: None,
        refuses: false,
        retry_above: 0,
    };
    writer.count();
    thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || writer.run())
}

#[derive(Debug)]
struct Writer {
    /// Until the end.
    log: Option<Log>,
    pipe: Arc<Pipe>,
    shared: Arc<Shared>,
    snapshot: Option<SnapshotJob>,
    /// The last batch was refused.
    refuses: bool,
    /// After a snapshot failed: not before this much could be let go of.
    retry_above: u64,
}

/// A snapshot that is being written.
#[derive(Debug)]
struct SnapshotJob {
    cancel: Arc<AtomicBool>,
    /// Gives the snapshot's revision.
    thread: JoinHandle<io::Result<u64>>,
}

impl Writer {
    fn run(&mut self) {
        loop {
            match self.pipe.wait() {
                Next::Work(work, state) => self.work(work, state),
                Next::End => break,
                Next::Poked | Next::Nothing => {}
            }
            self.look_after_files();
        }
        self.end();
    }

    fn work(&mut self, work: Work, state: State) {
        let now = now_ms();
        let Work {
            events,
            compact,
            replies,
        } = work;
        let Some(log) = &mut self.log else {
            return;
        };
        let idle = events.is_empty() && compact.is_none();
        let committed = if idle {
            Ok(())
        } else {
            log.commit(&events, compact, now)
        };
        let result = committed.map_err(|error| match error {
            CommitError::Refused(refusal) => self.refuse(refusal),
            CommitError::Broken(error) => self.fail(&error),
        });
        if result.is_ok() && !idle && std::mem::take(&mut self.refuses) {
            tracing::warn!("writes are taken again");
        }
        let published = (result.is_ok() && !idle).then(|| {
            self.shared.counters.batch(events.len());
            self.count();
            self.shared.publish(state, &events, now, compact)
        });
        // Before the feeds: a writer need not wait behind a hundred watchers.
        for reply in replies {
            // Who does not wait any more need not be told.
            let _ = reply.send(result.clone());
        }
        if let Some(published) = published {
            self.shared.wake(published);
        }
    }

    /// Takes no more writes. Reads go on with what was published.
    fn fail(&self, error: &io::Error) -> WriteError {
        tracing::error!(%error, "the log can't be written; no more writes are taken");
        let reason: Arc<str> = format!("the log can't be written: {error}").into();
        let published = (*self.shared.state()).clone();
        self.pipe.head().fail(reason.clone(), published);
        WriteError::Failed(reason)
    }

    /// Refuses these writes, and those that were accepted after them. Later ones are tried anew.
    fn refuse(&mut self, refusal: WriteError) -> WriteError {
        // Once, and not for each write: the log of the process may be on the same disk.
        if !std::mem::replace(&mut self.refuses, true) {
            tracing::warn!(reason = %refusal, "writes are refused until that has passed");
        }
        let published = (*self.shared.state()).clone();
        self.pipe.head().refuse(&refusal, published);
        refusal
    }

    fn count(&self) {
        if let Some(log) = &self.log {
            let counters = &self.shared.counters;
            counters.log_bytes.store(log.bytes(), Ordering::Relaxed);
            counters.log_files.store(log.files(), Ordering::Relaxed);
            counters.fsyncs.store(log.fsyncs(), Ordering::Relaxed);
        }
    }

    /// Ends a snapshot that is done, and begins one that is worth it.
    fn look_after_files(&mut self) {
        if self
            .snapshot
            .as_ref()
            .is_some_and(|job| job.thread.is_finished())
        {
            self.end_snapshot();
        }
        let Some(log) = &self.log else {
            return;
        };
        if self.snapshot.is_some() || self.pipe.head().failure().is_some() {
            return;
        }
        let gain = log.reclaimable(self.shared.history().floor());
        // As much is let go of as is written, so that snapshots at most double what is written.
        let least = self.shared.options.files.snapshot_bytes;
        let worth = least.max(self.shared.state().bytes());
        if gain < worth || gain <= self.retry_above {
            return;
        }
        if let Err(error) = self.begin_snapshot(log.dir().to_owned(), log.store()) {
            tracing::warn!(%error, "cannot begin a snapshot; the log grows until one succeeds");
            self.retry_above = gain.saturating_mul(2);
        }
    }

    /// Writes the state that the history begins with: what follows it stays in the log. Writes go on beside it.
    fn begin_snapshot(&mut self, dir: PathBuf, store: u64) -> io::Result<()> {
        let cancel = Arc::new(AtomicBool::new(false));
        let (canceled, pipe, shared) = (cancel.clone(), self.pipe.clone(), self.shared.clone());
        let thread = thread::Builder::new()
            .name("store-snapshot".to_owned())
            .spawn(move || {
                let go_on = || !canceled.load(Ordering::Relaxed);
                let result = write_snapshot(&shared, &dir, store, go_on);
                pipe.head().poke();
                pipe.wake();
                result
            })?;
        self.snapshot = Some(SnapshotJob { cancel, thread });
        Ok(())
    }

    fn end_snapshot(&mut self) {
        let (Some(job), Some(log)) = (self.snapshot.take(), &mut self.log) else {
            return;
        };
        let panicked = |_| Err(io::Error::other("the thread panicked"));
        match job.thread.join().unwrap_or_else(panicked) {
            Ok(revision) => {
                log.reclaim(revision);
                self.shared
                    .counters
                    .snapshots
                    .fetch_add(1, Ordering::Relaxed);
                self.retry_above = 0;
                self.count();
            }
            Err(_) if job.cancel.load(Ordering::Relaxed) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot write a snapshot; the log grows until one succeeds");
                let gain = log.reclaimable(self.shared.history().floor());
                self.retry_above = gain.saturating_mul(2);
            }
        }
    }

    fn end(&mut self) {
        if let Some(job) = &self.snapshot {
            job.cancel.store(true, Ordering::Relaxed);
            self.end_snapshot();
        }
        let failed = self.pipe.head().failure().is_some();
        if let Some(log) = self.log.take()
            && let Err(error) = log.finish()
            && !failed
        {
            self.fail(&error);
        }
        self.shared.close();
    }
}

fn write_snapshot(
    shared: &Shared,
    dir: &Path,
    store: u64,
    go_on: impl Fn() -> bool,
) -> io::Result<u64> {
    let state = shared.oldest_state().map_err(io::Error::other)?;
    let path = files::snapshot_path(dir, state.revision);
    let fsync = shared.options.fsync;
    files::create(&path, fsync, |out| dump::write(out, &state, store, go_on))?;
    Ok(state.revision)
}

impl Drop for Writer {
    /// Also after a panic: nobody waits for ever, and nothing is accepted that nobody will write.
    fn drop(&mut self) {
        if self.log.take().is_some() {
            let published = (*self.shared.state()).clone();
            let mut head = self.pipe.head();
            head.close();
            head.fail("the writer has ended".into(), published);
            drop(head);
            self.shared.close();
        }
    }
}
