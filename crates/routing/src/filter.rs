//! Filters: what is changed in a request or an answer, in Gateway API's terms.

use std::{sync::Arc, time::Duration};

use crate::{BackendChoice, Host};

/// What a rule or one of its backends changes or copies. Most do neither, and take a pointer's room.
#[derive(Clone, Debug, Default)]
pub struct Filters(Option<Box<FilterSet>>);

/// The filters themselves.
#[derive(Clone, Debug, Default)]
pub struct FilterSet {
    pub request: RequestFilters,
    pub response: ResponseFilters,
    pub rewrite: Option<Rewrite>,
    pub mirrors: Vec<Mirror>,
}

impl Filters {
    /// Changes of the request's headers, in order.
    pub fn request(&self) -> &[HeaderChange] {
        self.0.as_ref().map_or(&[], |set| &set.request.headers)
    }

    /// Changes of the answer's headers, in order.
    pub fn response(&self) -> &[HeaderChange] {
        self.0.as_ref().map_or(&[], |set| &set.response.headers)
    }

    pub fn rewrite(&self) -> Option<&Rewrite> {
        self.0.as_ref()?.rewrite.as_ref()
    }

    pub fn mirrors(&self) -> &[Mirror] {
        self.0.as_ref().map_or(&[], |set| &set.mirrors)
    }

    /// To put some in.
    pub fn set(&mut self) -> &mut FilterSet {
        self.0.get_or_insert_default()
    }
}

impl From<FilterSet> for Filters {
    fn from(set: FilterSet) -> Self {
        let is_empty = set.request.headers.is_empty()
            && set.response.headers.is_empty()
            && set.rewrite.is_none()
            && set.mirrors.is_empty();
        Self((!is_empty).then(|| Box::new(set)))
    }
}

/// Changes of request headers, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFilters {
    pub headers: Vec<HeaderChange>,
}

/// Changes of response headers, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseFilters {
    pub headers: Vec<HeaderChange>,
}

/// Names are valid field names as the user wrote them and compare without case; values are valid field values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderChange {
    /// Replaces all values.
    Set(Arc<str>, Arc<str>),
    /// Adds a value beside those there.
    Add(Arc<str>, Arc<str>),
    Remove(Arc<str>),
}

/// Answers with another place instead of forwarding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub scheme: Option<Arc<str>>,
    pub hostname: Option<Arc<str>>,
    pub port: Option<u16>,
    pub path: Option<PathChange>,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// Changes what the backend is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    pub hostname: Option<Arc<str>>,
    pub path: Option<PathChange>,
}

/// A new path. The query stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathChange {
    Full(Arc<str>),
    /// Puts this in the place of the prefix that matched.
    PrefixMatch(Arc<str>),
}

/// Sends a copy of requests somewhere; answers are dropped.
#[derive(Clone, Debug)]
pub struct Mirror {
    pub backend: BackendChoice,
    pub sampling: Sampling,
}

/// A share of requests: `numerator` of `denominator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    pub numerator: u32,
    /// Never 0.
    pub denominator: u32,
}

/// Cross-origin resource sharing, as in the Fetch standard and Gateway API's `HTTPCORSFilter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Origins that may read answers.
    pub allow_origins: Vec<Origin>,
    pub allow_credentials: bool,
    /// `*` alone stands for all.
    pub allow_methods: Vec<Arc<str>>,
    pub allow_headers: Vec<Arc<str>>,
    pub expose_headers: Vec<Arc<str>>,
    pub max_age: Duration,
}

/// An origin that CORS allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `*`
    Any,
    /// `scheme://host[:port]`, where the host may start with `*.`.
    Of {
        scheme: Arc<str>,
        host: Host,
        port: Option<u16>,
    },
}
