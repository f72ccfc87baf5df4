//! One record per request, and who gets it: the seam to logs, metrics and traces.
//!
//! The engine only fills records in. It keeps none, and formats nothing.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use tidegate_routing::{ClusterKey, ListenerKey, Rule, Snapshot};

use crate::observe::{Span, TraceContext};

/// Makes an observer for each worker, on the worker's own thread.
pub trait Observers: Send + Sync {
    fn observer(&self, worker: usize) -> Box<dyn Observer>;

    /// What all of them have counted, in Prometheus' text format. What is not `serving` may be forgotten in time.
    fn metrics(&self, _serving: &Snapshot, _now: Instant) -> String {
        String::new()
    }
}

/// Hears of one worker's requests. It is called on the request path: it must not block.
pub trait Observer {
    /// The request's part of a trace, given what the client said and random numbers. `None`: the client's fields go on as
    /// they are.
    fn span(&self, _client: Option<TraceContext>, _random: [u64; 3]) -> Option<Span> {
        None
    }

    /// A request has ended, well or not.
    fn ended(&self, record: &RequestRecord<'_>);
}

/// Everything that is known of a request when it has ended.
#[derive(Debug)]
pub struct RequestRecord<'a> {
    /// The local address that the client connected to.
    pub local: SocketAddr,
    /// The other end of the client's connection.
    pub peer: SocketAddr,
    /// Who asked: the peer, or whom trusted proxies say they were asked by.
    pub client: IpAddr,
    pub listener: Option<&'a ListenerKey>,
    pub rule: Option<&'a Rule>,
    pub cluster: Option<&'a ClusterKey>,
    pub endpoint: Option<SocketAddr>,
    pub request_id: &'a str,
    /// Its part of a trace.
    pub span: Option<Span>,
    pub version: HttpVersion,
    /// `https` came in by TLS.
    pub secure: bool,
    pub method: &'a str,
    pub host: &'a str,
    /// Normalised path, as it was matched.
    pub path: &'a str,
    /// What follows the `?`; empty where there is none.
    pub query: &'a str,
    pub user_agent: &'a [u8],
    /// What the client was answered; 0 when it got nothing.
    pub status: u16,
    /// Why the answer is not the upstream's own, or broke off.
    pub reason: Option<Reason>,
    /// Tries at endpoints, mirrors not counted.
    pub tries: u32,
    /// Whether one of them was a second one beside the first, and which of the two counted.
    pub hedge: Option<Hedge>,
    pub request_bytes: u64,
    pub answer_bytes: u64,
    /// When the request's head was complete.
    pub began: std::time::Instant,
    /// From the request's head to the last byte of the answer.
    pub duration: Duration,
    /// From the request's head to the head of the upstream's answer.
    pub upstream_wait: Option<Duration>,
}

/// What the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    Http10,
    Http11,
    Http2,
}

/// What became of a second try beside a late first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hedge {
    /// Its answer was passed on.
    Won,
    /// The first one's was.
    Lost,
}

impl Hedge {
    /// The label's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

/// Why an answer is not the upstream's. Closed, so that it can label a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The request breaks the rules of HTTP.
    BadRequest,
    /// Head, target or field count beyond the limits.
    TooLarge,
    /// The client took too long to send.
    ClientTimeout,
    /// The client went away, or took nothing for too long.
    ClientGone,
    /// No listener or rule matches.
    NoRoute,
    /// The host belongs to another listener than the TLS connection.
    Misdirected,
    /// The rule redirects.
    Redirect,
    /// Answered for CORS.
    Preflight,
    /// The rule can't be served as written.
    RuleFails,
    /// The chosen backend reference can't be resolved, or must not be used.
    BackendInvalid,
    /// No endpoint is there.
    NoEndpoint,
    /// The endpoints are names, and none leads anywhere.
    Unresolved,
    /// A circuit breaker is open.
    Overloaded,
    /// No connection to an endpoint.
    ConnectFailed,
    /// The upstream's connection broke before its answer.
    UpstreamReset,
    /// The upstream's answer breaks the rules of HTTP.
    BadAnswer,
    /// The upstream's answer broke off; so did the client's.
    Truncated,
    /// A timeout of the rule or the proxy.
    UpstreamTimeout,
}

impl Reason {
    /// All there are, in their order.
    pub const ALL: &[Self] = &[
        Self::BadRequest,
        Self::TooLarge,
        Self::ClientTimeout,
        Self::ClientGone,
        Self::NoRoute,
        Self::Misdirected,
        Self::Redirect,
        Self::Preflight,
        Self::RuleFails,
        Self::BackendInvalid,
        Self::NoEndpoint,
        Self::Unresolved,
        Self::Overloaded,
        Self::ConnectFailed,
        Self::UpstreamReset,
        Self::BadAnswer,
        Self::Truncated,
        Self::UpstreamTimeout,
    ];

    /// The label's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::ClientTimeout => "client_timeout",
            Self::ClientGone => "client_gone",
            Self::NoRoute => "no_route",
            Self::Misdirected => "misdirected",
            Self::Redirect => "redirect",
            Self::Preflight => "preflight",
            Self::RuleFails => "rule_fails",
            Self::BackendInvalid => "backend_invalid",
            Self::NoEndpoint => "no_endpoint",
            Self::Unresolved => "unresolved",
            Self::Overloaded => "overloaded",
            Self::ConnectFailed => "connect_failed",
            Self::UpstreamReset => "upstream_reset",
            Self::BadAnswer => "bad_answer",
            Self::Truncated => "truncated",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }
}
