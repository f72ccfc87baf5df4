//! CORS, as a table of filters, requests and answers. The first half are the cases of the conformance suite.

use std::{sync::Arc, time::Duration};

use crate::{Cors, Host, Origin, is_preflight};

fn origin(text: &str) -> Origin {
    if text == "*" {
        return Origin::Any;
    }
    let (scheme, rest) = text.split_once("://").expect("a scheme");
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().expect("a port"))),
        None => (rest, None),
    };
    let host = match (host, host.strip_prefix("*.")) {
        ("*", _) => Host::Any,
        (_, Some(suffix)) => Host::Suffix(Arc::from(suffix)),
        (exact, None) => Host::Exact(Arc::from(exact)),
    };
    Origin::Of {
        scheme: Arc::from(scheme),
        host,
        port,
    }
}

/// `origins; methods; headers; exposed; max age`, and `credentials` at the end where they are allowed.
fn cors(text: &str) -> Cors {
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    let list =
        |at: usize| -> Vec<Arc<str>> { parts[at].split_whitespace().map(Arc::from).collect() };
    Cors {
        allow_origins: parts[0].split_whitespace().map(origin).collect(),
        allow_methods: list(1),
        allow_headers: list(2),
        expose_headers: list(3),
        max_age: Duration::from_secs(parts[4].parse().expect("seconds")),
        allow_credentials: parts.get(5).is_some_and(|word| *word == "credentials"),
    }
}

/// A request is `origin`, then for a preflight `| method` and `| headers`. Field names lose `access-control-`.
fn check(filter: &str, request: &str, expect: &str) {
    let filter = cors(filter);
    let parts: Vec<&str> = request.split('|').map(str::trim).collect();
    let fields = match parts.as_slice() {
        ["-"] => filter.actual(None),
        [origin] => filter.actual(Some(origin)),
        [origin, method] => filter.preflight(origin, method, None),
        [origin, method, headers, ..] => filter.preflight(origin, method, Some(headers)),
        [] => panic!("no request"),
    };
    let got: Vec<String> = fields
        .iter()
        .filter(|(name, _)| *name != "vary")
        .map(|(name, value)| format!("{}={value}", name.trim_start_matches("access-control-")))
        .collect();
    assert_eq!(got.join("; "), expect, "{filter:?} {request}");
}

const FULL: &str = "https://www.foo.com https://*.bar.com; GET OPTIONS; x-header-1 x-header-2; x-header-3 x-header-4; \
                    3600; credentials";
const FULL_ANSWER: &str = "allow-credentials=true; expose-headers=x-header-3, x-header-4; \
                           allow-methods=GET, OPTIONS; allow-headers=x-header-1, x-header-2; max-age=3600";

#[test]
fn origins_of_a_list_are_answered_with_themselves() {
    for origin in [
        "https://www.foo.com",
        "https://www.bar.com",
        "https://xpto.www.bar.com",
    ] {
        let request = format!("{origin} | GET | x-header-1, x-header-2");
        check(
            FULL,
            &request,
            &format!("allow-origin={origin}; {FULL_ANSWER}"),
        );
        let answer = "allow-credentials=true; expose-headers=x-header-3, x-header-4";
        check(FULL, origin, &format!("allow-origin={origin}; {answer}"));
    }
}

#[test]
fn other_origins_are_answered_with_nothing() {
    for origin in [
        "https://foobar.com",
        "https://bar.com",
        "http://www.foo.com",
        "https://www.foo.com:8443",
        "https://www.foo.com.evil.example",
        "https://evil.example/.bar.com",
        "https://evil.example?.bar.com",
        "https://evil.example#.bar.com",
        "https://user@www.bar.com",
        "https://.bar.com",
        "https://wwwxfoo.com",
        "https://",
        "www.foo.com",
        "null",
        "",
    ] {
        check(FULL, &format!("{origin} | GET"), "");
        check(FULL, origin, "");
    }
    check(FULL, "-", "");
}

#[test]
fn stars_stay_stars_without_credentials() {
    for (filter, request, expect) in [
        (
            "https://www.foo.com; *; ; ; 5",
            "https://www.foo.com | POST",
            "allow-origin=https://www.foo.com; allow-methods=*; max-age=5",
        ),
        (
            "*; PUT; ; ; 5",
            "https://foobar.com:12345 | PUT",
            "allow-origin=*; allow-methods=PUT; max-age=5",
        ),
        (
            "*; PUT; ; ; 5",
            "https://foobar.com:12345",
            "allow-origin=*",
        ),
        (
            "*; *; *; *; 5",
            "https://other.foo.com | PUT | x-header-1, x-header-2",
            "allow-origin=*; expose-headers=*; allow-methods=*; allow-headers=*; max-age=5",
        ),
    ] {
        check(filter, request, expect);
    }
}

#[test]
fn stars_beside_credentials_become_what_was_asked_for() {
    let filter = "*; *; *; *; 5; credentials";
    for (request, expect) in [
        (
            "https://other.foo.com | PUT | x-header-1, x-header-2",
            "allow-origin=https://other.foo.com; allow-credentials=true; allow-methods=PUT; \
             allow-headers=x-header-1, x-header-2; max-age=5",
        ),
        (
            "https://other.foo.com | PUT",
            "allow-origin=https://other.foo.com; allow-credentials=true; allow-methods=PUT; max-age=5",
        ),
        (
            "https://other.foo.com",
            "allow-origin=https://other.foo.com; allow-credentials=true",
        ),
    ] {
        check(filter, request, expect);
    }
}

#[test]
fn ports_and_case_of_origins() {
    for (own, sent, expect) in [
        ("https://a.b", "https://a.b:443", true),
        ("https://a.b:443", "https://a.b", true),
        ("http://a.b:8080", "http://a.b:8080", true),
        ("http://a.b:8080", "http://a.b", false),
        ("http://*", "http://anything.example", true),
        ("http://*", "https://anything.example", false),
        ("http://*", "http://", false),
        ("http://*", "http://[::1]", true),
        ("http://*", "http://[::1]:80", true),
        ("http://*", "http://[::1]:81", false),
        ("https://*.b", "https://X.B", true),
        ("https://*.b", "https://x.b:99999", false),
        ("https://*.b", "https://x.b:", false),
        ("*", "null", true),
    ] {
        assert_eq!(origin(own).matches(sent), expect, "{own} {sent}");
    }
}

/// A cache must not serve one origin's answer to another.
#[test]
fn answers_that_depend_on_the_origin_say_so() {
    for (filter, origin, expect) in [
        ("https://a.b; GET; ; ; 5", Some("https://c.d"), true),
        ("https://a.b; GET; ; ; 5", None, true),
        ("*; GET; ; ; 5; credentials", Some("https://c.d"), true),
        ("*; GET; ; ; 5", Some("https://c.d"), false),
    ] {
        let filter = cors(filter);
        let varies = filter
            .actual(origin)
            .iter()
            .any(|(name, _)| *name == "vary");
        assert_eq!(varies, expect, "{filter:?} {origin:?}");
    }
}

#[test]
fn a_preflight_is_an_options_with_origin_and_method() {
    assert!(is_preflight("OPTIONS", Some("https://a.b"), Some("GET")));
    assert!(!is_preflight("options", Some("https://a.b"), Some("GET")));
    assert!(!is_preflight("GET", Some("https://a.b"), Some("GET")));
    assert!(!is_preflight("OPTIONS", None, Some("GET")));
    assert!(!is_preflight("OPTIONS", Some("https://a.b"), None));
}
