//! Trace contexts by the specification, and spans as a collector gets them.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use tidegate_http::Fields;

use super::{figures, record, rule, value};
use crate::{
    observe::{
        Observability, ObserveOptions, Span, TraceContext, TraceOptions, client_context, pass_on,
    },
    record::Observers as _,
};

/// Longer than any batch waits.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn contexts_as_the_specification_has_them() {
    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
    for (value, expect) in [
        (format!("00-{ID}-01"), Some(true)),
        (format!("00-{ID}-00"), Some(false)),
        (format!("00-{ID}-03"), Some(true)),
        (format!("00-{ID}-02"), Some(false)),
        (format!("cc-{ID}-01"), Some(true)),
        (
            format!("cc-{ID}-01-what-the-future-will-be-like"),
            Some(true),
        ),
        (format!("cc-{ID}-01.what-the-future-will-not-be-like"), None),
        (format!("00-{ID}-01-more"), None),
        (format!("ff-{ID}-01"), None),
        (format!("00-{}-01", ID.to_uppercase()), None),
        (format!("00-{ID}-0"), None),
        (format!("00_{ID}-01"), None),
        (format!("0x-{ID}-01"), None),
        (
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01".to_owned(),
            None,
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01".to_owned(),
            None,
        ),
        (String::new(), None),
        ("é".repeat(28), None),
    ] {
        let got = TraceContext::parse(value.as_bytes());
        assert_eq!(got.map(|context| context.sampled), expect, "{value}");
        if let Some(context) = got {
            let span = Span::begin(Some(context), [1, 2, 3], true);
            let sent = span.traceparent();
            let text = std::str::from_utf8(&sent).expect("ASCII");
            assert_eq!(&text[..36], "00-4bf92f3577b34da6a3ce929d0e0e4736-");
            assert_eq!(&text[36..53], "0000000000000003-");
            assert_eq!(TraceContext::parse(&sent).map(|own| own.sampled), expect);
        }
    }
}

/// Fields `NAME: VALUE`, before and after.
fn check_passed_on(before: &[(&str, &str)], expect: &[(&str, &str)]) {
    let mut fields = Fields::new();
    for (name, value) in before {
        fields
            .push(name.as_bytes(), value.as_bytes())
            .expect("a field");
    }
    let span = Span::begin(client_context(&fields), [0, 1, 2], false);
    pass_on(&span, &mut fields);
    for (name, value) in expect {
        let got = fields
            .get(name)
            .map(|value| String::from_utf8_lossy(value).into_owned());
        assert_eq!(got.unwrap_or_default(), *value, "{name} after {before:?}");
    }
    assert_eq!(fields.get_all("traceparent").count(), 1);
}

#[test]
fn contexts_are_passed_on() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let child = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000002-01";
    let own = "00-00000000000000000000000000000001-0000000000000002-00";
    let traceparent = "Traceparent";
    check_passed_on(&[], &[("traceparent", own)]);
    check_passed_on(
        &[(traceparent, parent), ("tracestate", "a=b")],
        &[("traceparent", child), ("tracestate", "a=b")],
    );
    check_passed_on(
        &[(traceparent, "junk"), ("tracestate", "a=b")],
        &[("traceparent", own), ("tracestate", "")],
    );
    check_passed_on(
        &[(traceparent, parent), (traceparent, parent)],
        &[("traceparent", own)],
    );
}

/// A collector: its address, and the requests that it takes, each with one batch.
fn collector() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (taken, requests) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut part = [0; 4096];
            while !request.ends_with(b"]}]}]}") {
                let count = stream.read(&mut part).expect("the rest of the batch");
                request.extend_from_slice(&part[..count]);
            }
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                .expect("an answer");
            if taken
                .send(String::from_utf8(request).expect("UTF-8"))
                .is_err()
            {
                return;
            }
        }
    });
    (address, requests)
}

#[test]
fn spans_reach_a_collector() {
    let (address, requests) = collector();
    let options = ObserveOptions {
        traces: Some(TraceOptions {
            collector: format!("http://{address}"),
            service: "edge".to_owned(),
            one_in: 1,
        }),
        ..ObserveOptions::default()
    };
    let observability = Observability::start(options).expect("a thread");
    let observer = observability.observer(0);
    let rule = rule("shop");
    for at in 1..4 {
        let mut one = record(Some(&rule), None);
        one.span = observer.span(None, [0, at, at]);
        one.status = 502;
        observer.ended(&one);
        one.span = Some(Span {
            sampled: false,
            ..one.span.expect("all are sampled")
        });
        observer.ended(&one);
    }
    // A batch goes out at its time, however many of the spans are there by then.
    let mut spans = Vec::new();
    while spans.len() < 3 {
        let request = requests.recv_timeout(PATIENCE).expect("a batch");
        let (head, body) = request.split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
        assert!(!body.contains("token"), "{body}");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let batch = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
        spans.extend_from_slice(batch.as_array().expect("spans"));
    }
    assert_eq!(spans.len(), 3, "{spans:?}");
    assert_eq!(
        value(&figures(&observability), "tidegate_spans_dropped_total"),
        0.0
    );
    let span = &spans[1];
    assert_eq!(span["traceId"], "00000000000000000000000000000002");
    assert_eq!(span["spanId"], "0000000000000002");
    assert_eq!(span["name"], "GET default/shop");
    assert_eq!(span["status"]["code"], 2);
}

#[test]
fn collectors_that_are_none_are_refused_at_the_start() {
    for collector in [
        "",
        "localhost:4318",
        "https://c:4318",
        "http://",
        "http://a b",
        "http://u@c",
        "http://c/\r\nx",
    ] {
        let options = ObserveOptions {
            traces: Some(TraceOptions {
                collector: collector.to_owned(),
                service: "edge".to_owned(),
                one_in: 1,
            }),
            ..ObserveOptions::default()
        };
        assert!(Observability::start(options).is_err(), "{collector}");
    }
}
