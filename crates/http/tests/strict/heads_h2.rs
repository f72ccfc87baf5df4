//! Heads of HTTP/2 against their rules.

use http::HeaderMap;
use tidegate_http::{
    Framing, HeadLimits, LengthCheck, Method, RequestHead, ResponseHead, read_h2_request,
    read_h2_response, to_header_map,
};

use crate::{
    forwarding::{fields, show},
    heads::{describe_request, framing},
};

/// Fields as in the tables of forwarding; may hold what `Fields` refuses.
fn headers(text: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in text.split('|').filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").expect("a colon");
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
        map.append(
            name,
            http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
    }
    map
}

/// Method, URI, fields, whether the stream has ended, verdict.
type Case = (&'static str, &'static str, &'static str, bool, &'static str);

const REQUESTS: &[Case] = &[
    ("GET", "http://a/x?y", "", true, "ok GET a /x?y none keep"),
    (
        "GET",
        "https://A:443/",
        "host: a",
        true,
        "ok GET a / none keep",
    ),
    ("GET", "http://a/", "host: b", true, "host-differs"),
    ("GET", "http://a/", "host: a|host: a", true, "host-repeated"),
    ("GET", "/x", "host: a", true, "ok GET a /x none keep"),
    ("GET", "/x", "", true, "host-missing"),
    ("GET", "/x", "host: a|host: a", true, "host-repeated"),
    ("GET", "http://a/", "x:  y", true, "field-value"),
    ("GET", "http://a/", "x: y\t", true, "field-value"),
    ("GET", "ftp://a/", "", true, "pseudo"),
    ("GET", "http://u@a/", "", true, "host"),
    ("GET", "http://a:99999/", "", true, "host"),
    ("GET", "http://a/../b", "", true, "path"),
    (
        "GET",
        "http://a/%2e/b//c",
        "",
        true,
        "ok GET a /b/c none keep",
    ),
    (
        "OPTIONS",
        "http://a/*",
        "",
        true,
        "ok OPTIONS a /* none keep",
    ),
    ("CONNECT", "a:443", "", true, "method-refused"),
    (
        "GET",
        "http://a/",
        "connection: close",
        true,
        "connection-specific",
    ),
    (
        "GET",
        "http://a/",
        "keep-alive: 1",
        true,
        "connection-specific",
    ),
    (
        "GET",
        "http://a/",
        "proxy-connection: x",
        true,
        "connection-specific",
    ),
    (
        "POST",
        "http://a/",
        "transfer-encoding: chunked",
        false,
        "connection-specific",
    ),
    (
        "GET",
        "http://a/",
        "upgrade: h2c",
        true,
        "connection-specific",
    ),
    (
        "GET",
        "http://a/",
        "te: trailers",
        true,
        "ok GET a / none keep trailers",
    ),
    ("GET", "http://a/", "te: gzip", true, "connection-specific"),
    (
        "GET",
        "http://a/",
        "te: trailers, gzip",
        true,
        "connection-specific",
    ),
    ("POST", "http://a/", "", false, "ok POST a / chunked keep"),
    (
        "POST",
        "http://a/",
        "content-length: 5",
        false,
        "ok POST a / 5 keep",
    ),
    ("POST", "http://a/", "content-length: 5", true, "length"),
    (
        "POST",
        "http://a/",
        "content-length: 0",
        true,
        "ok POST a / 0 keep",
    ),
    (
        "POST",
        "http://a/",
        "content-length: 5|content-length: 5",
        false,
        "length-repeated",
    ),
    ("POST", "http://a/", "content-length: 5, 5", false, "length"),
    (
        "POST",
        "http://a/",
        "expect: 100-continue",
        false,
        "ok POST a / chunked keep continue",
    ),
    ("POST", "http://a/", "expect: x", false, "expectation"),
    ("TRACE", "http://a/", "", false, "body-forbidden"),
];

