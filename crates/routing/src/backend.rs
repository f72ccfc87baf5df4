//! Backends: groups of endpoints, and how requests are spread over and sent to them.

use std::{fmt, net::SocketAddr, ops::RangeInclusive, sync::Arc, time::Duration};

/// Names a cluster: stable as long as the reference means the same. Also what its metrics are called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterKey(pub Arc<str>);

/// A group of endpoints that serve the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    pub key: ClusterKey,
    /// In a stable order. Empty: answer 503.
    pub endpoints: Arc<[Endpoint]>,
    pub protocol: Protocol,
    pub tls: Option<Arc<UpstreamTls>>,
    /// Each connection begins with a header that says who the client is. Not with [`Protocol::Http2`].
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Set when it must not be used at all, as when its TLS policy is invalid: this status, and why.
    pub refused: Option<(u16, Arc<str>)>,
    pub balance: Balance,
    pub near: Near,
    /// An endpoint that joins others gets its full share only after this long. `None`: at once.
    pub slow_start: Option<Duration>,
    pub limits: Limits,
    pub outliers: Option<OutlierEjection>,
    pub hedging: Option<Hedging>,
    pub health: Option<HealthCheck>,
}

/// One place to send requests to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub destination: Destination,
    /// 1 or more.
    pub weight: u32,
    /// It gets no new requests; its running ones end in peace.
    pub draining: bool,
    pub locality: Locality,
}

/// An address, or a name: the proxy resolves it, and spreads requests over all addresses that it leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    Address(SocketAddr),
    Name { host: Arc<str>, port: u16 },
}

impl crate::Named for Cluster {
    fn name(&self) -> &str {
        &self.key.0
    }
}

impl Cluster {
    /// What connections offer. One that is for a single client's request gains nothing by HTTP/2.
    pub fn offer(&self) -> Offer {
        match self.protocol {
            Protocol::Http if self.tls.is_some() && self.proxy_protocol.is_none() => Offer::Either,
            Protocol::Http | Protocol::Http1 => Offer::Http1,
            Protocol::Http2 => Offer::Http2,
        }
    }
}

impl fmt::Display for Offer {
    /// In the words of ALPN.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
            Self::Either => "h2 or http/1.1",
        })
    }
}

impl fmt::Display for Destination {
    /// `host:port`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Where an endpoint is, for preference of what is near. Empty where unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locality {
    pub zone: Option<Arc<str>>,
    pub node: Option<Arc<str>>,
}

/// Which endpoints are preferred, where enough of them can be used: at least 70 % of a fair share of all, so that what is
/// near isn't drowned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Near {
    /// All alike.
    #[default]
    Anywhere,
    SameZone,
    /// Those on the same node; else those in the same zone.
    SameNode,
}

/// What is spoken to the endpoints, as far as somebody has said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Nothing was said but HTTP: what each endpoint chooses over TLS, HTTP/1.1 in the clear.
    #[default]
    Http,
    /// HTTP/1.1, because it was asked for (WebSocket backends).
    Http1,
    /// HTTP/2 with prior knowledge, or by ALPN over TLS.
    Http2,
}

/// What a connection offers its endpoint to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offer {
    Http1,
    /// The endpoint has to agree where there is TLS, and to know it where there is none.
    Http2,
    /// By ALPN, HTTP/2 first. Who knows nothing of ALPN speaks HTTP/1.1.
    Either,
}

/// Versions of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyProtocol {
    V1,
    V2,
}

/// TLS to the endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTls {
    /// Sent as SNI, and what the certificate must name unless `names` is given.
    pub hostname: Arc<str>,
    pub trust: TrustAnchors,
    /// Subject alternative names, one of which must be there: DNS names, or URIs.
    pub names: Vec<Arc<str>>,
    pub identity: Option<UpstreamIdentity>,
}

/// Who may sign an upstream's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustAnchors {
    /// The machine's store.
    System,
    /// DER of certificates of authorities.
    Given(Vec<Vec<u8>>),
    /// Nobody checks. Only by explicit wish of a `Backend`.
    Insecure,
}

/// The certificate that the gateway shows to upstreams.
pub type UpstreamIdentity = Arc<crate::Certificate>;

/// How an endpoint is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    RoundRobin,
    /// The less busy of two chosen at random, by requests under way.
    #[default]
    LeastRequest,
    /// The one with the lower expected latency of two chosen at random.
    PeakEwma,
    Random,
    ConsistentHash(ConsistentHash),
}

/// What of a request is hashed to choose the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsistentHash {
    Header(Arc<str>),
    Cookie(Arc<str>),
    SourceAddress,
}

/// Circuit breakers, per worker. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub connections: Option<u32>,
    /// Requests that wait for a connection.
    pub pending: Option<u32>,
    /// Requests under way.
    pub requests: Option<u32>,
    pub connect_timeout: Option<Duration>,
    pub idle_timeout: Option<Duration>,
}

/// Passive health: an endpoint that fails in a row rests for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlierEjection {
    /// Failures (connections refused or broken, 5xx from the gateway's view) in a row.
    pub consecutive_failures: u32,
    pub base_ejection: Duration,
    /// At most this share of endpoints rests at once, in percent. Beyond it, all are used.
    pub max_ejected_percent: u8,
}

/// A second try beside a first one whose answer is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedging {
    /// From the request's last byte. Then another endpoint is asked, too.
    pub delay: Duration,
}

/// Active health: each endpoint is probed once for the whole process, however many rules and workers use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub probe: Probe,
    /// Between two probes; the proxy varies it a little.
    pub interval: Duration,
    /// For a whole probe.
    pub timeout: Duration,
    /// Probes in a row that must pass until it is healthy again. 1 or more.
    pub healthy_after: u32,
    /// Probes in a row that must fail until it is unhealthy. 1 or more.
    pub unhealthy_after: u32,
}

/// What is asked of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// That it takes a connection, TLS included where the cluster has it.
    Connect,
    /// That it answers a GET.
    Http(HttpProbe),
}

/// A GET, in the cluster's protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProbe {
    pub path: Arc<str>,
    /// For `Host`. `None`: the name that TLS asks for, else the endpoint's host and port.
    pub host: Option<Arc<str>>,
    /// What it may answer.
    pub statuses: Arc<[RangeInclusive<u16>]>,
}
