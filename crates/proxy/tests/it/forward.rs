//! What is forwarded, and what comes back.

use std::time::Duration;

use tidegate_proxy::Options;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    Origin, Script, World, answer, body, exchange, field, get, read_message, status,
};

#[tokio::test]
async fn a_request_goes_up_and_its_answer_comes_down() {
    let origin = Origin::always(&answer(200, "x-own: yes\r\n", "hello")).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let text = get(
        world.address,
        "/a/b?c=d",
        "x-mine: 1\r\nproxy-connection: x\r\n",
    )
    .await;
    assert_eq!(status(&text), 200, "{text}");
    assert_eq!(body(&text), "hello");
    assert_eq!(field(&text, "x-own"), Some("yes"));
    assert_eq!(field(&text, "connection"), Some("close"));
    assert!(field(&text, "date").is_some());
    let seen = origin.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].starts_with("GET /a/b?c=d HTTP/1.1\r\nhost: test.example\r\n"));
    for (name, value) in [
        ("x-mine", Some("1")),
        ("proxy-connection", None),
        ("connection", None),
        ("x-forwarded-for", Some("127.0.0.1")),
        ("x-forwarded-proto", Some("http")),
        ("x-forwarded-host", Some("test.example")),
    ] {
        assert_eq!(field(&seen[0], name), value, "{name}");
    }
    assert_eq!(field(&seen[0], "x-request-id").map(str::len), Some(32));
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let origin = Origin::always(&answer(200, "", "ok")).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let mut stream = TcpStream::connect(world.address).await.expect("connected");
    let mut rest = Vec::new();
    for _ in 0..20 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .expect("sent");
        let text = read_message(&mut stream, &mut rest)
            .await
            .expect("an answer");
        assert_eq!(status(&text), 200);
    }
    assert_eq!(*origin.connections.lock().expect("unpoisoned"), 1);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::start(|_, number| {
        Script::Answer(answer(200, "", &format!("number {number}")).into_bytes())
    })
    .await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let one = "GET /1 HTTP/1.1\r\nhost: a\r\n\r\n";
    let post = "POST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    let last = "GET /3 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let text = exchange(world.address, &format!("{one}{post}{last}")).await;
    let places = ["number 0", "number 1", "number 2"].map(|part| text.find(part));
    assert!(places.is_sorted() && places[0].is_some(), "{text}");
    assert!(origin.seen()[1].ends_with("\r\n\r\nabc"));
}

/// A request's body, what the origin must see of it.
async fn check_body(framing: &str, sent: &str, expect: &str) {
    let origin = Origin::always(&answer(200, "", "ok")).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let request =
        format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{framing}\r\n\r\n{sent}");
    let text = exchange(world.address, &request).await;
    assert_eq!(status(&text), 200, "{text}");
    let seen = origin.seen();
    assert_eq!(body(&seen[0]), expect, "{}", seen[0]);
}

#[tokio::test]
async fn bodies_go_up_whole() {
    check_body("content-length: 0", "", "").await;
    check_body("content-length: 5", "abcde", "abcde").await;
    let large = "x".repeat(300_000);
    check_body("content-length: 300000", &large, &large).await;
    check_body(
        "transfer-encoding: chunked",
        "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n",
        "3\r\nabc\r\n2\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n",
    )
    .await;
}

/// An origin's answer, and what the client gets: status and body.
async fn check_answer(version: &str, answer: &str, last: bool, expect: (u16, &str)) {
    let bytes = answer.as_bytes().to_vec();
    let origin = Origin::start(move |_, _| match last {
        true => Script::Last(bytes.clone()),
        false => Script::Answer(bytes.clone()),
    })
    .await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let request = format!("GET / HTTP/{version}\r\nhost: a\r\nconnection: close\r\n\r\n");
    let text = exchange(world.address, &request).await;
    assert_eq!((status(&text), body(&text)), expect, "{answer} gave {text}");
}

#[tokio::test]
async fn answers_come_down_whole() {
    let large = "y".repeat(500_000);
    let length = format!("HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n{large}");
    check_answer("1.1", &length, false, (200, &large)).await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    check_answer("1.1", chunked, false, (200, "3\r\nabc\r\n0\r\n\r\n")).await;
    check_answer("1.0", chunked, false, (200, "abc")).await;
    let until_close = "HTTP/1.1 200 OK\r\n\r\nabc";
    check_answer("1.1", until_close, true, (200, "3\r\nabc\r\n0\r\n\r\n")).await;
    check_answer("1.0", until_close, true, (200, "abc")).await;
    check_answer("1.1", "HTTP/1.1 204 X\r\n\r\n", false, (204, "")).await;
    let informed = "HTTP/1.1 103 X\r\nlink: a\r\n\r\nHTTP/1.1 204 X\r\n\r\n";
    check_answer("1.0", informed, false, (204, "")).await;
}

/// What is malformed becomes a 502, before anything of it reaches the client.
#[tokio::test]
async fn malformed_answers_become_502() {
    for bad in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\ncontent-length: 3\n\nabc",
        "nonsense",
        "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "HTTP/1.1 099 X\r\n\r\n",
        "",
    ] {
        check_answer("1.1", bad, true, (502, body_of_502(bad))).await;
    }
}

fn body_of_502(bad: &str) -> &'static str {
    match bad {
        "" => "the backend closed the connection\n",
        _ => "the backend's answer is malformed\n",
    }
}

