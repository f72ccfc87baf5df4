//! Rules: what happens with a request that matched.

use std::{cmp::Ordering, sync::Arc, time::Duration};

use crate::{ClusterKey, Cors, Filters, Redirect};

/// The route that a rule belongs to, for precedence, logs, metrics and explanations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteIdentity {
    /// `HTTPRoute`, later others.
    pub kind: Arc<str>,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    pub generation: i64,
    /// Seconds since 1970, UTC. The older route wins among equal matches.
    pub created_s: i64,
}

/// One rule of a route as the user wrote it. What few rules have stands elsewhere, so that a request reads little.
#[derive(Clone, Debug)]
pub struct Rule {
    pub route: Arc<RouteIdentity>,
    /// Its place in the route, from 0.
    pub index: u32,
    /// `rules[].name`.
    pub name: Option<Arc<str>>,
    pub filters: Filters,
    pub cors: Option<Arc<Cors>>,
    pub timeouts: Timeouts,
    pub retry: Option<Box<Retry>>,
    pub action: Action,
}

/// What answers.
#[derive(Clone, Debug)]
pub enum Action {
    /// One of the backends, by weight.
    Forward(Vec<WeightedBackend>),
    Redirect(Box<Redirect>),
    /// The rule can't be served as written: this status for all requests (500 by Gateway API), and why.
    Fail {
        status: u16,
        reason: Arc<str>,
    },
}

/// A `backendRefs[]` entry.
#[derive(Clone, Debug)]
pub struct WeightedBackend {
    /// 0 is never chosen.
    pub weight: u32,
    pub choice: BackendChoice,
    pub filters: Filters,
}

/// Where a backend leads.
#[derive(Clone, Debug)]
pub enum BackendChoice {
    Cluster(ClusterKey),
    /// The reference can't be resolved: its share of requests gets this status, and the log the reason.
    Invalid {
        status: u16,
        reason: Arc<str>,
    },
}

/// Limits of time. `None` is no limit but the proxy's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// From the last byte of the request's head to the last byte of the answer.
    pub request: Option<Duration>,
    /// One try at a backend.
    pub backend_request: Option<Duration>,
}

/// When and how often a request is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Tries after the first one.
    pub attempts: u32,
    /// Least wait before the next try.
    pub backoff: Duration,
    /// Answers that count as failures, besides connections that fail.
    pub codes: Vec<u16>,
}

/// Which of two matches of the same host and path wins, by Gateway API's order. Less comes first. (The host's order and
/// the path's are settled by the table's structure: exact, then regular expressions, then prefixes, each from the longest
/// to the shortest. Gateway API leaves the place of regular expressions to implementations; behind prefixes, any `/` would
/// hide them all.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precedence<'a> {
    pub has_method: bool,
    pub headers: usize,
    pub query: usize,
    pub route: &'a RouteIdentity,
    pub rule: u32,
    pub entry: u32,
}

impl Rule {
    /// A rule without a name that changes, copies and limits nothing.
    pub fn new(route: Arc<RouteIdentity>, index: u32, action: Action) -> Self {
        Self {
            route,
            index,
            name: None,
            filters: Filters::default(),
            cors: None,
            timeouts: Timeouts::default(),
            retry: None,
            action,
        }
    }
}

impl WeightedBackend {
    /// A backend whose requests are not changed, nor copied.
    pub fn new(weight: u32, choice: BackendChoice) -> Self {
        Self {
            weight,
            choice,
            filters: Filters::default(),
        }
    }
}

impl RouteIdentity {
    /// Compares `namespace/name` as one text, as Gateway API wants it, then the kind.
    fn cmp_name(&self, other: &Self) -> Ordering {
        fn text(of: &RouteIdentity) -> impl Iterator<Item = u8> + '_ {
            let namespace = of.namespace.bytes().chain(*b"/");
            namespace.chain(of.name.bytes())
        }
        text(self)
            .cmp(text(other))
            .then_with(|| self.kind.cmp(&other.kind))
    }
}

impl Ord for Precedence<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let demands = |one: &Self| (one.has_method, one.headers, one.query);
        demands(other)
            .cmp(&demands(self))
            .then_with(|| self.route.created_s.cmp(&other.route.created_s))
            .then_with(|| self.route.cmp_name(other.route))
            .then_with(|| (self.rule, self.entry).cmp(&(other.rule, other.entry)))
    }
}

impl PartialOrd for Precedence<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
