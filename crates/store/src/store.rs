//! The store: what its users hold.

use crate::{
    entry::{Entry, Event},
    error::{BackupError, CompactError, HistoryError, OpenError, RestoreError, WriteError},
    feed::Feed,
    head::{Reply, committed},
    history::History,
    log::{self, Opened, Wrap, dump},
    options::Options,
    restore,
    shared::{Shared, now_ms},
    snapshot::Snapshot,
    state::State,
    stats::Stats,
    write::{Committed, Write},
    writer::{self, Pipe},
};
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};
use tokio::sync::oneshot;

/// A revisioned key-value store. Copies share it; it is closed with the last one, or by [`close`](Self::close).
///
/// It needs no particular runtime: the futures wait for a thread of the store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    pipe: Arc<Pipe>,
    /// `None` where writes only go to memory.
    writer: Option<Mutex<Option<JoinHandle<()>>>>,
}

impl Store {
    /// Opens a directory, which is made if there is none. Reads all of it, so call it where waiting is allowed.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]: the directory is in use, or a file is damaged or missing.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        Self::open_with(dir.as_ref(), options, Arc::new(|file| Box::new(file)))
    }

    pub(crate) fn open_with(dir: &Path, options: Options, wrap: Wrap) -> Result<Self, OpenError> {
        let Opened {
            log,
            state,
            history,
        } = log::open(dir, &options, wrap)?;
        let pipe = Arc::new(Pipe::new(state.clone()));
        let shared = Arc::new(Shared::new(options, state, history));
        let thread = writer::start(log, pipe.clone(), shared.clone());
        let thread = thread.map_err(log::files::failed("start the writer of", dir))?;
        let writer = Some(Mutex::new(Some(thread)));
        let inner = Arc::new(Inner {
            shared,
            pipe,
            writer,
        });
        Ok(Self { inner })
    }

    /// A store that is forgotten with its last copy.
    #[must_use]
    pub fn in_memory(options: Options) -> Self {
        let history = History::new(options.history.clone(), 0);
        let inner = Inner {
            shared: Arc::new(Shared::new(options, State::default(), history)),
            pipe: Arc::new(Pipe::new(State::default())),
            writer: None,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Makes a directory from a backup. All revisions of the new store are after any that the store of the backup can
    /// have given to its watchers, so they are told that their history is over, and none of them goes on with another
    /// store's. Entries keep the revisions they had.
    ///
    /// # Errors
    ///
    /// See [`RestoreError`]: there is something in the directory, or the backup is damaged.
    pub fn restore(dir: impl AsRef<Path>, backup: impl io::Read) -> Result<(), RestoreError> {
        restore::restore(dir.as_ref(), backup)
    }

    /// Writes. Returns when the write is durable and readers see it. If the future is dropped, the write may happen.
    ///
    /// # Errors
    ///
    /// See [`WriteError`]. Of all but [`WriteError::Failed`], the write has not happened and will not.
    pub async fn write(&self, write: Write<'_>) -> Result<Committed, WriteError> {
        let (accepted, durable) = self.submit(write)?;
        if let Some(durable) = durable {
            // The writer drops no reply unless it panics.
            let lost = |_| Err(WriteError::Failed("the writer has ended".into()));
            durable.await.unwrap_or_else(lost)?;
        }
        accepted.map(|event| committed(&event))
    }

    /// Accepts a write, or finds that it must not be. Either stands only when what it rests on is durable.
    #[expect(clippy::type_complexity, reason = "used once")]
    fn submit(
        &self,
        write: Write<'_>,
    ) -> Result<
        (
            Result<Arc<Event>, WriteError>,
            Option<oneshot::Receiver<Result<(), WriteError>>>,
        ),
        WriteError,
    > {
        let shared = &self.inner.shared;
        let mut head = self.inner.pipe.head();
        let accepted = head.accept(write, &shared.options);
        if self.inner.writer.is_none() {
            if let Ok(event) = &accepted {
                let state = head.state.clone();
                let published = shared.publish(state, std::slice::from_ref(event), now_ms(), None);
                shared.wake(published);
                shared.counters.batch(1);
            }
            return Ok((accepted, None));
        }
        let (reply, durable) = oneshot::channel();
        match &accepted {
            Ok(event) => head.enqueue(event.clone(), reply),
            Err(WriteError::Conflict { .. }) if head.state.revision > shared.complete.get() => {
                head.barrier(reply)
            }
            Err(error) => return Err(error.clone()),
        }
        drop(head);
        self.inner.pipe.wake();
        Ok((accepted, Some(durable)))
    }

    /// What the newest accepted write left under a key: for reading, changing and writing again. It may not be durable
    /// yet, so tell nobody of it before a write that rests on it has succeeded.
    #[must_use]
    pub fn head(&self, key: &str) -> Option<Entry> {
        let head = self.inner.pipe.head();
        head.state.get(key).map(|(_, entry)| (**entry).clone())
    }

    /// The newest revision that readers see.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.inner.shared.state().revision
    }

    /// The newest durable state.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.inner.shared.state())
    }

    /// The state at a revision.
    ///
    /// # Errors
    ///
    /// If the history does not reach back so far, or the revision is not there yet.
    pub fn snapshot_at(&self, revision: u64) -> Result<Snapshot, HistoryError> {
        self.inner.shared.state_at(revision).map(Snapshot::new)
    }

    /// Waits until readers see a revision. Waits for ever if the store ends before, so give it a time.
    pub async fn wait_for(&self, revision: u64) {
        self.inner.shared.wait_for(revision).await;
    }

    /// Follows a collection: what is before the first slash of its keys. The feed gives every event after a revision.
    ///
    /// # Errors
    ///
    /// If the history does not reach back so far, or the revision is not there yet.
    pub fn watch(&self, collection: &str, after: u64) -> Result<Feed, HistoryError> {
        let shared = &self.inner.shared;
        let name: Arc<str> = format!("{}/", collection.trim_end_matches('/')).into();
        let mut history = shared.history();
        let topic = history.watch(&name, after, shared.complete.get())?;
        drop(history);
        Ok(Feed::new(shared.clone(), name, topic, after))
    }

    /// Forgets history: no state before a revision is known any more, and nobody can follow from before it.
    ///
    /// # Errors
    ///
    /// If the revision is already forgotten or not there yet, or as for a write.
    pub async fn compact(&self, revision: u64) -> Result<(), CompactError> {
        let shared = &self.inner.shared;
        let durable = {
            let mut head = self.inner.pipe.head();
            shared.history().covers(revision, shared.complete.get())?;
            head.may_accept(&shared.options)?;
            if self.inner.writer.is_none() {
                let state = head.state.clone();
                shared.wake(shared.publish(state, &[], now_ms(), Some(revision)));
                return Ok(());
            }
            let (reply, durable): (Reply, _) = oneshot::channel();
            head.compact(revision, reply);
            durable
        };
        self.inner.pipe.wake();
        let lost = |_| Err(WriteError::Failed("the writer has ended".into()));
        Ok(durable.await.unwrap_or_else(lost)?)
    }

    /// Writes the newest durable state, with checksums, while all else goes on. Returns its revision.
    ///
    /// # Errors
    ///
    /// If the writer fails. It is flushed, but making the bytes durable is the caller's part.
    pub fn backup(&self, mut writer: impl io::Write) -> Result<u64, BackupError> {
        let state = self.inner.shared.state();
        dump::write(&mut writer, &state, log::new_store(), || true)?;
        writer.flush()?;
        Ok(state.revision)
    }

    /// Whether writes can still be made durable. Once the disk has failed, they can't.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.inner.pipe.head().failure().is_none()
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let shared = &self.inner.shared;
        let history = shared.history();
        let state = shared.state();
        Stats {
            revision: state.revision,
            oldest_revision: history.floor(),
            entries: state.entries(),
            bytes: state.bytes(),
            history_events: history.len() as u64,
            history_bytes: history.bytes() as u64,
            ..shared.counters.read()
        }
    }

    /// Takes no more writes, makes durable what was accepted, ends feeds, and lets go of the directory. Reads go on.
    ///
    /// # Errors
    ///
    /// [`WriteError::Failed`] if the disk failed, now or earlier.
    pub async fn close(&self) -> Result<(), WriteError> {
        self.inner.begin_close();
        self.inner.shared.closed().await;
        self.inner.join();
        self.inner.pipe.head().failure().map_or(Ok(()), Err)
    }
}

impl Inner {
    fn begin_close(&self) {
        self.pipe.head().close();
        self.pipe.wake();
        if self.writer.is_none() {
            self.shared.close();
        }
    }

    fn join(&self) {
        let Some(writer) = &self.writer else {
            return;
        };
        let thread = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread was told as a failure.
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.begin_close();
        self.join();
    }
}
