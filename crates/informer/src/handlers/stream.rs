//! Changes as an asynchronous stream: a handler that is polled rather than called.

use super::mailbox::Mailbox;
use crate::{event::Event, informer::Informer};
use futures::Stream;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// All events of an informer, merged while the stream is not polled. Ends when the informer is stopped.
///
/// Dropping it is all it takes to unsubscribe. It keeps its informer alive.
pub struct EventStream {
    mailbox: Arc<Mailbox>,
    informer: Informer,
}

impl EventStream {
    pub(crate) fn new(mailbox: Arc<Mailbox>, informer: Informer) -> Self {
        Self { mailbox, informer }
    }

    /// The next event; `None` when the informer was stopped.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// How many objects have a change waiting.
    pub fn depth(&self) -> usize {
        self.mailbox.depth()
    }

    /// The informer that this stream is of.
    pub fn informer(&self) -> &Informer {
        &self.informer
    }

    fn poll(&mut self, context: &Context<'_>) -> Poll<Option<Event>> {
        let event = ready!(self.mailbox.poll_next(context));
        if let Some(event) = &event {
            self.mailbox.settle(event);
        }
        Poll::Ready(event)
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(context)
    }
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stream of {:?}", self.informer)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.informer.shared().remove_consumer(&self.mailbox);
    }
}
