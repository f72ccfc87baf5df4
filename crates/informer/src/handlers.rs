//! Telling users what changed: handlers that are called, streams that are polled, one mailbox behind each.
//!
//! Knows nothing of servers. No handler can hold up the cache or another handler.

mod handler;
mod mailbox;
mod queue;
mod registration;
mod stream;
mod worker;

pub use self::{
    handler::{Handler, from_fn},
    registration::{HandlerOptions, Registration},
    stream::EventStream,
};
pub(crate) use self::{
    mailbox::Mailbox,
    worker::{Worker, start_worker},
};