#[test]
fn requests_of_http2_are_judged_by_its_rules() {
    for &(method, uri, text, ended, expect) in REQUESTS {
        let method = http::Method::from_bytes(method.as_bytes()).expect("a method");
        let uri: http::Uri = uri.parse().expect("a URI");
        let mut head = RequestHead::new();
        let limits = HeadLimits::default();
        let fields = headers(text);
        let read = read_h2_request(&method, &uri, None, &fields, ended, &limits, &mut head);
        let got = match read {
            Ok(()) => describe_request(&head),
            Err(error) => error.reason().to_owned(),
        };
        assert_eq!(got, expect, "{method} {uri} {text}");
    }
}

#[test]
fn websockets_are_asked_for_by_a_protocol() {
    for (method, protocol, text, ended, expect) in [
        (
            "CONNECT",
            Some("websocket"),
            "",
            false,
            "ok GET a / none keep websocket",
        ),
        ("CONNECT", Some("websocket"), "", true, "method-refused"),
        ("CONNECT", Some("connect-udp"), "", false, "method-refused"),
        ("CONNECT", None, "", false, "method-refused"),
        (
            "CONNECT",
            Some("websocket"),
            "content-length: 5",
            false,
            "body-forbidden",
        ),
        (
            "CONNECT",
            Some("websocket"),
            "upgrade: websocket",
            false,
            "connection-specific",
        ),
    ] {
        let method = http::Method::from_bytes(method.as_bytes()).expect("a method");
        let uri = http::Uri::from_static("http://a/");
        let (mut head, limits, fields) = (RequestHead::new(), HeadLimits::default(), headers(text));
        let read = read_h2_request(&method, &uri, protocol, &fields, ended, &limits, &mut head);
        let got = match read {
            Ok(()) => describe_request(&head),
            Err(error) => error.reason().to_owned(),
        };
        assert_eq!(got, expect, "{method} {protocol:?} {text} {ended}");
    }
}

#[test]
fn responses_of_http2_are_judged_by_its_rules() {
    for (status, text, ended, method, expect) in [
        (200, "", false, "GET", "chunked"),
        (200, "", true, "GET", "none"),
        (200, "content-length: 5", false, "GET", "5"),
        (200, "content-length: 5", true, "GET", "length"),
        (200, "content-length: 5", true, "HEAD", "none"),
        (304, "content-length: 5", true, "GET", "none"),
        (204, "content-length: 5", true, "GET", "body-forbidden"),
        (101, "", false, "GET", "status"),
        (
            200,
            "connection: close",
            false,
            "GET",
            "connection-specific",
        ),
        (
            200,
            "transfer-encoding: chunked",
            false,
            "GET",
            "connection-specific",
        ),
    ] {
        let method = Method::from_token(method.as_bytes()).expect("a method");
        let mut head = ResponseHead::new();
        let limits = HeadLimits::default();
        let read = read_h2_response(status, &headers(text), ended, &method, &limits, &mut head);
        let got = match read {
            Ok(()) => framing(head.framing),
            Err(error) => error.reason().to_owned(),
        };
        assert_eq!(got, expect, "{status} {text}");
    }
}

#[test]
fn fields_become_those_of_http2() {
    let mut map = HeaderMap::new();
    let own = fields(
        "Host: a|X-A: 1|x-a: 2|Connection: close|TE: gzip, trailers|Transfer-Encoding: chunked|B: 3",
    );
    to_header_map(&own, &mut map).expect("valid");
    let mut back = tidegate_http::Fields::new();
    tidegate_http::from_header_map(&map, &mut back).expect("valid");
    assert_eq!(show(&back), "x-a: 1|x-a: 2|b: 3|te: trailers");
}

#[test]
fn data_is_counted_against_its_length() {
    for (framing, data, ended, expect) in [
        (Framing::Length(5), &[2, 3][..], true, true),
        (Framing::Length(5), &[2, 2], true, false),
        (Framing::Length(5), &[2, 2], false, true),
        (Framing::Length(5), &[6], false, false),
        (Framing::None, &[1], false, false),
        (Framing::None, &[0], true, true),
        (Framing::Chunked, &[9, 9], true, true),
    ] {
        let mut check = LengthCheck::new(framing);
        let read = data.iter().try_for_each(|&bytes| check.data(bytes));
        let read = read.and_then(|()| if ended { check.end() } else { Ok(()) });
        assert_eq!(read.is_ok(), expect, "{framing:?} {data:?}");
    }
}
