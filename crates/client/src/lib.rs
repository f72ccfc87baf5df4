//! How Tidegate talks to a Kubernetes-style API server: credentials, a transport made for watches, discovery.
//!
//! Start at [`Client::connect`]. Requests are paths, answers are bytes: this crate knows neither
//! objects nor caches nor handlers. What it promises is that a watch never delays a call, that a
//! dead connection is noticed within ten seconds, and that no credential reaches a log or an error.

#![warn(missing_docs)]

mod client;
mod credentials;
mod discovery;
mod error;
mod gzip;
mod no_proxy;
mod options;
mod resource;
mod response;
mod session;
mod source;
mod transport;

pub use self::{
    client::Client,
    discovery::{Discovery, DiscoveryFailure, ResolveError},
    error::{Advice, ClientError},
    options::{ClientOptions, Compression, Impersonation, Purpose, Source},
    resource::{Gvr, Resource},
    response::Response,
};
