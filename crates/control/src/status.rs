//! Status: what the compiler says about objects, brought to the API server.
//!
//! `queue` decides when and what to send and does no IO; `writer` sends. Conditions of Gateways and the like are applied
//! (the server merges their lists by key); `parents` of routes and `ancestors` of policies are lists that the server takes
//! whole, so they are written only on top of the version that they were computed from. Only the leader writes.

mod bucket;
mod queue;
mod writer;

pub(crate) use self::writer::{News, Writer};
