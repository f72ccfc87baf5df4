//! What one handler still has to be told: at most one pending change for each key.
//!
//! Later changes of a key are merged into the one that waits, which keeps its place in line. A first picture or a
//! resync is not copied into the queue: it is read, page by page, from a snapshot. Does no IO and takes no lock.
//!
//! Invariant: memory is bounded by the objects that the handler knows and those that the cache holds, however long
//! the handler takes.

use crate::{
    cache::Snapshot,
    event::{Change, Event},
    key::ObjectKey,
    object::Object,
};
use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    sync::Arc,
};

#[derive(Default)]
pub(crate) struct Queue {
    /// Goes before everything in `line`.
    replay: Option<Replay>,
    line: VecDeque<Slot>,
    pending: HashMap<ObjectKey, Pending>,
    /// True once `Slot::Synced` is in line or was taken.
    sync_queued: bool,
    /// True once it was taken: what is added after it is no part of the first picture.
    synced: bool,
}

enum Slot {
    /// A key whose pending change was taken back stays in line, without meaning, until it is reached or swept.
    Key(ObjectKey),
    Synced,
}

enum Pending {
    Added(Object),
    Updated {
        old: Object,
        new: Object,
    },
    Deleted {
        object: Object,
        final_state_unknown: bool,
    },
    /// Gone and re-created: two events.
    Replaced {
        gone: Object,
        final_state_unknown: bool,
        new: Object,
    },
}

struct Replay {
    snapshot: Arc<Snapshot>,
    after: Option<ObjectKey>,
    /// Objects that are still to be told.
    left: usize,
    page: VecDeque<Object>,
    kind: ReplayKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReplayKind {
    First,
    Resync,
}

const REPLAY_PAGE: usize = 128;
const SWEEP_SLACK: usize = 64;

impl Queue {
    /// Nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.replay.is_none() && self.line.is_empty()
    }

    /// How many objects have a change waiting, the rest of a replay included.
    pub(crate) fn depth(&self) -> usize {
        let replay = self.replay.as_ref().map_or(0, |replay| replay.left);
        replay + self.pending.len()
    }

    /// The handler shall see all of `snapshot` as added. Only for a queue that is idle, whose handler knows nothing.
    pub(crate) fn start_first(&mut self, snapshot: Arc<Snapshot>) {
        debug_assert!(self.is_idle());
        self.replay = Some(Replay::new(snapshot, ReplayKind::First));
    }

    /// The handler shall see all of `snapshot` as updated to itself. False, and nothing done, unless idle.
    pub(crate) fn start_resync(&mut self, snapshot: Arc<Snapshot>) -> bool {
        let idle = self.is_idle();
        if idle {
            self.replay = Some(Replay::new(snapshot, ReplayKind::Resync));
        }
        idle
    }

    /// Everything of the first picture has been queued. Only the first call counts.
    pub(crate) fn mark_synced(&mut self) {
        if !self.sync_queued {
            self.sync_queued = true;
            self.line.push_back(Slot::Synced);
        }
    }

    /// Queues a change, or merges it into the one that waits.
    pub(crate) fn push(&mut self, change: &Change) {
        match self.pending.entry(change.key().clone()) {
            Entry::Vacant(vacant) => {
                self.line.push_back(Slot::Key(vacant.key().clone()));
                vacant.insert(Pending::new(change));
            }
            Entry::Occupied(mut occupied) => match occupied.get().merge(change) {
                Some(merged) => *occupied.get_mut() = merged,
                None => {
                    occupied.remove();
                }
            },
        }
        if self.line.len() > 2 * self.pending.len() + SWEEP_SLACK {
            self.sweep();
        }
    }

    /// The next event.
    pub(crate) fn pop(&mut self) -> Option<Event> {
        if let Some(replay) = &mut self.replay {
            if let Some(event) = replay.next(!self.synced) {
                return Some(event);
            }
            self.replay = None;
        }
        while let Some(slot) = self.line.pop_front() {
            let key = match slot {
                Slot::Synced => {
                    self.synced = true;
                    return Some(Event::Synced);
                }
                Slot::Key(key) => key,
            };
            if let Some(pending) = self.pending.remove(&key) {
                return Some(self.take(key, pending));
            }
        }
        None
    }

