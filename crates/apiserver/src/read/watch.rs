//! Watches: first the state where it was asked for, then every change, until the time is over.
//!
//! A watch has no buffer of its own. Its frames are made while the client reads; one that reads too slowly falls out
//! of the store's history, is told so, and ends.
//!
//! Invariant: a change is sent once, in the order of its collection, or the watch ends with an error before it.

use super::{
    interrupt::{AtOnce, Interrupt, Later},
    present,
    selection::Selection,
    version,
};
use crate::{
    body::Body,
    call::{Answer, Call},
    cluster::Cluster,
    object,
    request::options::ListOptions,
    status::ApiError,
};
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::json;
use std::sync::Arc;
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
    let wanted = version::parse(&options.resource_version)
        .map_err(|error| ApiError::other(500, "", error.to_string()))?;
    let began = Began::new(cluster, &selection, &call, options, wanted).await;
    let (began, failure) = match began {
        Ok(began) => (Some(began), None),
        Err(error) => (None, Some(error)),
    };
    let deadline = Instant::now() + cluster.watch_time(options.timeout_seconds, LEAST_SECONDS);
    let media_type = crate::negotiate::JSON;
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
        at_once: AtOnce::new(cluster),
        later: Later::new(cluster, &call.resource, deadline, bookmarks),
        prefix: selection.prefix(&call.resource),
        call,
        selection,
        feed: began.feed,
        initial: began.initial.into_iter(),
        initial_end: began.initial_end,
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
    at_once: AtOnce,
    later: Later,
    call: Call,
    selection: Selection,
    /// Of the keys that are selected.
    prefix: String,
    feed: Feed,
    initial: std::vec::IntoIter<Entry>,
    initial_end: Option<u64>,
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
    async fn next_chunk(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if let Some(chunk) = self.state_chunk() {
            return Some(chunk);
        }
        loop {
            let chunk = match self.wake().await {
                Woken::Interrupted(Interrupt::Over) => return None,
                Woken::Lost(error) => {
                    self.over = true;
                    Some(error_frame(&lost(&error)))
                }
                Woken::Interrupted(Interrupt::Bookmark) => self.bookmark(None),
                Woken::Events(events) => self.events_chunk(&events),
            };
            if chunk.as_ref().is_some_and(|chunk| !chunk.is_empty()) {
                return chunk;
            }
        }
    }

    async fn wake(&mut self) -> Woken {
        tokio::select! {
            biased;
            () = self.at_once.next() => Woken::Interrupted(Interrupt::Over),
            batch = self.feed.next() => match batch {
                Ok(events) => Woken::Events(events),
                Err(error) => Woken::Lost(error),
            },
            interrupt = self.later.next() => Woken::Interrupted(interrupt),
        }
    }

    /// A piece of the state, then the mark of its end.
    fn state_chunk(&mut self) -> Option<Bytes> {
        let mut chunk = BytesMut::new();
        while chunk.len() < CHUNK {
            let Some(entry) = self.initial.next() else {
                break;
            };
            self.write_frame(&mut chunk, "ADDED", &entry.value);
        }
        if self.initial.len() == 0
            && let Some(revision) = self.initial_end.take()
        {
            chunk.extend(self.bookmark(Some(revision)));
        }
        (!chunk.is_empty()).then(|| chunk.freeze())
    }

    fn events_chunk(&mut self, events: &[Arc<Event>]) -> Option<Bytes> {
        let mut chunk = BytesMut::new();
        for event in events {
            if event.key.starts_with(&self.prefix)
                && let Some((word, bytes)) = seen(&self.selection, &self.call, event)
            {
                self.write_frame(&mut chunk, word, &bytes);
            }
        }
        Some(chunk.freeze())
    }

    fn write_frame(&mut self, chunk: &mut BytesMut, word: &str, bytes: &Bytes) {
        let first = !std::mem::replace(&mut self.columns_sent, true);
        let object =
            present::event_object(&self.cluster, &self.call, self.call.output, bytes, first);
        let object = object.unwrap_or_else(|error| object::to_bytes(&error.to_value()).into());
        put_frame(chunk, word, &object);
    }

    /// A bookmark at `initial_end`, or at the version up to which everything was sent.
    fn bookmark(&mut self, initial_end: Option<u64>) -> Option<Bytes> {
        let revision = initial_end.unwrap_or_else(|| self.feed.progress());
        let mut object = self.call.resource.empty();
        object["metadata"] = json!({ "resourceVersion": revision.to_string() });
        if initial_end.is_some() {
            object["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let bytes = Bytes::from(object::to_body(&object).with_revision(revision));
        let object =
            present::event_object(&self.cluster, &self.call, self.call.output, &bytes, false)
                .ok()?;
        let mut chunk = BytesMut::new();
        put_frame(&mut chunk, "BOOKMARK", &object);
        Some(chunk.freeze())
    }
}

/// What a watch with a selector sees of a change: objects come into view and go out of it.
fn seen(selection: &Selection, call: &Call, event: &Event) -> Option<(&'static str, Bytes)> {
    let resource = &call.resource;
    if selection.is_everything() {
        let word = match event.kind {
            EventKind::Created => "ADDED",
            EventKind::Updated => "MODIFIED",
            EventKind::Deleted => "DELETED",
        };
        return Some((word, event.value.clone()));
    }
    let matches = |bytes: &Bytes| selection.matches(resource, &event.key, bytes);
    let before = event.previous.as_ref().filter(|bytes| matches(bytes));
    let after = event.kind != EventKind::Deleted && matches(&event.value);
    match (before, after) {
        (None, false) => None,
        (None, true) => Some(("ADDED", event.value.clone())),
        (Some(_), true) => Some(("MODIFIED", event.value.clone())),
        (Some(_), false) if event.kind == EventKind::Deleted => {
            Some(("DELETED", event.value.clone()))
        }
        (Some(previous), false) => {
            // Its last state in view, at the version at which it left.
            Some(("DELETED", object::at_revision(previous, event.revision)))
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

fn error_frame(error: &ApiError) -> Bytes {
    let mut chunk = BytesMut::new();
    put_frame(&mut chunk, "ERROR", &object::to_bytes(&error.to_value()));
    chunk.freeze()
}

fn put_frame(chunk: &mut BytesMut, word: &str, object: &[u8]) {
    chunk.reserve(word.len() + object.len() + 24);
    chunk.put_slice(b"{\"type\":\"");
    chunk.put_slice(word.as_bytes());
    chunk.put_slice(b"\",\"object\":");
    chunk.put_slice(object);
    chunk.put_slice(b"}\n");
}
