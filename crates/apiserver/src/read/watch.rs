//! Watches: first the state where it was asked for, then every change, until the time is over.
//!
//! A watch has no buffer of its own. Its frames are made while the client reads; one that reads too slowly falls out
//! of the store's history, is told so, and ends.
//!
//! Invariant: a change is sent once, in the order of its collection, or the watch ends with an error before it.

use super::{
    frame::{self, Frames, Word},
    interrupt::{Interrupt, Interrupts},
    present,
    selection::Selection,
    version,
};
use crate::{
    body::Body,
    call::{Answer, Call},
    chunk::Chunk,
    cluster::Cluster,
    object,
    request::options::ListOptions,
    status::ApiError,
};
use bytes::Bytes;
use serde_json::json;
use std::{collections::VecDeque, future::ready, sync::Arc};
use tidegate_store::{Entry, Event, EventKind, Feed, FeedError, HistoryError};
use tokio::time::Instant;

/// Bytes of a state are given to the connection in pieces of about this size.
const CHUNK: usize = 64 * 1024;
/// A watch without a time of its own ends after this, or up to twice as much.
const LEAST_SECONDS: u64 = 1800;

/// Answers a watch. Versions that can't be served are told as an event, as kube-apiserver does.
pub(crate) async fn watch(
    cluster: &Arc<Cluster>,
    call: Call,
    options: &ListOptions,
) -> Result<Answer, ApiError> {
    let selection = Selection::new(&call.resource, &call.info, options)?;
    let media_type = crate::negotiate::JSON;
    if options.timeout_seconds.is_some_and(|seconds| seconds < 0) {
        return Ok(Answer {
            code: 200,
            media_type,
            headers: Vec::new(),
            body: Body::stream(futures::stream::empty::<crate::chunk::Chunk>()),
        });
    }
    let wanted = version::parse(&options.resource_version)
        .map_err(|error| ApiError::other(500, "", error.to_string()))?;
    let began = Began::new(cluster, &selection, &call, options, wanted).await;
    let (began, failure) = match began {
        Ok(began) => (Some(began), None),
        Err(error) => (None, Some(error)),
    };
    let deadline = Instant::now() + cluster.watch_time(options.timeout_seconds, LEAST_SECONDS);
    let Some(began) = began else {
        let frame = failure.map(|error| error_frame(&error)).unwrap_or_default();
        return Ok(Answer {
            code: 200,
            media_type,
            headers: Vec::new(),
            body: Body::stream(futures::stream::iter([frame])),
        });
    };
    let bookmarks = options.allow_watch_bookmarks;
    // In a box, because it moves with every chunk.
    let watch = Box::new(Watch {
        cluster: cluster.clone(),
        interrupts: Interrupts::new(cluster, &call.resource, deadline, bookmarks),
        prefix: selection.prefix(&call.resource),
        call,
        selection,
        feed: began.feed,
        initial: began.initial.into_iter(),
        initial_end: began.initial_end,
        due: VecDeque::new(),
        columns_sent: false,
        over: false,
    });
    Ok(Answer {
        code: 200,
        media_type,
        headers: Vec::new(),
        body: Body::stream(futures::stream::unfold(watch, |mut watch| async move {
            let chunk = watch.next_chunk().await?;
            Some((chunk, watch))
        })),
    })
}

/// Where a watch begins.
struct Began {
    feed: Feed,
    initial: Vec<Entry>,
    /// The version to name in the bookmark that ends the state.
    initial_end: Option<u64>,
}

impl Began {
    async fn new(
        cluster: &Cluster,
        selection: &Selection,
        call: &Call,
        options: &ListOptions,
        wanted: Option<u64>,
    ) -> Result<Self, ApiError> {
        let store = &cluster.store;
        let snapshot = match wanted {
            Some(wanted) => version::not_older_than(store, wanted).await?,
            None => store.snapshot(),
        };
        let with_state = options.send_initial_events == Some(true)
            || wanted.is_none() && options.send_initial_events.is_none();
        let after = match wanted {
            Some(wanted) if !with_state => wanted,
            _ => snapshot.revision(),
        };
        let feed = store
            .watch(&call.resource.collection, after)
            .map_err(|error| history_error(&error, after))?;
        if !with_state {
            return Ok(Self {
                feed,
                initial: Vec::new(),
                initial_end: None,
            });
        }
        let prefix = selection.prefix(&call.resource);
        let initial = snapshot
            .range_from(&prefix, None)
            .filter(|(key, entry)| selection.matches(&call.resource, key, &entry.value))
            .map(|(_, entry)| entry.clone())
            .collect();
        Ok(Self {
            feed,
            initial,
            initial_end: options.allow_watch_bookmarks.then_some(snapshot.revision()),
        })
    }
}

fn history_error(error: &HistoryError, asked: u64) -> ApiError {
    match error {
        HistoryError::Compacted { oldest } => {
            ApiError::expired(format!("too old resource version: {asked} ({oldest})"))
        }
        HistoryError::Future { current } => ApiError::too_large_resource_version(asked, *current),
    }
}

struct Watch {
    cluster: Arc<Cluster>,
    interrupts: Interrupts,
    call: Call,
    selection: Selection,
    /// Of the keys that are selected.
    prefix: String,
    feed: Feed,
    initial: std::vec::IntoIter<Entry>,
    initial_end: Option<u64>,
    /// What is told when no events wait.
    due: VecDeque<Interrupt>,
    columns_sent: bool,
    over: bool,
}

