//! Heads that are sent: byte for byte.

use tidegate_http::{Framing, RequestLine, StatusLine, Upgrade, write_request, write_response};

use crate::forwarding::fields;

fn check_request(change: impl FnOnce(&mut RequestLine<'_>), text: &str, expect: &str) {
    let mut line = RequestLine {
        method: "GET",
        target: ["/a", "?b", "", ""],
        authority: "h",
        framing: Framing::None,
        upgrade: None,
        te_trailers: false,
        expect_continue: false,
    };
    change(&mut line);
    let mut out = Vec::new();
    write_request(&line, &fields(text), &mut out);
    assert_eq!(String::from_utf8_lossy(&out).replace("\r\n", "|"), expect);
}

/// What came about framing and connection is never copied.
#[test]
fn request_heads_are_built_anew() {
    let hop = "Host: x|Content-Length: 9|Transfer-Encoding: x|Connection: y|TE: z|Upgrade: h2c|Expect: q|Keep-Alive: 1|A: b";
    check_request(|_| {}, hop, "GET /a?b HTTP/1.1|host: h|A: b||");
    check_request(
        |line| line.framing = Framing::Length(0),
        hop,
        "GET /a?b HTTP/1.1|host: h|A: b|content-length: 0||",
    );
    check_request(
        |line| line.framing = Framing::Length(u64::MAX),
        "",
        "GET /a?b HTTP/1.1|host: h|content-length: 18446744073709551615||",
    );
    check_request(
        |line| line.framing = Framing::Chunked,
        hop,
        "GET /a?b HTTP/1.1|host: h|A: b|transfer-encoding: chunked||",
    );
    check_request(
        |line| (line.framing, line.expect_continue) = (Framing::Length(3), true),
        "",
        "GET /a?b HTTP/1.1|host: h|content-length: 3|expect: 100-continue||",
    );
    check_request(
        |line| line.te_trailers = true,
        hop,
        "GET /a?b HTTP/1.1|host: h|A: b|te: trailers|connection: te||",
    );
    check_request(
        |line| line.upgrade = Some(Upgrade::WebSocket),
        hop,
        "GET /a?b HTTP/1.1|host: h|A: b|connection: upgrade|upgrade: websocket||",
    );
}

fn check_response(change: impl FnOnce(&mut StatusLine<'_>), text: &str, expect: &str) {
    let mut line = StatusLine {
        status: 200,
        date: b"now",
        framing: Framing::None,
        close: false,
        keep_alive: false,
        upgrade: None,
    };
    change(&mut line);
    let mut out = Vec::new();
    write_response(&line, &fields(text), &mut out);
    assert_eq!(String::from_utf8_lossy(&out).replace("\r\n", "|"), expect);
}

#[test]
fn response_heads_are_built_anew() {
    let hop = "Transfer-Encoding: x|Connection: y|Keep-Alive: 1|A: b";
    check_response(
        |line| line.framing = Framing::Chunked,
        hop,
        "HTTP/1.1 200 OK|A: b|date: now|transfer-encoding: chunked||",
    );
    check_response(
        |line| line.framing = Framing::Length(12),
        "Date: then|Content-Length: 9",
        "HTTP/1.1 200 OK|Date: then|content-length: 12||",
    );
    // The answer to HEAD says how long the body would be.
    check_response(
        |_| {},
        "Content-Length: 9",
        "HTTP/1.1 200 OK|date: now|content-length: 9||",
    );
    check_response(
        |line| line.status = 304,
        "Content-Length: 9",
        "HTTP/1.1 304 Not Modified|date: now|content-length: 9||",
    );
    check_response(
        |line| line.status = 204,
        "Content-Length: 0",
        "HTTP/1.1 204 No Content|date: now||",
    );
    check_response(
        |line| line.status = 103,
        "Link: x|Content-Length: 0",
        "HTTP/1.1 103 Early Hints|Link: x||",
    );
    check_response(
        |line| (line.status, line.close) = (299, true),
        "",
        "HTTP/1.1 299 |date: now|connection: close||",
    );
    check_response(
        |line| line.keep_alive = true,
        "",
        "HTTP/1.1 200 OK|date: now|connection: keep-alive||",
    );
    check_response(
        |line| (line.status, line.upgrade) = (101, Some(Upgrade::WebSocket)),
        "",
        "HTTP/1.1 101 Switching Protocols|connection: upgrade|upgrade: websocket||",
    );
}
