//! Why one match comes before another, in words: the first of Gateway API's rules (and of ours, where it leaves the order
//! to implementations) that tells them apart.

use std::fmt;

use crate::{Attachment, ListenerKey, PathMatch, RouteIdentity};

/// Both match the request; `winner` comes first in the table's order.
pub(super) fn why_less(winner: &Attachment, other: &Attachment) -> String {
    if winner.host != other.host {
        return format!("host {} is more specific than {}", winner.host, other.host);
    }
    match (&winner.when.path, &other.when.path) {
        (PathMatch::Exact(_), PathMatch::Prefix(_) | PathMatch::Regex(_)) => {
            return "an exact path comes first".to_owned();
        }
        (PathMatch::Prefix(one), PathMatch::Prefix(two)) if one != two => {
            return format!("the prefix {one} is longer");
        }
        (PathMatch::Regex(_), PathMatch::Prefix(_)) => {
            return "a pattern comes before a path's prefix".to_owned();
        }
        (PathMatch::Regex(one), PathMatch::Regex(two))
            if one.as_str().len() != two.as_str().len() =>
        {
            return "its pattern is longer".to_owned();
        }
        _ => {}
    }
    let (one, two) = (winner.precedence(), other.precedence());
    let text = if one.has_method != two.has_method {
        "it demands a method"
    } else if one.headers != two.headers {
        "it demands more headers"
    } else if one.query != two.query {
        "it demands more query parameters"
    } else if one.route.created_s != two.route.created_s {
        "its route is older"
    } else if one.route != two.route {
        "its route's name comes first"
    } else {
        "it stands earlier in its route"
    };
    format!(
        "after {}, rule {}: {text}",
        winner.rule.route, winner.rule.index
    )
}

impl fmt::Display for RouteIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl fmt::Display for ListenerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}/{} {}",
            self.kind, self.namespace, self.name, self.section
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::Host;

    #[test]
    fn hosts_as_they_are_written() {
        for (host, expect) in [
            (Host::Exact("a.b".into()), "a.b"),
            (Host::Suffix("a.b".into()), "*.a.b"),
            (Host::Any, "*"),
        ] {
            assert_eq!(host.to_string(), expect);
        }
    }
}
