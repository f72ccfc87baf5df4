//! What a proxy is started with: its size, its limits, and who hears of its requests.

mod block;

use std::{fmt, net::TcpListener, sync::Arc, time::Duration};

use tidegate_http::HeadLimits;
use tidegate_routing::Locality;

use crate::{names::NameOptions, record::Observers};

pub use self::block::{AddressBlock, AddressBlockError};

/// How a proxy runs. None of this changes while it runs.
pub struct Options {
    /// Threads, each with its own sockets, connections and pools. At least 1.
    pub workers: usize,
    pub limits: Limits,
    /// Proxies in front of this one whose `X-Forwarded-*` fields are believed. 0: the peer is the client.
    pub trusted_hops: u32,
    /// Whether names of endpoints may lead to loopback, link-local and metadata addresses.
    pub allow_local: bool,
    /// Where this proxy is, for clusters that prefer what is near.
    pub here: Locality,
    /// How names of endpoints are resolved.
    pub names: NameOptions,
    /// Balancers whose connections begin with a header of the PROXY protocol, which says who the client is. Theirs must
    /// have one; others' must not.
    pub proxy_protocol: Vec<AddressBlock>,
    /// Listening sockets of a process that this one takes over from.
    pub inherited: Vec<TcpListener>,
    /// Hears of every request. `None`: nobody does.
    pub observers: Option<Arc<dyn Observers>>,
}

/// Bounds of everything that a peer can make the proxy hold or wait for.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A request's or an answer's head, and how paths are normalised.
    pub head: HeadLimits,
    /// Client connections of the whole process. Beyond it, new ones are closed at once.
    pub connections_max: usize,
    /// From the first byte of a head to its last; and for a whole TLS handshake.
    pub head_timeout: Duration,
    /// A client's connection between two requests.
    pub idle_timeout: Duration,
    /// Longest pause within a request's body.
    pub request_body_timeout: Duration,
    /// How long a client that waits for a 100 is left to its endpoint. Then the proxy says it: many servers never do,
    /// those of HTTP/2 above all, and there are clients that wait forever.
    pub continue_timeout: Duration,
    /// Longest pause within an answer, its beginning too, unless the rule has a timeout.
    pub answer_timeout: Duration,
    /// Longest time that a peer takes nothing of what is sent to it.
    pub write_timeout: Duration,
    /// Longest silence in a tunnel (after an upgrade).
    pub tunnel_timeout: Duration,
    /// To connect to an endpoint, TLS included, unless the cluster has its own.
    pub connect_timeout: Duration,
    /// An unused connection to an endpoint, unless the cluster has its own.
    pub upstream_idle_timeout: Duration,
    /// Unused connections to one endpoint that one worker keeps.
    pub upstream_idle_max: usize,
    /// A request's body up to this size is kept so that it can be sent again.
    pub retry_body_max: usize,
    /// A request's body beyond this size is not mirrored.
    pub mirror_body_max: usize,
    /// Mirrored requests under way in one worker. Beyond it, none begin.
    pub mirrors_max: usize,
    /// What is read of a body that nobody wants before the connection is closed instead.
    pub drain_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            limits: Limits::default(),
            trusted_hops: 0,
            allow_local: false,
            here: Locality::default(),
            names: NameOptions::default(),
            proxy_protocol: Vec::new(),
            inherited: Vec::new(),
            observers: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("workers", &self.workers)
            .field("limits", &self.limits)
            .field("trusted_hops", &self.trusted_hops)
            .field("allow_local", &self.allow_local)
            .field("here", &self.here)
            .field("names", &self.names)
            .field("proxy_protocol", &self.proxy_protocol)
            .field("inherited", &self.inherited.len())
            .finish_non_exhaustive()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            connections_max: 65_536,
            head_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            request_body_timeout: Duration::from_secs(60),
            continue_timeout: Duration::from_secs(1),
            answer_timeout: Duration::from_secs(300),
            write_timeout: Duration::from_secs(60),
            tunnel_timeout: Duration::from_secs(3600),
            connect_timeout: Duration::from_secs(5),
            // Less than the 60 s after which many servers close: closing first avoids the race.
            upstream_idle_timeout: Duration::from_secs(45),
            upstream_idle_max: 256,
            retry_body_max: 64 * 1024,
            mirror_body_max: 1024 * 1024,
            mirrors_max: 256,
            drain_bytes_max: 64 * 1024,
        }
    }
}
