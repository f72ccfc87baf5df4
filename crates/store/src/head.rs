//! The newest accepted writes, which may not be durable yet: what preconditions are checked against.
//!
//! Invariant: no two accepted writes have the same revision, and none follows a larger one. After a failure the head is
//! the published state again, and nothing is accepted any more.

use crate::{
    entry::{Entry, Event, collection},
    error::WriteError,
    options::Options,
    state::State,
    write::{Body, Committed, Expected, MAX_KEY_BYTES, Write},
};
use bytes::Bytes;
use std::{mem, sync::Arc};
use tokio::sync::oneshot;

/// Tells a waiting writer that its write is durable and published, or that it failed.
pub(crate) type Reply = oneshot::Sender<Result<(), WriteError>>;

#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) state: State,
    work: Work,
    queued_bytes: usize,
    closing: bool,
    failed: Option<Arc<str>>,
    /// The writer should look after its files.
    poked: bool,
}

/// What waits to be made durable, and who waits for that.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) compact: Option<u64>,
    pub(crate) replies: Vec<Reply>,
}

/// What the writer finds when it looks.
#[derive(Debug)]
pub(crate) enum Next {
    /// Writes, and the state after them.
    Work(Work, State),
    /// Nothing to write, but files to look after.
    Poked,
    Nothing,
    End,
}

impl Head {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }

    /// Accepts a write, if what is there is as expected. It is part of the head from now on.
    pub(crate) fn accept(
        &mut self,
        write: Write<'_>,
        options: &Options,
    ) -> Result<Arc<Event>, WriteError> {
        let (key, expected, body, delete) = match write {
            Write::Put {
                key,
                expected,
                body,
            } => (key, expected, body, false),
            Write::Delete {
                key,
                expected,
                body,
            } => (key, expected, body, true),
        };
        self.may_accept(options)?;
        check_key(key)?;
        check_length(&body, options)?;
        let current = self.state.get(key);
        let entry = current.map(|(_, entry)| &**entry);
        if !expected.holds(entry) || delete && (entry.is_none() || expected == Expected::Absent) {
            return Err(WriteError::Conflict {
                current: entry.cloned(),
            });
        }
        let (key, before) = match current {
            Some((key, before)) => (key.clone(), Some(before.clone())),
            None => (key.into(), None),
        };
        let revision = self.state.revision + 1;
        let value = Bytes::from(body.with_revision(revision));
        let event = Arc::new(Event::new(revision, key, delete, value, before));
        self.state.apply(&event);
        Ok(event)
    }

    /// Whether more is accepted now.
    pub(crate) fn may_accept(&self, options: &Options) -> Result<(), WriteError> {
        if let Some(reason) = &self.failed {
            return Err(WriteError::Failed(reason.clone()));
        }
        if self.closing {
            return Err(WriteError::Closed);
        }
        if self.queued_bytes > options.max_queued_bytes {
            return Err(WriteError::Busy {
                queued: self.queued_bytes,
                limit: options.max_queued_bytes,
            });
        }
        Ok(())
    }

    /// Leaves an accepted write to the writer.
    pub(crate) fn enqueue(&mut self, event: Arc<Event>, reply: Reply) {
        self.queued_bytes += event.value.len() + event.cost();
        self.work.events.push(event);
        self.work.replies.push(reply);
    }

    /// Asks for history to be forgotten.
    pub(crate) fn compact(&mut self, revision: u64, reply: Reply) {
        self.work.compact = self.work.compact.max(Some(revision));
        self.work.replies.push(reply);
    }

    /// Asks to be told when all that was accepted so far is published.
    pub(crate) fn barrier(&mut self, reply: Reply) {
        self.work.replies.push(reply);
    }

    pub(crate) fn next(&mut self) -> Next {
        if self.failed.is_none() && !self.work.replies.is_empty() {
            self.queued_bytes = 0;
            return Next::Work(mem::take(&mut self.work), self.state.clone());
        }
        if self.closing {
            return Next::End;
        }
        if mem::take(&mut self.poked) {
            Next::Poked
        } else {
            Next::Nothing
        }
    }

    pub(crate) fn poke(&mut self) {
        self.poked = true;
    }

    pub(crate) fn close(&mut self) {
        self.closing = true;
    }

    pub(crate) fn failure(&self) -> Option<WriteError> {
        self.failed.clone().map(WriteError::Failed)
    }

    /// Goes back to what is durable, for good. Those who wait are told.
    pub(crate) fn fail(&mut self, reason: Arc<str>, published: State) {
        self.go_back(published, &WriteError::Failed(reason.clone()));
        self.failed = Some(reason);
    }

    /// Goes back to what is durable, and goes on from there. Revisions that were given once are not given again: who
    /// has seen one of them in the head must not take another write for it.
    pub(crate) fn refuse(&mut self, error: &WriteError, published: State) {
        let given = self.state.revision;
        self.go_back(published, error);
        self.state.revision = given;
    }

    fn go_back(&mut self, published: State, error: &WriteError) {
        for reply in mem::take(&mut self.work).replies {
            // Who does not wait any more need not be told.
            let _ = reply.send(Err(error.clone()));
        }
        self.queued_bytes = 0;
        self.state = published;
    }
}

/// What a writer is told.
pub(crate) fn committed(event: &Event) -> Committed {
    let entry = event.after.as_deref().cloned().unwrap_or_else(|| Entry {
        value: event.value.clone(),
        revision: event.revision,
        created_revision: event
            .before
            .as_ref()
            .map_or(event.revision, |before| before.created_revision),
    });
    Committed {
        revision: event.revision,
        entry,
    }
}

fn check_key(key: &str) -> Result<(), WriteError> {
    let named = collection(key).is_some_and(|name| name.len() > 1 && name.len() < key.len());
    if named && key.len() <= MAX_KEY_BYTES {
        return Ok(());
    }
    Err(WriteError::BadKey {
        key: key.chars().take(64).collect(),
    })
}

fn check_length(body: &Body, options: &Options) -> Result<(), WriteError> {
    /// What files can hold.
    const LONGEST: usize = 1 << 30;
    /// The digits of a revision.
    const DIGITS: usize = 20;
    let limit = options.max_value_bytes.min(LONGEST - DIGITS);
    if body.bytes.len() > limit {
        return Err(WriteError::TooLarge {
            bytes: body.bytes.len(),
            limit,
        });
    }
    Ok(())
}