/// What a watch woke up for.
enum Woken {
    Events(Vec<Arc<Event>>),
    Lost(FeedError),
    Interrupted(Interrupt),
}

impl Watch {
    /// The next bytes for the client, or the end.
    async fn next_chunk(&mut self) -> Option<Chunk> {
        if self.over {
            return None;
        }
        if let Some(chunk) = self.state_chunk() {
            return Some(chunk);
        }
        loop {
            let chunk = match self.wake().await {
                Woken::Interrupted(Interrupt::AtOnce | Interrupt::Over) => return None,
                Woken::Lost(error) => {
                    self.over = true;
                    Some(error_frame(&lost(&error)))
                }
                Woken::Interrupted(Interrupt::Bookmark) => self.bookmark(),
                Woken::Events(events) => self.events_chunk(&events),
            };
            if chunk.is_some() {
                return chunk;
            }
        }
    }

    async fn wake(&mut self) -> Woken {
        loop {
            tokio::select! {
                biased;
                interrupt = self.interrupts.next() => match interrupt {
                    Interrupt::AtOnce => return Woken::Interrupted(interrupt),
                    later => {
                        self.due.push_back(later);
                        continue;
                    }
                },
                batch = self.feed.next() => return match batch {
                    Ok(events) => Woken::Events(events),
                    Err(error) => Woken::Lost(error),
                },
                () = ready(()), if !self.due.is_empty() => {}
            }
            if let Some(interrupt) = self.due.pop_front() {
                return Woken::Interrupted(interrupt);
            }
        }
    }

    /// A piece of the state, then the mark of its end.
    fn state_chunk(&mut self) -> Option<Chunk> {
        let mut frames = Frames::default();
        while frames.len() < CHUNK {
            let Some(entry) = self.initial.next() else {
                break;
            };
            let object = self.object(&entry.value);
            frames.add(Word::Added, object);
        }
        if self.initial.len() == 0
            && let Some(revision) = self.initial_end.take()
            && let Some(object) = self.mark(Some(revision))
        {
            frames.add(Word::Bookmark, object);
        }
        frames.into_chunk()
    }

    fn events_chunk(&mut self, events: &[Arc<Event>]) -> Option<Chunk> {
        let mut frames = Frames::default();
        for event in events {
            if event.key.starts_with(&self.prefix)
                && let Some((word, bytes)) = seen(&self.selection, &self.call, event)
            {
                let object = self.object(&bytes);
                frames.add(word, object);
            }
        }
        frames.into_chunk()
    }

    /// An event's object, as the client wants it.
    fn object(&mut self, bytes: &Bytes) -> Bytes {
        let first = !std::mem::replace(&mut self.columns_sent, true);
        let object =
            present::event_object(&self.cluster, &self.call, self.call.output, bytes, first);
        object.unwrap_or_else(|error| object::to_bytes(&error.to_value()).into())
    }

    fn bookmark(&self) -> Option<Chunk> {
        Some(frame::of(Word::Bookmark, self.mark(None)?))
    }

    /// The object of a bookmark at `initial_end`, or at the version up to which everything was sent.
    fn mark(&self, initial_end: Option<u64>) -> Option<Bytes> {
        let revision = initial_end.unwrap_or_else(|| self.feed.progress());
        let mut object = self.call.resource.empty();
        object["metadata"] = json!({ "resourceVersion": revision.to_string() });
        if initial_end.is_some() {
            object["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let bytes = Bytes::from(object::to_body(&object).with_revision(revision));
        present::event_object(&self.cluster, &self.call, self.call.output, &bytes, false).ok()
    }
}

/// What a watch with a selector sees of a change: objects come into view and go out of it.
fn seen(selection: &Selection, call: &Call, event: &Event) -> Option<(Word, Bytes)> {
    let resource = &call.resource;
    if selection.is_everything() {
        let word = match event.kind {
            EventKind::Created => Word::Added,
            EventKind::Updated => Word::Modified,
            EventKind::Deleted => Word::Deleted,
        };
        return Some((word, event.value.clone()));
    }
    let matches = |bytes: &Bytes| selection.matches(resource, &event.key, bytes);
    let before = event.previous.as_ref().filter(|bytes| matches(bytes));
    let after = event.kind != EventKind::Deleted && matches(&event.value);
    match (before, after) {
        (None, false) => None,
        (None, true) => Some((Word::Added, event.value.clone())),
        (Some(_), true) => Some((Word::Modified, event.value.clone())),
        (Some(_), false) if event.kind == EventKind::Deleted => {
            Some((Word::Deleted, event.value.clone()))
        }
        (Some(previous), false) => {
            // Its last state in view, at the version at which it left.
            Some((Word::Deleted, object::at_revision(previous, event.revision)))
        }
    }
}

fn lost(error: &FeedError) -> ApiError {
    match error {
        FeedError::Compacted { .. } => {
            ApiError::expired("The resourceVersion for the provided watch is too old.")
        }
        FeedError::Closed => ApiError::unavailable("the server is shutting down"),
    }
}

fn error_frame(error: &ApiError) -> Chunk {
    frame::of(Word::Error, object::to_bytes(&error.to_value()).into())
}
