//! Bytes from workers to a thread that carries them away: to a file, a pipe, a collector.
//!
//! A worker only ever appends to a buffer of its own; it never waits. The lane's buffer is shared with the thread, which
//! takes it away whole; when the thread has it at that very moment, the worker keeps its bytes for the next time. When
//! nobody carries them away, the lane is full, and records are dropped and counted.
//!
//! Invariant: a lane holds whole records, in order.

use std::{
    cell::RefCell,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle, Thread},
    time::Duration,
};

/// What one lane holds at most.
const LANE_MAX: usize = 1 << 20;
/// The thread is woken before its time when a lane holds this much.
const WAKE_AT: usize = 64 << 10;

/// All lanes, and the thread.
#[derive(Debug)]
pub(super) struct Outbox {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Those whose worker is gone leave once they are empty.
    lanes: Mutex<Vec<Arc<LaneState>>>,
    dropped: Arc<AtomicU64>,
    stop: AtomicBool,
}

#[derive(Debug)]
struct LaneState {
    bytes: Mutex<Vec<u8>>,
    dropped: Arc<AtomicU64>,
    thread: Thread,
}

/// One worker's end.
#[derive(Debug)]
pub(super) struct Lane {
    state: Arc<LaneState>,
    /// What the thread was in the way of.
    kept: RefCell<Vec<u8>>,
}

impl Outbox {
    /// Starts a thread that every `pause`, or sooner, gives each lane's bytes, whole records, to `carry`. What that can't pass on it counts as
    /// dropped by what it returns.
    pub(super) fn start(
        name: &str,
        pause: Duration,
        mut carry: impl FnMut(&[u8]) -> u64 + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = shared.clone();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let mut bytes = Vec::new();
                loop {
                    // Read before the last round, so that nothing comes after it.
                    let stop = own.stop.load(Ordering::Acquire);
                    own.round(&mut bytes, &mut carry);
                    if stop {
                        return;
                    }
                    thread::park_timeout(pause);
                }
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// A lane for one more worker.
    pub(super) fn lane(&self) -> Lane {
        let thread = self
            .thread
            .as_ref()
            .map_or_else(thread::current, |thread| thread.thread().clone());
        let state = Arc::new(LaneState {
            bytes: Mutex::default(),
            dropped: self.shared.dropped.clone(),
            thread,
        });
        let mut lanes = self
            .shared
            .lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        lanes.push(state.clone());
        Lane {
            state,
            kept: RefCell::default(),
        }
    }

    /// Records that never arrived.
    pub(super) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Outbox {
    /// What is there is still carried away.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // If it panicked, it has said so.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn round(&self, bytes: &mut Vec<u8>, carry: &mut impl FnMut(&[u8]) -> u64) {
        let lanes = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.retain(|lane| Arc::strong_count(lane) > 1 || !lane.lock().is_empty());
            lanes.clone()
        };
        for lane in lanes {
            bytes.clear();
            std::mem::swap(bytes, &mut *lane.lock());
            if !bytes.is_empty() {
                let dropped = carry(bytes);
                self.dropped.fetch_add(dropped, Ordering::Relaxed);
            }
        }
    }
}

impl Lane {
    /// Appends what `write` writes, one record, or drops it.
    pub(super) fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut kept = self.kept.borrow_mut();
        let before = kept.len();
        if before > WAKE_AT {
            self.drop_one();
            self.hand_over(&mut kept);
            return;
        }
        write(&mut kept);
        if !self.hand_over(&mut kept) && kept.len() > LANE_MAX {
            kept.truncate(before);
            self.drop_one();
        }
    }

    /// Says whether the lane took it.
    fn hand_over(&self, kept: &mut Vec<u8>) -> bool {
        let Ok(mut bytes) = self.state.bytes.try_lock() else {
            return false;
        };
        let before = bytes.len();
        if before + kept.len() > LANE_MAX {
            return false;
        }
        bytes.extend_from_slice(kept);
        kept.clear();
        if before < WAKE_AT && bytes.len() >= WAKE_AT {
            self.state.thread.unpark();
        }
        true
    }

    fn drop_one(&self) {
        self.state.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl LaneState {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.state.lock().append(self.kept.get_mut());
    }
}
