//! Following one collection.
//!
//! A feed is a place in the history and nothing more, so one that is slow costs no memory; it falls out of the history
//! at last, and is told so.

use crate::{
    entry::Event,
    error::FeedError,
    history::{Line, Topic},
    shared::Shared,
};
use std::sync::{Arc, MutexGuard};

/// At most so many events are given at once.
const BATCH_EVENTS: usize = 1024;
/// And not more after so many bytes of values.
const BATCH_BYTES: usize = 1 << 20;

/// The events of one collection, in order, without a gap, each once. Made by [`Store::watch`](crate::Store::watch).
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
    collection: Arc<str>,
    /// Always there; taken only while the feed is dropped.
    topic: Option<Arc<Topic>>,
    /// All events of the collection up to here were given.
    given: u64,
}

impl Feed {
    pub(crate) fn new(
        shared: Arc<Shared>,
        collection: Arc<str>,
        topic: Arc<Topic>,
        after: u64,
    ) -> Self {
        Self {
            shared,
            collection,
            topic: Some(topic),
            given: after,
        }
    }

    /// The next events, at least one. Waits until there are some; may be dropped while it waits without losing any.
    ///
    /// # Errors
    ///
    /// [`FeedError::Compacted`] if events were forgotten before they were given. Then, and always after, there are no
    /// more. [`FeedError::Closed`] at the end.
    pub async fn next(&mut self) -> Result<Vec<Arc<Event>>, FeedError> {
        let topic = self.topic().clone();
        loop {
            // Made before looking: it hears of every change from now on, so none before the waiting is missed.
            let changed = topic.changed.notified();
            if let Some(batch) = self.take(&topic)? {
                return Ok(batch);
            }
            if self.shared.is_closed() {
                return self.take(&topic)?.ok_or(FeedError::Closed);
            }
            changed.await;
        }
    }

    /// The revision up to which the feed is complete: it has given every event of its collection up to there.
    #[must_use]
    pub fn progress(&self) -> u64 {
        // Before the line: all events up to here are in it.
        let complete = self.shared.complete.get();
        let line = self.line();
        if line.forgotten > self.given {
            return self.given;
        }
        match line.events.get(line.after(self.given)) {
            Some(waiting) => complete.min(waiting.revision - 1).max(self.given),
            None => complete.max(self.given),
        }
    }

    /// Waits until the feed can be complete up to `revision`: until the store has come there. Returns
    /// [`progress`](Self::progress), which is less while there are events that [`next`](Self::next) has not given.
    /// Waits for ever if the store ends before.
    pub async fn wait_progress(&self, revision: u64) -> u64 {
        self.shared.wait_for(revision).await;
        self.progress()
    }

    fn topic(&self) -> &Arc<Topic> {
        self.topic
            .as_ref()
            .expect("invariant: the topic is taken by drop only")
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.topic().line()
    }

    fn take(&mut self, topic: &Topic) -> Result<Option<Vec<Arc<Event>>>, FeedError> {
        let line = topic.line();
        if line.forgotten > self.given {
            return Err(FeedError::Compacted {
                oldest: line.forgotten,
            });
        }
        let mut bytes = 0;
        let batch: Vec<Arc<Event>> = line
            .events
            .range(line.after(self.given)..)
            .take(BATCH_EVENTS)
            .take_while(|event| {
                let more = bytes < BATCH_BYTES;
                bytes += event.value.len();
                more
            })
            .cloned()
            .collect();
        let Some(last) = batch.last() else {
            return Ok(None);
        };
        self.given = last.revision;
        Ok(Some(batch))
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut history = self.shared.history();
        self.topic = None;
        history.drop_idle(&self.collection);
    }
}
