//! What routing looks at in a request. The proxy lends its own fields; nothing is copied.

use std::fmt;

/// Header fields of a request, as flat as the proxy has them.
pub trait HeaderLookup {
    /// The value of the `nth` field (from 0) of this name, in the order of arrival. `name` is in lower case; fields'
    /// names compare without case.
    fn value(&self, name: &str, nth: usize) -> Option<&[u8]>;
}

/// No header at all.
impl HeaderLookup for () {
    fn value(&self, _name: &str, _nth: usize) -> Option<&[u8]> {
        None
    }
}

/// Pairs of name and value.
impl<N: AsRef<str>, V: AsRef<[u8]>> HeaderLookup for [(N, V)] {
    fn value(&self, name: &str, nth: usize) -> Option<&[u8]> {
        self.iter()
            .filter(|(own, _)| own.as_ref().eq_ignore_ascii_case(name))
            .nth(nth)
            .map(|(_, value)| value.as_ref())
    }
}

/// A request's head, normalised.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    /// In lower case, without port and trailing dot.
    pub host: &'a str,
    /// Starts with `/`. Normalised, still percent-encoded, without the query.
    pub path: &'a str,
    /// What follows the `?`, as received; empty where there is none.
    pub query: &'a str,
    /// As received: methods have case.
    pub method: &'a str,
    pub headers: &'a dyn HeaderLookup,
}

impl fmt::Debug for RequestView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestView")
            .field("method", &self.method)
            .field("host", &self.host)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
