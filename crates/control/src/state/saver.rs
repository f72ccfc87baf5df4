//! A thread that writes state, so that nobody waits for the disk. While it writes, newer pictures replace older ones.

use super::{
    file::{Encoder, Saved},
    generations::Generations,
};
use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tidegate_informer::{Object, Snapshot};

/// What is to be on disk: the state of each kind's cache at one moment, and what has been carried over from disk and is
/// in no cache yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    pub(crate) caches: Vec<(&'static str, Arc<Snapshot>)>,
    pub(crate) objects: Vec<(&'static str, Object)>,
    pub(crate) carried: Vec<Saved>,
}

/// The handle of the thread. Dropping it lets the last picture be written, and waits for that.
#[derive(Debug)]
pub(crate) struct Saver {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Inbox>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inbox {
    next: Option<Picture>,
    closed: bool,
}

/// At least this long between two writes, and this many times as long as a write takes.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_FOR_EACH_WRITE: u32 = 20;

impl Saver {
    pub(crate) fn start(generations: Generations) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let inbox = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("state".to_owned())
            .spawn(move || work(&inbox, generations))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Takes the place of what waits to be written. Never blocks for long.
    pub(crate) fn save(&self, picture: Picture) {
        self.shared.lock().next = Some(picture);
        self.shared.changed.notify_one();
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there has been told already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next picture; `None` at the end.
    fn next(&self) -> Option<Picture> {
        let mut inbox = self.lock();
        loop {
            if let Some(picture) = inbox.next.take() {
                return Some(picture);
            }
            if inbox.closed {
                return None;
            }
            inbox = self
                .changed
                .wait(inbox)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits that long, or until the end.
    fn rest(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut inbox = self.lock();
        while !inbox.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let (guard, _) = self
                .changed
                .wait_timeout(inbox, left)
                .unwrap_or_else(PoisonError::into_inner);
            inbox = guard;
        }
    }
}

fn work(shared: &Shared, mut generations: Generations) {
    let mut failing = false;
    while let Some(picture) = shared.next() {
        let began = Instant::now();
        let stored = encode(&picture).and_then(|file| generations.store(&file));
        drop(picture);
        match stored {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "state can't be written");
            }
            Err(_) => {}
        }
        shared.rest(PAUSE.max(began.elapsed() * PAUSE_FOR_EACH_WRITE));
    }
}

fn encode(picture: &Picture) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new()?;
    for one in &picture.carried {
        encoder.push(&one.kind, one.namespace.as_deref(), &one.name, &one.json)?;
    }
    let mut push = |kind: &str, object: &Object| {
        let json = object.json().map_err(io::Error::other)?;
        encoder.push(kind, object.namespace(), object.name(), &json)
    };
    for (kind, snapshot) in &picture.caches {
        for object in snapshot.iter() {
            push(kind, object)?;
        }
    }
    for (kind, object) in &picture.objects {
        push(kind, object)?;
    }
    encoder.finish()
}
