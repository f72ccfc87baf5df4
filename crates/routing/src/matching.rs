//! What a rule demands of a request. Names and semantics follow Gateway API's `HTTPRouteMatch`.

use std::sync::Arc;

/// The most memory that one pattern may take once compiled, and again for its cache while it matches.
const PATTERN_BYTES: usize = 1 << 20;

/// Compiles a user's pattern so that it matches whole texts only, in linear time and bounded memory. What stands in a
/// [`PathMatch`] or [`TextMatch`] is made here.
///
/// # Errors
/// It isn't a pattern of the `regex` crate's syntax, or too big a one.
pub fn whole_regex(pattern: &str) -> Result<regex::Regex, regex::Error> {
    let build = |pattern: &str| {
        regex::RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .build()
    };
    // Alone first: `a)|(b` is no pattern, but would become one by the anchors.
    build(pattern)?;
    build(&format!("^(?:{pattern})$"))
}

/// One `matches[]` entry. All of it must hold.
#[derive(Clone, Debug)]
pub struct RequestMatch {
    pub path: PathMatch,
    /// In upper case, as methods are.
    pub method: Option<Arc<str>>,
    pub headers: Vec<HeaderMatch>,
    pub query: Vec<QueryMatch>,
}

impl RequestMatch {
    /// A match that demands nothing but a path.
    pub fn by_path(path: PathMatch) -> Self {
        Self {
            path,
            method: None,
            headers: Vec::new(),
            query: Vec::new(),
        }
    }

    pub(crate) fn is_by_path_only(&self) -> bool {
        self.method.is_none() && self.headers.is_empty() && self.query.is_empty()
    }
}

/// How a path matches. The request's path is normalised before, and never decoded further here.
#[derive(Clone, Debug)]
pub enum PathMatch {
    Exact(Arc<str>),
    /// By whole segments: `/shop` matches `/shop` and `/shop/x`, not `/shopping`. Without a trailing `/`; all paths is "".
    Prefix(Arc<str>),
    /// Matches the whole path, in linear time: made by [`whole_regex`].
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
