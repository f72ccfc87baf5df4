//! What events set in motion outside: commands and webhooks.
//!
//! Each hook has its own stream of events from the informers, whose queues coalesce for each object
//! when a hook is slow: memory stays bounded, no hook delays another or the output, and the last
//! state of every object always arrives.

mod backoff;
mod cloudevent;
mod dead_letter;
mod exec;
mod schedule;
mod signature;
mod spill;
mod webhook;

pub(crate) use self::{
    exec::{Exec, ExecOptions},
    signature::Signer,
    webhook::{Webhook, WebhookOptions},
};
