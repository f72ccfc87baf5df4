//! The routing snapshot: what the compiler makes and the proxy serves from.
//!
//! Pure: values only. It knows nothing of Kubernetes and nothing of sockets. Start at [`Snapshot`]. Everything in it is
//! immutable and shared: a new snapshot differs from the old one only where something changed, so that making it costs
//! in proportion to the change.

mod backend;
mod cors;
mod directory;
mod explain;
mod filter;
mod holds;
mod listener;
mod local;
mod matching;
mod request;
mod rewrite;
mod rule;
mod snapshot;
mod table;

pub use self::{
    backend::{
        Balance, Cluster, ClusterKey, ConsistentHash, Destination, Endpoint, HealthCheck, Hedging,
        HttpProbe, Limits, Locality, Near, Offer, OutlierEjection, Probe, Protocol, ProxyProtocol,
        TrustAnchors, UpstreamIdentity, UpstreamTls,
    },
    cors::{CORS_FIELDS, CorsFields, is_preflight},
    directory::{Directory, Named},
    explain::{BackendShare, Candidate, Choice, Explanation, ListenerChoice, RuleOutcome},
    filter::{
        Cors, FilterSet, Filters, HeaderChange, Mirror, Origin, PathChange, Redirect,
        RequestFilters, ResponseFilters, Rewrite, Sampling,
    },
    holds::Unmet,
    listener::{
        Bind, BindProtocol, Certificate, ClientValidation, Host, HostError, Listener, ListenerKey,
        TlsListener,
    },
    local::is_local,
    matching::{HeaderMatch, PathMatch, QueryMatch, RequestMatch, TextMatch, whole_regex},
    request::{HeaderLookup, RequestView},
    rewrite::{NewPath, RedirectSource},
    rule::{
        Action, BackendChoice, Precedence, Retry, RouteIdentity, Rule, Timeouts, WeightedBackend,
    },
    snapshot::Snapshot,
    table::{Attachment, RouteTable},
};