    fn take(&mut self, key: ObjectKey, pending: Pending) -> Event {
        match pending {
            Pending::Added(object) => Event::Added {
                object,
                initial: !self.synced,
            },
            Pending::Updated { old, new } => Event::Updated { old, new },
            Pending::Deleted {
                object,
                final_state_unknown,
            } => Event::Deleted {
                object,
                final_state_unknown,
            },
            Pending::Replaced {
                gone,
                final_state_unknown,
                new,
            } => {
                self.line.push_front(Slot::Key(key.clone()));
                self.pending.insert(key, Pending::Added(new));
                Event::Deleted {
                    object: gone,
                    final_state_unknown,
                }
            }
        }
    }

    /// Drops the slots that mean nothing, keeping the first of each key. Costs O(1) for each push since the last one.
    fn sweep(&mut self) {
        let mut met = HashSet::with_capacity(self.pending.len());
        let pending = &self.pending;
        self.line.retain(|slot| match slot {
            Slot::Synced => true,
            Slot::Key(key) => pending.contains_key(key) && met.insert(key.clone()),
        });
        self.line.shrink_to(2 * self.pending.len() + SWEEP_SLACK);
    }
}

impl Pending {
    fn new(change: &Change) -> Self {
        match change.clone() {
            Change::Added(object) => Self::Added(object),
            Change::Updated { old, new } => Self::Updated { old, new },
            Change::Deleted {
                object,
                final_state_unknown,
            } => Self::Deleted {
                object,
                final_state_unknown,
            },
        }
    }

    /// Both changes as one; `None` if they cancel out. `old` states are those that the handler was last told.
    fn merge(&self, change: &Change) -> Option<Self> {
        let merged = match (self, change.clone()) {
            (Self::Added(_), Change::Added(new) | Change::Updated { new, .. }) => Self::Added(new),
            (Self::Added(_), Change::Deleted { .. }) => return None,
            (Self::Updated { old, .. }, Change::Updated { new, .. } | Change::Added(new)) => {
                Self::Updated {
                    old: old.clone(),
                    new,
                }
            }
            (
                Self::Updated { .. } | Self::Deleted { .. },
                Change::Deleted {
                    object,
                    final_state_unknown,
                },
            ) => Self::Deleted {
                object,
                final_state_unknown,
            },
            (
                Self::Deleted {
                    object: gone,
                    final_state_unknown,
                }
                | Self::Replaced {
                    gone,
                    final_state_unknown,
                    ..
                },
                Change::Added(new) | Change::Updated { new, .. },
            ) => Self::Replaced {
                gone: gone.clone(),
                final_state_unknown: *final_state_unknown,
                new,
            },
            (
                Self::Replaced {
                    gone,
                    final_state_unknown,
                    ..
                },
                Change::Deleted { .. },
            ) => Self::Deleted {
                object: gone.clone(),
                final_state_unknown: *final_state_unknown,
            },
        };
        Some(merged)
    }
}

impl Replay {
    fn new(snapshot: Arc<Snapshot>, kind: ReplayKind) -> Self {
        Self {
            left: snapshot.len(),
            snapshot,
            after: None,
            page: VecDeque::new(),
            kind,
        }
    }

    fn next(&mut self, initial: bool) -> Option<Event> {
        if self.page.is_empty() {
            self.page = self.snapshot.page(self.after.as_ref(), REPLAY_PAGE).into();
            self.after = self.page.back().map(|object| object.key().clone());
        }
        let object = self.page.pop_front()?;
        self.left -= 1;
        Some(match self.kind {
            ReplayKind::First => Event::Added { object, initial },
            ReplayKind::Resync => Event::Updated {
                old: object.clone(),
                new: object,
            },
        })
    }
}

#[cfg(test)]
mod tests;
