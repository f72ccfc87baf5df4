//! Which status is to be written next, and when. Does no IO; time is an argument.
//!
//! Invariants: for each object at most one write is under way and at most one waits, the newest. Writes of one object
//! are spaced, the more the longer they go on, so that a Gateway whose routes arrive one by one is not written for each.
//! What another writer undoes is written again ever more seldom.
//! What met a newer version of the object is dropped: the informer brings that version, and the compiler speaks again.

use super::bucket::Bucket;
use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};
use tidegate_compile::{Kind, ObjectKey, StatusUpdate};

/// The object that a status belongs to.
pub(super) type Target = (Kind, ObjectKey);

/// What came of a write.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It is done; the object has this version now.
    Written { version: String },
    /// The object has another version, or is gone.
    Outdated,
    /// The server asks to wait, or it didn't answer.
    Later { wait: Option<Duration> },
    /// The server refuses it as it is.
    Refused,
    /// Nothing was sent: this process does not lead any more.
    NotLeading,
}

/// What to do now.
#[derive(Debug)]
pub(super) enum Next {
    Send(Box<StatusUpdate>),
    /// Come again then, or when something has happened.
    Wait(Option<Instant>),
}

/// All statuses that wait.
#[derive(Debug)]
pub(super) struct Queue {
    entries: HashMap<Target, Entry>,
    /// What waits, by time.
    due: BTreeSet<(Instant, Target)>,
    bucket: Bucket,
    running: usize,
    running_max: usize,
    /// Nothing is sent before: the server asked for it.
    paused_until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Entry {
    waiting: Option<(Instant, Box<StatusUpdate>)>,
    running: Option<Box<StatusUpdate>>,
    /// Versions that `result` follows from by nothing but our own writes.
    bases: Vec<String>,
    result: Option<String>,
    last_sent: Option<Instant>,
    /// How many writes came within a short time of another.
    busy: u32,
    /// What was written last, as a checksum, and how often in a row someone has undone it.
    written: Option<u32>,
    undone: u32,
    failures: u32,
}

/// Writes a second over time, and at once.
const RATE: f64 = 100.0;
const BURST: f64 = 200.0;
/// Requests under way.
const RUNNING_MAX: usize = 8;
/// Between writes of one object: at first, and at most.
const SPACING: Duration = Duration::from_millis(50);
const SPACING_MAX: Duration = Duration::from_secs(1);
/// How many writes in a row keep the first spacing.
const BUSY_FREE: u32 = 4;
/// An object that was left alone that long is not busy.
const CALM: Duration = Duration::from_secs(3);
/// What someone undid is written again after this, doubled each time, and at most.
const UNDONE: Duration = Duration::from_millis(250);
const UNDONE_MAX: Duration = Duration::from_secs(300);
/// After failures: at first, and at most.
const BACKOFF: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// Own writes that are remembered for one object.
const BASES_MAX: usize = 8;
/// Entries of objects that nothing waits for are forgotten beyond this many.
const REMEMBERED_MAX: usize = 4096;

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            entries: HashMap::new(),
            due: BTreeSet::new(),
            bucket: Bucket::new(RATE, BURST),
            running: 0,
            running_max: RUNNING_MAX,
            paused_until: None,
        }
    }

    /// A newer status takes the place of one that waits.
    pub(super) fn want(&mut self, update: StatusUpdate, now: Instant) {
        let target = (update.kind, update.key.clone());
        let entry = self.entries.entry(target.clone()).or_default();
        if let Some((at, _)) = entry.waiting.take() {
            self.due.remove(&(at, target.clone()));
            entry.waiting = Some((at, Box::new(update)));
            self.due.insert((at, target));
            return;
        }
        entry.failures = 0;
        entry.note(&update);
        let at = entry.next_time(now);
        entry.waiting = Some((at, Box::new(update)));
        self.due.insert((at, target));
    }

    /// The next one to send, if its time has come.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        if self.running >= self.running_max {
            return Next::Wait(None);
        }
        if let Some(until) = self.paused_until.filter(|until| now < *until) {
            return Next::Wait(Some(until));
        }
        let mut first = None;
        for (at, target) in &self.due {
            if *at > now {
                return Next::Wait(Some(*at));
            }
            let entry = self.entries.get(target);
            if entry.is_some_and(|entry| entry.running.is_none()) {
                first = Some((*at, target.clone()));
                break;
            }
        }
        let Some((at, target)) = first else {
            return Next::Wait(None);
        };
        if let Err(when) = self.bucket.take(now) {
            return Next::Wait(Some(when));
        }
        self.due.remove(&(at, target.clone()));
        let sent = self
            .entries
            .get_mut(&target)
            .and_then(|entry| entry.send(now));
        match sent {
            Some(update) => {
                self.running += 1;
                Next::Send(update)
            }
            None => Next::Wait(Some(now)),
        }
    }

    /// A write has ended.
    pub(super) fn done(&mut self, target: &Target, outcome: Outcome, now: Instant) {
        self.running = self.running.saturating_sub(1);
        let Some(entry) = self.entries.get_mut(target) else {
            return;
        };
        let Some(sent) = entry.running.take() else {
            return;
        };
        match outcome {
            Outcome::Written { version } => entry.written(&sent, version),
            Outcome::Outdated => entry.forget_versions(),
            Outcome::NotLeading => self.bucket.give_back(),
            Outcome::Later { wait } => {
                if let Some(wait) = wait {
                    self.paused_until = Some(now + wait.min(BACKOFF_MAX));
                }
                self.retry(target, sent, now);
            }
            Outcome::Refused => self.retry(target, sent, now),
        }
        self.tidy();
    }

    /// All that waits is dropped; which objects that was about.
    pub(super) fn drain(&mut self) -> Vec<Target> {
        self.due.clear();
        let mut dropped = Vec::new();
        for (target, entry) in &mut self.entries {
            if entry.waiting.take().is_some() {
                dropped.push(target.clone());
            }
        }
        dropped
    }

    pub(super) fn len(&self) -> usize {
        self.due.len() + self.running
    }

    /// Tries again later, unless there is a newer one.
    fn retry(&mut self, target: &Target, sent: Box<StatusUpdate>, now: Instant) {
        let Some(entry) = self.entries.get_mut(target) else {
            return;
        };
        entry.failures = entry.failures.saturating_add(1);
        if entry.waiting.is_none() {
            let at = now + entry.backoff();
            entry.waiting = Some((at, sent));
            self.due.insert((at, target.clone()));
        }
    }

    fn tidy(&mut self) {
        if self.entries.len() > REMEMBERED_MAX + self.due.len() + self.running {
            self.entries
                .retain(|_, entry| entry.waiting.is_some() || entry.running.is_some());
        }
    }
}

