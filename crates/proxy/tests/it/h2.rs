//! HTTP/2 with clients and with endpoints, in all combinations with HTTP/1.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use tidegate_routing::Protocol;

use crate::{
    h2_support::{H2Origin, Message, Reply, ask, connect, request},
    support::{Origin, Script, World, answer, body, exchange, field, status},
};

fn trailers(name: &'static str, value: &'static str) -> HeaderMap {
    let mut map = HeaderMap::new();
    map.insert(name, HeaderValue::from_static(value));
    map
}

/// A world whose `/` leads to an endpoint of HTTP/2.
fn h2_world(origin: &H2Origin) -> World {
    let mut world = World::new();
    world.route("/", &[origin.address], |_, cluster| {
        cluster.protocol = Protocol::Http2;
    });
    world
}

#[tokio::test]
async fn h2_to_h1() {
    let origin = Origin::start(|_, _| Script::Echo).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    let mut message = request("POST", "/a?b=c");
    for value in ["a=1", "b=2", "c=3"] {
        message
            .headers_mut()
            .append("cookie", HeaderValue::from_static(value));
    }
    let got = ask(&sender, message, b"hello", None)
        .await
        .expect("an answer");
    assert_eq!(got.line, "200");
    let seen = String::from_utf8(got.body).expect("text");
    assert!(
        seen.starts_with("POST /a?b=c HTTP/1.1\r\nhost: test.example\r\n"),
        "{seen}"
    );
    assert_eq!(field(&seen, "cookie"), Some("a=1; b=2; c=3"));
    assert_eq!(field(&seen, "x-forwarded-proto"), Some("http"));
    assert_eq!(body(&seen), "5\r\nhello\r\n0\r\n\r\n");
}

#[tokio::test]
async fn h2_to_h2() {
    let origin = H2Origin::start(|_, _| Reply::Echo).await;
    let mut world = h2_world(&origin);
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    let mut message = request("POST", "/pkg.Service/Method");
    message
        .headers_mut()
        .insert("te", HeaderValue::from_static("trailers"));
    let end = trailers("grpc-status", "0");
    let got = ask(&sender, message, b"hello", Some(end))
        .await
        .expect("an answer");
    assert_eq!(
        (got.line.as_str(), got.body.as_slice()),
        ("200", &b"hello"[..])
    );
    assert_eq!(got.trailer("grpc-status"), Some("0"));
    let seen: Vec<Message> = origin.seen();
    assert_eq!(seen[0].line, "POST http://test.example/pkg.Service/Method");
    assert_eq!(seen[0].field("te"), Some("trailers"));
}

#[tokio::test]
async fn h1_to_h2() {
    let head = Response::builder().status(201).body(()).expect("a head");
    let origin = H2Origin::start(move |_, _| {
        Reply::Answer(
            head.clone(),
            b"world".to_vec(),
            Some(trailers("x-end", "1")),
        )
    })
    .await;
    let mut world = h2_world(&origin);
    let _proxy = world.serve().await;
    let text = exchange(
        world.address,
        "POST /a HTTP/1.1\r\nhost: test.example\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
    )
    .await;
    assert_eq!(status(&text), 201);
    assert_eq!(body(&text), "5\r\nworld\r\n0\r\nx-end: 1\r\n\r\n");
    let seen = origin.seen();
    assert_eq!(seen[0].body, b"hello");
    assert_eq!(seen[0].field("content-length"), Some("5"));
}
