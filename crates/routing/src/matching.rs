//! What a rule demands of a request. Names and semantics follow Gateway API's `HTTPRouteMatch`.

use std::sync::Arc;

/// One `matches[]` entry. All of it must hold.
#[derive(Clone, Debug)]
pub struct RequestMatch {
    pub path: PathMatch,
    /// In upper case, as methods are.
    pub method: Option<Arc<str>>,
    pub headers: Vec<HeaderMatch>,
    pub query: Vec<QueryMatch>,
}

/// How a path matches. The request's path is normalised before, and never decoded further here.
#[derive(Clone, Debug)]
pub enum PathMatch {
    Exact(Arc<str>),
    /// By whole segments: `/shop` matches `/shop` and `/shop/x`, not `/shopping`. Without a trailing `/`; all paths is "".
    Prefix(Arc<str>),
    /// Matches the whole path, in linear time.
    Regex(Arc<regex::Regex>),
}

/// A header, by its name in lower case. A repeated header matches by its values joined with `,`.
#[derive(Clone, Debug)]
pub struct HeaderMatch {
    pub name: Arc<str>,
    pub value: TextMatch,
}

/// A query parameter, by its exact name. The first value of a repeated one counts.
#[derive(Clone, Debug)]
pub struct QueryMatch {
    pub name: Arc<str>,
    pub value: TextMatch,
}

/// A text, whole.
#[derive(Clone, Debug)]
pub enum TextMatch {
    Exact(Arc<str>),
    Regex(Arc<regex::Regex>),
}
