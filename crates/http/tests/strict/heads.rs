//! Heads of HTTP/1 against their tables: whole, and cut at every byte.

use tidegate_http::{
    Framing, HeadError, HeadLimits, Method, RequestHead, ResponseHead, parse_request,
    parse_response,
};

use crate::escape::{cases, unescape};

const REQUESTS: &str = include_str!("../cases/requests.txt");
const RESPONSES: &str = include_str!("../cases/responses.txt");

/// Every byte of what is short; of what is long, some.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    let step = if length < 2_000 { 1 } else { 997 };
    (0..length).step_by(step).chain([length])
}

pub(crate) fn framing(framing: Framing) -> String {
    match framing {
        Framing::None => "none".to_owned(),
        Framing::Length(length) => length.to_string(),
        Framing::Chunked => "chunked".to_owned(),
        Framing::UntilClose => "until-close".to_owned(),
    }
}

pub(crate) fn describe_request(head: &RequestHead) -> String {
    let host = match head.target.host() {
        "" => "-",
        host => host,
    };
    let mut words = vec![
        "ok".to_owned(),
        head.method.as_str().to_owned(),
        host.to_owned(),
        head.target.uri().to_owned(),
        framing(head.framing),
        if head.keep_alive { "keep" } else { "close" }.to_owned(),
    ];
    words.extend(head.expect_continue.then(|| "continue".to_owned()));
    words.extend(head.upgrade.map(|upgrade| upgrade.as_str().to_owned()));
    words.extend(head.te_trailers.then(|| "trailers".to_owned()));
    words.join(" ")
}

fn describe_response(head: &ResponseHead) -> String {
    let mut words = vec![
        "ok".to_owned(),
        head.status.to_string(),
        framing(head.framing),
        if head.keep_alive { "keep" } else { "close" }.to_owned(),
    ];
    words.extend(head.upgrade.map(|upgrade| upgrade.as_str().to_owned()));
    words.join(" ")
}

fn verdict(
    result: Result<Option<usize>, HeadError>,
    length: usize,
    upstream: bool,
    describe: impl FnOnce() -> String,
) -> String {
    match result {
        Ok(Some(consumed)) => {
            assert_eq!(consumed, length, "consumed");
            describe()
        }
        Ok(None) => "more".to_owned(),
        Err(error) if upstream => format!("502 {}", error.reason()),
        Err(error) => format!("{} {}", error.status(), error.reason()),
    }
}

/// `expect` as the table has it, with its escapes.
fn check_request(expect: &str, bytes: &[u8], head: &mut RequestHead) {
    let limits = HeadLimits::default();
    let shown = bytes[..bytes.len().min(200)].escape_ascii();
    let result = parse_request(bytes, &limits, &mut RequestHead::new());
    let mut whole = RequestHead::new();
    assert_eq!(result, parse_request(bytes, &limits, &mut whole));
    let got = verdict(result, bytes.len(), false, || describe_request(&whole));
    assert_eq!(got.as_bytes(), unescape(expect), "{shown}: {got}");
    // In pieces, in a head that was used before, the first verdict is the same.
    head.clear();
    let mut cut = Ok(None);
    for end in cuts(bytes.len()) {
        cut = parse_request(&bytes[..end], &limits, head);
        if cut != Ok(None) {
            break;
        }
    }
    let got = verdict(cut, bytes.len(), false, || describe_request(head));
    assert_eq!(got.as_bytes(), unescape(expect), "in pieces: {shown}");
}

fn check_response(expect: &str, method: &Method, bytes: &[u8], head: &mut ResponseHead) {
    let limits = HeadLimits::default();
    let shown = bytes[..bytes.len().min(200)].escape_ascii();
    let mut whole = ResponseHead::new();
    let result = parse_response(bytes, method, &limits, &mut whole);
    let got = verdict(result, bytes.len(), true, || describe_response(&whole));
    assert_eq!(got, expect, "{shown}");
    head.clear();
    let mut cut = Ok(None);
    for end in cuts(bytes.len()) {
        cut = parse_response(&bytes[..end], method, &limits, head);
        if cut != Ok(None) {
            break;
        }
    }
    let got = verdict(cut, bytes.len(), true, || describe_response(head));
    assert_eq!(got, expect, "in pieces: {shown}");
}

#[test]
fn requests_are_judged_as_the_table_says() {
    let mut head = RequestHead::new();
    let mut count = 0;
    for case in cases(REQUESTS, 2) {
        check_request(case[0], &unescape(case[1]), &mut head);
        count += 1;
    }
    assert!(count > 550, "the table was read: {count}");
}

#[test]
fn responses_are_judged_as_the_table_says() {
    let mut head = ResponseHead::new();
    let mut count = 0;
    for case in cases(RESPONSES, 3) {
        let method = Method::from_token(case[1].as_bytes()).expect("a method");
        check_response(case[0], &method, &unescape(case[2]), &mut head);
        count += 1;
    }
    assert!(count > 180, "the table was read: {count}");
}

/// What follows a head stays for the body or the next request.
#[test]
fn nothing_behind_a_head_is_consumed() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for tail in [&b"GET /next"[..], b"\r\n", b"\n", b"\0", b"x"] {
        let bytes = [&head[..], tail].concat();
        let result = parse_request(&bytes, &HeadLimits::default(), &mut RequestHead::new());
        assert_eq!(result, Ok(Some(head.len())));
    }
}

/// Whatever is accepted here, another parser of good name reads in the same way.
#[test]
fn httparse_reads_what_is_accepted_in_the_same_way() {
    let mut compared = 0;
    for case in cases(REQUESTS, 2).filter(|case| case[0].starts_with("ok ")) {
        let bytes = unescape(case[1]);
        let mut head = RequestHead::new();
        parse_request(&bytes, &HeadLimits::default(), &mut head).expect("accepted");
        let mut fields = [httparse::EMPTY_HEADER; 128];
        let mut other = httparse::Request::new(&mut fields);
        let status = other.parse(&bytes).expect("accepted by httparse");
        assert_eq!(status, httparse::Status::Complete(bytes.len()));
        assert_eq!(other.method, Some(head.method.as_str()));
        assert_eq!(other.headers.len(), head.fields.len());
        for (theirs, own) in other.headers.iter().zip(head.fields.iter()) {
            assert_eq!(theirs.name.as_bytes(), own.name);
            assert_eq!(theirs.value, own.value, "{}", theirs.name);
        }
        compared += 1;
    }
    assert!(compared > 80, "{compared} compared");
}
