//! The queries of list and watch, as the Kubernetes API defines them.

use std::{fmt::Write, time::Duration};
use tidegate_wire::ResourceVersion;

/// Which state a list must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListAt {
    /// The newest: costs the server most.
    Latest,
    /// Anything that the server has at hand; for a first list only, since it may be old.
    Any,
    /// At least this new.
    NotOlderThan(ResourceVersion),
}

/// One request of the reflector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// The full picture, then every change, on one watch.
    StreamingList { at: ListAt, timeout: Duration },
    /// The full picture, or one page of it.
    List { at: ListAt, page: Option<Page> },
    /// Every change after a version.
    Watch {
        from: ResourceVersion,
        timeout: Duration,
    },
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: u32,
    pub(crate) token: Option<String>,
}

/// What narrows a resource down, beside the namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Selectors {
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
}

impl Request {
    /// Watches are held open and belong on connections of their own.
    pub(crate) fn is_watch(&self) -> bool {
        !matches!(self, Self::List { .. })
    }

    /// The query string, without `?`.
    pub(crate) fn query(&self, selectors: &Selectors) -> String {
        let mut query = Query::default();
        match self {
            Self::StreamingList { at, timeout } => {
                query.add("watch", "true");
                query.add("sendInitialEvents", "true");
                query.add("resourceVersionMatch", "NotOlderThan");
                query.watch(*timeout);
                if let ListAt::NotOlderThan(version) = at {
                    query.add("resourceVersion", &version.to_string());
                }
            }
            Self::Watch { from, timeout } => {
                query.add("watch", "true");
                query.watch(*timeout);
                query.add("resourceVersion", &from.to_string());
            }
            Self::List { at, page } => query.list(at, page.as_ref()),
        }
        let selectors = [
            ("labelSelector", &selectors.labels),
            ("fieldSelector", &selectors.fields),
        ];
        for (name, selector) in selectors {
            if let Some(selector) = selector {
                query.add(name, selector);
            }
        }
        query.0
    }
}

#[derive(Default)]
struct Query(String);

impl Query {
    fn watch(&mut self, timeout: Duration) {
        self.add("allowWatchBookmarks", "true");
        self.add("timeoutSeconds", &timeout.as_secs().to_string());
    }

    /// A continue token carries the version itself, so the server refuses both together.
    fn list(&mut self, at: &ListAt, page: Option<&Page>) {
        if let Some(page) = page {
            self.add("limit", &page.limit.to_string());
            if let Some(token) = &page.token {
                return self.add("continue", token);
            }
        }
        match at {
            ListAt::Latest => {}
            ListAt::Any => self.add("resourceVersion", "0"),
            ListAt::NotOlderThan(version) => {
                self.add("resourceVersion", &version.to_string());
                self.add("resourceVersionMatch", "NotOlderThan");
            }
        }
    }

    fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    self.0.push(char::from(byte))
                }
                _ => write!(self.0, "%{byte:02X}")
                    .expect("invariant: writing to a string cannot fail"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, ListAt, Page, Request, ResourceVersion, Selectors};

    #[track_caller]
    fn check(request: &Request, selectors: &Selectors, expected: &str) {
        assert_eq!(request.query(selectors), expected);
    }

    fn version(text: &str) -> ResourceVersion {
        ResourceVersion::parse(text).expect("a version")
    }

    #[test]
    fn queries_are_the_servers() {
        let none = Selectors::default();
        let timeout = Duration::from_secs(300);
        check(
            &Request::StreamingList {
                at: ListAt::Latest,
                timeout,
            },
            &none,
            "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=300",
        );
        check(
            &Request::StreamingList {
                at: ListAt::NotOlderThan(version("7")),
                timeout,
            },
            &none,
            "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=7",
        );
        check(
            &Request::Watch {
                from: version("9"),
                timeout,
            },
            &none,
            "watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=9",
        );
        check(
            &Request::List {
                at: ListAt::Latest,
                page: None,
            },
            &none,
            "",
        );
        let page = Some(Page {
            limit: 500,
            token: Some("a+b/=".into()),
        });
        check(
            &Request::List {
                at: ListAt::Any,
                page,
            },
            &none,
            "limit=500&continue=a%2Bb%2F%3D",
        );
        check(
            &Request::List {
                at: ListAt::NotOlderThan(version("7")),
                page: None,
            },
            &none,
            "resourceVersion=7&resourceVersionMatch=NotOlderThan",
        );
    }

    #[test]
    fn selectors_are_escaped() {
        let selectors = Selectors {
            labels: Some("app in (a,b)".into()),
            fields: Some("metadata.name=x".into()),
        };
        check(
            &Request::List {
                at: ListAt::Any,
                page: None,
            },
            &selectors,
            "resourceVersion=0&labelSelector=app%20in%20%28a%2Cb%29&fieldSelector=metadata.name%3Dx",
        );
    }
}
