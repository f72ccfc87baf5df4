//! The informers' side: turns their events into ours and carries them to the sinks.
//!
//! This and `supervisor` are the only files that know the informer library. Each sink has a stream
//! of its own, so that the library's queue in front of it merges changes while that sink is slow.

use super::{
    event::{Body, EventKind, ResourceId, WatchEvent},
    report::Reporter,
    targets::Target,
};
use std::sync::Arc;
use tidegate_informer::{Event, EventStream, Informer, InformerFactory, Object, ObjectError};
use tokio::sync::{mpsc, watch};

pub(super) fn start(factory: &InformerFactory, target: &Target) -> Informer {
    let mut builder = factory.for_resource(target.gvr());
    if let Some(namespace) = &target.namespace {
        builder = builder.namespace(namespace.clone());
    }
    if let Some(labels) = &target.labels {
        builder = builder.labels(labels.clone());
    }
    if let Some(fields) = &target.fields {
        builder = builder.fields(fields.clone());
    }
    builder.start()
}

/// One stream on its way to one sink.
#[derive(Debug)]
pub(super) struct Pump {
    pub(super) stream: EventStream,
    pub(super) resource: Arc<ResourceId>,
    pub(super) sink: mpsc::Sender<WatchEvent>,
    pub(super) until_synced: bool,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) report: Reporter,
}

impl Pump {
    /// Runs until the stream or the sink ends, `stop` turns true, or, if so wished, after `Synced`.
    pub(super) async fn run(mut self) {
        loop {
            let event = tokio::select! {
                event = self.stream.next() => event,
                _ = self.stop.wait_for(|stop| *stop) => return,
            };
            let Some(event) = event else { return };
            let event = match translate(&event, &self.resource) {
                Ok(event) => event,
                Err(error) => {
                    self.report.warn(&format!(
                        "an object of {} cannot be read: {error}",
                        self.resource.qualified_plural()
                    ));
                    continue;
                }
            };
            let last = self.until_synced && event.kind == EventKind::Synced;
            tokio::select! {
                sent = self.sink.send(event) => if sent.is_err() { return },
                _ = self.stop.wait_for(|stop| *stop) => return,
            }
            if last {
                return;
            }
        }
    }
}

fn translate(event: &Event, resource: &Arc<ResourceId>) -> Result<WatchEvent, ObjectError> {
    let body = |object: &Object| object.json().map(|json| Some(Arc::new(Body::new(json))));
    let base = WatchEvent::synced(Arc::clone(resource));
    Ok(match event {
        Event::Synced => base,
        Event::Added { object, initial } => WatchEvent {
            kind: EventKind::Added,
            initial: *initial,
            object: body(object)?,
            ..base
        },
        Event::Updated { old, new } => WatchEvent {
            kind: EventKind::Modified,
            initial: false,
            object: body(new)?,
            old: body(old)?,
            ..base
        },
        Event::Deleted {
            object,
            final_state_unknown,
        } => WatchEvent {
            kind: EventKind::Deleted,
            initial: false,
            final_state_unknown: *final_state_unknown,
            object: body(object)?,
            ..base
        },
    })
}
