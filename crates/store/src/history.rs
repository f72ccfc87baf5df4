//! The events that are still known, shared by all who follow and by reading the past.
//!
//! Events are kept twice: in one line over everything, for going back, and in a line for each collection, its
//! [`Topic`], for feeds. A topic has a lock of its own, so that feeds of other collections are not in the way.
//!
//! Invariant: the line over everything has every event after `floor` up to the published revision, once, in order.

use crate::{
    entry::{Event, collection},
    error::HistoryError,
    options::HistoryLimits,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct History {
    limits: HistoryLimits,
    /// The oldest revision whose state is known: all events after it are here.
    floor: u64,
    events: VecDeque<Arc<Event>>,
    /// For each batch its last revision and its time in milliseconds.
    times: VecDeque<(u64, u64)>,
    bytes: usize,
    topics: HashMap<Arc<str>, Arc<Topic>>,
}

/// The events of one collection.
#[derive(Debug, Default)]
pub(crate) struct Topic {
    /// Wakes the feeds that have given everything.
    pub(crate) changed: Notify,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) events: VecDeque<Arc<Event>>,
    /// The last revision that was forgotten.
    pub(crate) forgotten: u64,
}

impl Topic {
    pub(crate) fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Where the events after a revision begin.
    pub(crate) fn after(&self, revision: u64) -> usize {
        self.events
            .partition_point(|event| event.revision <= revision)
    }
}

impl History {
    /// No events yet; the state at `floor` is known.
    pub(crate) fn new(limits: HistoryLimits, floor: u64) -> Self {
        Self {
            limits,
            floor,
            events: VecDeque::new(),
            times: VecDeque::new(),
            bytes: 0,
            topics: HashMap::new(),
        }
    }

    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a batch, and says whom to wake.
    pub(crate) fn append(&mut self, events: &[Arc<Event>], time_ms: u64) -> Vec<Arc<Topic>> {
        let mut touched: Vec<Arc<Topic>> = Vec::new();
        let Some(last) = events.last() else {
            return touched;
        };
        self.times.push_back((last.revision, time_ms));
        for event in events {
            debug_assert!(
                event.revision > self.events.back().map_or(self.floor, |last| last.revision),
                "events are in order"
            );
            self.bytes += event.cost();
            self.events.push_back(event.clone());
            let topic = self.topic(collection(&event.key).unwrap_or_default());
            topic.line().events.push_back(event.clone());
            if !touched.iter().any(|known| Arc::ptr_eq(known, &topic)) {
                touched.push(topic);
            }
        }
        touched
    }

    /// Forgets what is over the limits at a time.
    pub(crate) fn trim(&mut self, now_ms: u64) {
        let min_age = u64::try_from(self.limits.min_age.as_millis()).unwrap_or(u64::MAX);
        let mut old = self.floor;
        while let Some((revision, time)) = self.times.front()
            && now_ms.saturating_sub(*time) > min_age
        {
            old = *revision;
            self.times.pop_front();
        }
        self.forget(old);
        while self.events.len() > self.limits.max_events || self.bytes > self.limits.max_bytes {
            let Some(first) = self.events.front() else {
                break;
            };
            self.forget(first.revision);
        }
    }

    /// Forgets the events up to and with a revision, which is not a later one than the last.
    pub(crate) fn forget(&mut self, revision: u64) {
        self.floor = self.floor.max(revision);
        while let Some(event) = self.events.pop_front_if(|event| event.revision <= revision) {
            self.bytes -= event.cost();
            let name = collection(&event.key).unwrap_or_default();
            let Some(topic) = self.topics.get(name) else {
                debug_assert!(false, "a topic stays while it has events");
                continue;
            };
            let mut line = topic.line();
            line.events.pop_front();
            line.forgotten = event.revision;
            let idle = line.events.is_empty();
            drop(line);
            if idle {
                self.drop_idle(name);
            }
        }
        while self
            .times
            .front()
            .is_some_and(|(last, _)| *last <= self.floor)
        {
            self.times.pop_front();
        }
        self.shrink();
    }

    /// Gives memory back after a burst.
    fn shrink(&mut self) {
        const SPARE: usize = 1024;
        if self.events.capacity() > SPARE + 4 * self.events.len() {
            self.events.shrink_to(2 * self.events.len());
            self.times.shrink_to(2 * self.times.len());
        }
    }

    /// The topic of a collection, to follow it after a revision.
    pub(crate) fn watch(
        &mut self,
        collection: &str,
        after: u64,
        current: u64,
    ) -> Result<Arc<Topic>, HistoryError> {
        self.covers(after, current)?;
        Ok(self.topic(collection))
    }

    /// The events after a revision.
    pub(crate) fn since(
        &self,
        revision: u64,
        current: u64,
    ) -> Result<Vec<Arc<Event>>, HistoryError> {
        self.covers(revision, current)?;
        let first = self
            .events
            .partition_point(|event| event.revision <= revision);
        Ok(self.events.range(first..).cloned().collect())
    }

    pub(crate) fn covers(&self, revision: u64, current: u64) -> Result<(), HistoryError> {
        if revision > current {
            return Err(HistoryError::Future { current });
        }
        if revision < self.floor {
            return Err(HistoryError::Compacted { oldest: self.floor });
        }
        Ok(())
    }

    /// All topics, to tell them of the end.
    pub(crate) fn topics(&self) -> Vec<Arc<Topic>> {
        self.topics.values().cloned().collect()
    }

    /// Forgets a topic that has neither events nor feeds, so that topics don't pile up.
    pub(crate) fn drop_idle(&mut self, name: &str) {
        let idle = self
            .topics
            .get(name)
            .is_some_and(|topic| Arc::strong_count(topic) == 1 && topic.line().events.is_empty());
        if idle {
            self.topics.remove(name);
        }
    }

    fn topic(&mut self, name: &str) -> Arc<Topic> {
        if let Some(topic) = self.topics.get(name) {
            return topic.clone();
        }
        let topic = Arc::<Topic>::default();
        self.topics.insert(name.into(), topic.clone());
        topic
    }
}

/// The revision up to which all topics are complete. Read it before a topic's line.
#[derive(Debug, Default)]
pub(crate) struct Complete(AtomicU64);

impl Complete {
    pub(crate) fn set(&self, revision: u64) {
        self.0.store(revision, Ordering::Release);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}
