//! New paths and the `Location` of redirects: what Gateway API's path modifiers and redirect filters mean.
//!
//! Pure text work on parts that were checked before: a path is normalised, a host is a valid one.

use std::fmt::Write as _;

use crate::{PathChange, PathMatch, Redirect};

/// A path in three parts to put one after the other; any may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPath<'a>(pub [&'a str; 3]);

impl std::fmt::Display for NewPath<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|part| f.write_str(part))
    }
}

impl PathChange {
    /// What becomes of a request's path that `matched` matched. Always starts with one `/`; nothing is allocated.
    pub fn apply<'a>(&'a self, matched: &PathMatch, path: &'a str) -> NewPath<'a> {
        let (start, rest) = match (self, matched) {
            (Self::Full(new), _) => (&**new, ""),
            (Self::PrefixMatch(new), PathMatch::Prefix(prefix)) => (
                new.trim_end_matches('/'),
                path.strip_prefix(&**prefix).unwrap_or(path),
            ),
            // Not to be had from Gateway API, whose validation wants a prefix here: nothing is replaced.
            (Self::PrefixMatch(_), PathMatch::Exact(_) | PathMatch::Regex(_)) => ("", path),
        };
        // A path that starts with `//` could be taken for a host by those who come after us.
        let start = start.trim_start_matches('/');
        match start.is_empty() {
            true => NewPath(["/", "", rest.trim_start_matches('/')]),
            false => NewPath(["/", start, rest]),
        }
    }
}

/// What a redirect takes from the request and the listener that it came by.
#[derive(Clone, Copy, Debug)]
pub struct RedirectSource<'a> {
    /// Whether it came by TLS.
    pub secure: bool,
    /// The request's host without port; IPv6 addresses in brackets.
    pub host: &'a str,
    /// The listener's port.
    pub port: u16,
    pub path: &'a str,
    /// What follows the `?`, empty where there is none.
    pub query: &'a str,
    /// What matched the path.
    pub matched: &'a PathMatch,
}

impl Redirect {
    /// The value of the `Location` field.
    pub fn location(&self, source: &RedirectSource<'_>) -> String {
        let own = if source.secure { "https" } else { "http" };
        let scheme = self.scheme.as_deref().unwrap_or(own);
        let host = self.hostname.as_deref().unwrap_or(source.host);
        let mut location = format!("{scheme}://{host}");
        let usual = usual_port(scheme);
        let port = match (self.port, &self.scheme) {
            (Some(port), _) => port,
            (None, Some(_)) => usual.unwrap_or(source.port),
            (None, None) => source.port,
        };
        if usual != Some(port) {
            // Writing to a text can't fail.
            let _ = write!(location, ":{port}");
        }
        match &self.path {
            Some(change) => location.extend(change.apply(source.matched, source.path).0),
            None => location.push_str(source.path),
        }
        if !source.query.is_empty() {
            location.push('?');
            location.push_str(source.query);
        }
        location
    }
}

fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::RedirectSource;
    use crate::{PathChange, PathMatch, Redirect};

    /// The table of `HTTPPathModifier.replacePrefixMatch`. Prefixes are held without their trailing slash.
    #[test]
    fn a_prefix_is_replaced_as_the_specification_says() {
        for (path, prefix, new, expect) in [
            ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
            ("/foo", "/foo", "/xyz", "/xyz"),
            ("/foo/", "/foo", "/xyz", "/xyz/"),
            ("/foo/bar", "/foo", "", "/bar"),
            ("/foo/", "/foo", "", "/"),
            ("/foo", "/foo", "", "/"),
            ("/foo/", "/foo", "/", "/"),
            ("/foo", "/foo", "/", "/"),
            // Beyond the table.
            ("/", "", "/xyz", "/xyz/"),
            ("/a/b", "", "/xyz", "/xyz/a/b"),
            ("/a/b", "", "", "/a/b"),
            ("/foo//evil.example", "/foo", "", "/evil.example"),
            ("/foo/bar", "/foo", "xyz", "/xyz/bar"),
            ("/foo/bar", "/foo", "//evil.example", "/evil.example/bar"),
            ("/foo/b%2Fr", "/foo", "/x", "/x/b%2Fr"),
        ] {
            let change = PathChange::PrefixMatch(Arc::from(new));
            let matched = PathMatch::Prefix(Arc::from(prefix));
            let got = change.apply(&matched, path).to_string();
            assert_eq!(got, expect, "{path} without {prefix} with {new}");
        }
    }

    #[test]
    fn a_full_path_replaces_everything() {
        for (new, expect) in [
            ("/one", "/one"),
            ("", "/"),
            ("/one/", "/one/"),
            ("//a", "/a"),
        ] {
            let change = PathChange::Full(Arc::from(new));
            let matched = PathMatch::Exact(Arc::from("/a"));
            assert_eq!(change.apply(&matched, "/a").to_string(), expect, "{new}");
        }
    }

    /// A redirect is `scheme host port path`, `-` where it has none; a source is `scheme port path?query`.
    fn check(redirect: &str, source: &str, expect: &str) {
        let words: Vec<&str> = redirect.split(' ').collect();
        let text = |at: usize| (words[at] != "-").then(|| Arc::<str>::from(words[at]));
        let redirect = Redirect {
            scheme: text(0),
            hostname: text(1),
            port: text(2).map(|port| port.parse().expect("a port")),
            path: text(3).map(PathChange::PrefixMatch),
            status: 302,
        };
        let words: Vec<&str> = source.split(' ').collect();
        let (path, query) = words[2].split_once('?').unwrap_or((words[2], ""));
        let got = redirect.location(&RedirectSource {
            secure: words[0] == "https",
            host: "example.org",
            port: words[1].parse().expect("a port"),
            path,
            query,
            matched: &PathMatch::Prefix(Arc::from("/old")),
        });
        assert_eq!(got, expect, "{redirect:?} {source}");
    }

    /// Ports as in the conformance suite's HTTPRouteRedirectPortAndScheme.
    #[test]
    fn a_location_names_a_port_only_where_it_is_not_the_usual_one() {
        for (redirect, source, expect) in [
            ("- - - -", "http 80 /p", "http://example.org/p"),
            ("- - 80 -", "http 80 /p", "http://example.org/p"),
            ("- - 8080 -", "http 80 /p", "http://example.org:8080/p"),
            ("https - - -", "http 80 /p", "https://example.org/p"),
            ("https - 443 -", "http 80 /p", "https://example.org/p"),
            ("https - 8443 -", "http 80 /p", "https://example.org:8443/p"),
            ("- - - -", "http 8080 /p", "http://example.org:8080/p"),
            ("- - 80 -", "http 8080 /p", "http://example.org/p"),
            ("https - - -", "http 8080 /p", "https://example.org/p"),
            ("- - - -", "https 443 /p", "https://example.org/p"),
            ("- - 443 -", "https 443 /p", "https://example.org/p"),
            ("- - 8443 -", "https 443 /p", "https://example.org:8443/p"),
            ("http - - -", "https 443 /p", "http://example.org/p"),
            ("http - 8080 -", "https 443 /p", "http://example.org:8080/p"),
            ("http - 443 -", "https 443 /p", "http://example.org:443/p"),
            (
                "- other.example - -",
                "http 80 /p",
                "http://other.example/p",
            ),
            (
                "- - - /new",
                "http 80 /old/p?a=b&c",
                "http://example.org/new/p?a=b&c",
            ),
            ("ftp - - -", "http 8080 /p", "ftp://example.org:8080/p"),
        ] {
            check(redirect, source, expect);
        }
    }
}