/// A body that breaks off must not look whole.
#[tokio::test]
async fn a_cut_answer_is_cut_for_the_client_too() {
    let large = "z".repeat(100_000);
    for (answer, whole) in [
        (
            format!("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n{large}"),
            200_000,
        ),
        (
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n30d40\r\n{large}"),
            200_000,
        ),
    ] {
        let bytes = answer.into_bytes();
        let origin = Origin::start(move |_, _| Script::Last(bytes.clone())).await;
        let mut world = World::new();
        world.route("/", &[origin.address], |_, _| {});
        let _proxy = world.serve().await;
        let text = get(world.address, "/", "").await;
        assert_eq!(status(&text), 200);
        assert!(body(&text).len() < whole);
        assert!(!text.ends_with("0\r\n\r\n"));
    }
}

#[tokio::test]
async fn head_and_304_have_no_body() {
    let origin = Origin::start(|request, _| match request.starts_with("HEAD") {
        true => Script::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n".to_vec()),
        false => Script::Answer(b"HTTP/1.1 304 X\r\ncontent-length: 7\r\n\r\n".to_vec()),
    })
    .await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let head = "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let text = exchange(world.address, &format!("{head}{last}")).await;
    let (one, two) = text.split_once("\r\n\r\n").expect("two heads");
    assert_eq!(field(one, "content-length"), Some("5"));
    assert_eq!(status(two), 304);
    assert_eq!(field(two, "content-length"), Some("7"));
    assert_eq!(body(two), "");
}

#[tokio::test]
async fn expectations_are_forwarded_and_their_answers_too() {
    let origin = Origin::always(&answer(200, "", "ok")).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.expect("a head");
        let head = String::from_utf8_lossy(&bytes[..count]).into_owned();
        assert_eq!(field(&head, "expect"), Some("100-continue"), "{head}");
        assert!(head.ends_with("\r\n\r\n"));
        stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .expect("sent");
        stream.read_exact(&mut bytes[..3]).await.expect("a body");
        let answer = answer(200, "", std::str::from_utf8(&bytes[..3]).expect("text"));
        stream.write_all(answer.as_bytes()).await.expect("sent");
        let _end = stream.read(&mut bytes).await.expect("the end");
    });
    let mut world = World::new();
    world.route("/", &[address], |_, _| {});
    world.route("/other", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let mut stream = TcpStream::connect(world.address).await.expect("connected");
    let head = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut rest = Vec::new();
    let interim = read_message(&mut stream, &mut rest).await.expect("a 100");
    assert_eq!(status(&interim), 100, "{interim}");
    stream.write_all(b"abc").await.expect("sent");
    let text = read_message(&mut stream, &mut rest)
        .await
        .expect("an answer");
    assert_eq!((status(&text), body(&text)), (200, "abc"));
}

/// Servers of HTTP/1.0 and many of HTTP/2 never say 100, and Java's client waits for it without end.
#[tokio::test]
async fn a_client_that_waits_for_a_100_gets_one_though_the_origin_is_silent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut rest = Vec::new();
        let text = read_message(&mut stream, &mut rest).await.expect("all");
        let answer = answer(200, "", body(&text));
        stream.write_all(answer.as_bytes()).await.expect("sent");
    });
    let mut world = World::new();
    world.route("/", &[address], |_, _| {});
    let mut options = Options::default();
    options.limits.continue_timeout = Duration::from_millis(50);
    let _proxy = world.serve_with(options).await;
    let mut stream = TcpStream::connect(world.address).await.expect("connected");
    let head = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut rest = Vec::new();
    let interim = read_message(&mut stream, &mut rest).await.expect("a 100");
    assert_eq!(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").await.expect("sent");
    let text = read_message(&mut stream, &mut rest)
        .await
        .expect("an answer");
    assert_eq!((status(&text), body(&text)), (200, "abc"));
}

/// An answer that comes before the request's body has ended is passed on, and ends the connection.
#[tokio::test]
async fn early_answers_arrive() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut bytes = [0; 4096];
        let _head = stream.read(&mut bytes).await.expect("a head");
        let answer = answer(413, "", "too much");
        stream.write_all(answer.as_bytes()).await.expect("sent");
        tokio::time::sleep(Duration::from_secs(30)).await;
    });
    let mut world = World::new();
    world.route("/", &[address], |_, _| {});
    let _proxy = world.serve().await;
    let request = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nsome";
    let text = exchange(world.address, request).await;
    assert_eq!((status(&text), body(&text)), (413, "too much"));
    assert_eq!(field(&text, "connection"), Some("close"));
}

#[tokio::test]
async fn websockets_are_tunnels_after_a_101_only() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("its address");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut rest = Vec::new();
        let head = read_message(&mut stream, &mut rest).await.expect("a head");
        assert_eq!(field(&head, "upgrade"), Some("websocket"));
        assert_eq!(field(&head, "connection"), Some("upgrade"));
        let answer = "HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhi";
        stream.write_all(answer.as_bytes()).await.expect("sent");
        let mut bytes = Vec::new();
        stream
            .read_to_end(&mut bytes)
            .await
            .expect("the client's end");
        stream.write_all(&bytes).await.expect("sent");
    });
    let mut world = World::new();
    world.route("/", &[address], |_, _| {});
    let _proxy = world.serve().await;
    let mut stream = TcpStream::connect(world.address).await.expect("connected");
    let head = "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut bytes = [0; 1024];
    let count = stream.read(&mut bytes).await.expect("a 101");
    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
    assert_eq!(status(&text), 101, "{text}");
    stream.write_all(b"ping").await.expect("sent");
    stream.shutdown().await.expect("half closed");
    let mut end = text;
    stream.read_to_string(&mut end).await.expect("the end");
    assert_eq!(body(&end), "hiping");
    server.await.expect("no assertion failed");
}
