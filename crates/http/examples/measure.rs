//! How long heads take: `cargo run --release -p tidegate-http --example measure`. Nanoseconds for one head, the best of
//! ten rounds, beside `httparse`, which only finds the tokens.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool answers on standard output"
)]

use std::{hint::black_box, time::Instant};

use tidegate_http::{
    Framing, HeadLimits, Method, RequestHead, RequestLine, ResponseHead, StatusLine, parse_request,
    parse_response, write_request, write_response,
};

const REQUEST: &[u8] = b"GET /api/v1/items/42?full=true HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: application/json, text/plain, */*\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\nReferer: https://www.example.com/items\r\nCookie: session=0123456789abcdef; theme=dark\r\nX-Request-Id: 4bf92f3577b34da6a3ce929d0e0e4736\r\nCache-Control: no-cache\r\nConnection: keep-alive\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\nContent-Length: 1024\r\nCache-Control: no-store\r\nETag: \"0123456789\"\r\nVary: Accept-Encoding\r\nServer: origin\r\nX-Frame-Options: DENY\r\n\r\n";
const ROUNDS: u32 = 10;
const HEADS: u32 = 100_000;

fn measure(name: &str, mut work: impl FnMut()) {
    let round = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        for _ in 0..HEADS {
            work();
        }
        start.elapsed().as_nanos() / u128::from(HEADS)
    };
    let best = (0..ROUNDS).map(|_| round(&mut work)).min();
    println!("{name}: {} ns", best.unwrap_or_default());
}

fn main() {
    let limits = HeadLimits::default();
    let (mut request, mut response) = (RequestHead::new(), ResponseHead::new());
    measure("parse a request of 10 fields", || {
        let _ = black_box(parse_request(black_box(REQUEST), &limits, &mut request));
    });
    measure("parse a response of 8 fields", || {
        let bytes = black_box(RESPONSE);
        let _ = black_box(parse_response(bytes, &Method::Get, &limits, &mut response));
    });
    measure("httparse, the same request", || {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut other = httparse::Request::new(&mut fields);
        let _ = black_box(other.parse(black_box(REQUEST)));
    });
    let mut out = Vec::new();
    measure("write the request", || {
        out.clear();
        let line = RequestLine {
            method: request.method.as_str(),
            target: [request.target.path(), request.target.question(), "", ""],
            authority: request.target.authority(),
            framing: request.framing,
            upgrade: None,
            te_trailers: false,
            expect_continue: false,
        };
        write_request(&line, &request.fields, black_box(&mut out));
    });
    measure("write the response", || {
        out.clear();
        let line = StatusLine {
            status: response.status,
            date: b"Sun, 06 Nov 1994 08:49:37 GMT",
            framing: Framing::Length(1024),
            close: false,
            keep_alive: false,
            upgrade: None,
        };
        write_response(&line, &response.fields, black_box(&mut out));
    });
}