impl Entry {
    /// When the next write may be.
    fn next_time(&self, now: Instant) -> Instant {
        let Some(last) = self.last_sent else {
            return now;
        };
        let more = self.busy.saturating_sub(BUSY_FREE).min(8);
        let spaced = last + (SPACING * (1 << more)).min(SPACING_MAX);
        match self.undone {
            0 => now.max(spaced),
            undone => now.max(last + (UNDONE * (1 << undone.min(10))).min(UNDONE_MAX)),
        }
    }

    /// Whether this is what was written already, and someone undid it. What was computed before our write came back
    /// says nothing of others.
    fn note(&mut self, update: &StatusUpdate) {
        let early = self
            .bases
            .iter()
            .any(|base| **base == *update.resource_version);
        self.undone = match self.written {
            Some(written) if !early && written == checksum(update) => self.undone.saturating_add(1),
            _ => 0,
        };
    }

    fn send(&mut self, now: Instant) -> Option<Box<StatusUpdate>> {
        let (_, mut update) = self.waiting.take()?;
        let calm = self.last_sent.is_none_or(|last| now > last + CALM);
        self.busy = if calm { 0 } else { self.busy.saturating_add(1) };
        self.last_sent = Some(now);
        // It was computed before our last write came back: nothing but that write lies between.
        if let Some(result) = &self.result
            && self
                .bases
                .iter()
                .any(|base| **base == *update.resource_version)
        {
            update.resource_version = result.as_str().into();
        }
        self.running = Some(update.clone());
        Some(update)
    }

    fn written(&mut self, sent: &StatusUpdate, version: String) {
        self.failures = 0;
        self.written = Some(checksum(sent));
        let base = sent.resource_version.to_string();
        // Else it was computed from a version that is not of our making: the chain begins anew.
        if self.result.as_ref() != Some(&base) || self.bases.len() >= BASES_MAX {
            self.bases.clear();
        }
        self.bases.push(base);
        self.result = Some(version);
    }

    fn forget_versions(&mut self) {
        self.failures = 0;
        self.bases.clear();
        self.result = None;
    }

    fn backoff(&self) -> Duration {
        (BACKOFF * (1 << self.failures.saturating_sub(1).min(10))).min(BACKOFF_MAX)
    }
}

/// What is ours in it.
fn checksum(update: &StatusUpdate) -> u32 {
    crc32fast::hash(update.owned.as_bytes())
}

#[cfg(test)]
mod tests;
