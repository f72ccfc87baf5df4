//! The wiring: informers to compiler to proxy, and status back.
//!
//! Start at [`Gateway`]. All decisions about routes are the compiler's, all traffic is the proxy's; here is what
//! connects them with an API server: who is fed what and when, who may write status, and what is kept on disk.

#![warn(missing_docs)]

mod api;
mod class;
mod engine;
mod feed;
mod gateway;
mod handover;
mod infrastructure;
mod lease;
mod state;
mod status;

pub use self::{
    gateway::{Gateway, GatewayOptions, Leadership, StartError},
    handover::{Predecessor, offer},
    state::StateError,
};
