//! HTTP/2 with clients and with endpoints, in all combinations with HTTP/1.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tidegate_routing::{BackendChoice, ClusterKey, Mirror, Protocol, Retry, Sampling};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::{
    h2_support::{H2Origin, Message, Reply, ask, connect, read_answer, request, write},
    support::{Origin, PATIENCE, Script, World, answer, body, cluster, exchange, field, status},
};

pub(crate) fn trailers(name: &'static str, value: &'static str) -> HeaderMap {
    let mut map = HeaderMap::new();
    map.insert(name, HeaderValue::from_static(value));
    map
}

/// An answer that says of its own body: nothing.
pub(crate) fn head(status: u16, fields: &[(&'static str, &'static str)]) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    for (name, value) in fields {
        let value = HeaderValue::from_static(value);
        head.headers_mut()
            .append(HeaderName::from_static(name), value);
    }
    head
}

/// A world whose `/` leads to endpoints of HTTP/2.
pub(crate) fn h2_world(origin: &H2Origin) -> World {
    let mut world = World::new();
    world.route("/", &[origin.address], |_, cluster| {
        cluster.protocol = Protocol::Http2;
    });
    world
}

#[tokio::test]
async fn heads_are_translated() {
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
    let seen = String::from_utf8(got.body).expect("text");
    assert!(
        seen.starts_with("POST /a?b=c HTTP/1.1\r\nhost: test.example\r\n"),
        "{seen}"
    );
    assert_eq!(field(&seen, "cookie"), Some("a=1; b=2; c=3"));
    assert_eq!(field(&seen, "x-forwarded-proto"), Some("http"));
    assert!(got.fields.contains_key("date") && !got.fields.contains_key("connection"));
}

#[tokio::test]
async fn calls_pass_through_with_their_trailers() {
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
    assert_eq!(got.trailer("grpc-status"), Some("0"));
    let seen: Vec<Message> = origin.seen();
    assert_eq!(seen[0].line, "POST http://test.example/pkg.Service/Method");
    assert_eq!(seen[0].field("te"), Some("trailers"));
}

#[tokio::test]
async fn what_is_refused_has_its_status() {
    let origin = Origin::always(&answer(200, "", "")).await;
    let mut world = World::new();
    world.route("/served", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    let mut differs = request("GET", "/served");
    differs
        .headers_mut()
        .insert("host", HeaderValue::from_static("other.example"));
    let mut tunnel = request("CONNECT", "/");
    *tunnel.uri_mut() = http::Uri::from_static("test.example:443");
    for (message, expect) in [
        (request("GET", "/served"), "200"),
        (request("GET", "/elsewhere"), "404"),
        (request("GET", "/served/%00"), "400"),
        (differs, "400"),
        (tunnel, "405"),
        (request("GET", "/served"), "200"),
    ] {
        let label = format!("{message:?}");
        let got = ask(&sender, message, b"", None).await.expect("an answer");
        assert_eq!(got.line, expect, "{label}");
    }
}

/// HTTP/1 stays what it is, also where a client offers to change to HTTP/2.
#[tokio::test]
async fn upgrades_to_h2c_are_not_taken() {
    let origin = Origin::start(|_, _| Script::Echo).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let text = exchange(
        world.address,
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n",
    )
    .await;
    assert_eq!(status(&text), 200);
    assert!(!body(&text).contains("h2c") && !body(&text).contains("http2-settings"));
}

#[tokio::test]
async fn a_preface_may_come_in_pieces() {
    let origin = Origin::always(&answer(200, "", "")).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    let mut stream = TcpStream::connect(world.address).await.expect("connected");
    stream.set_nodelay(true).expect("set");
    for byte in &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..23] {
        stream.write_all(&[*byte]).await.expect("sent");
        tokio::task::yield_now().await;
    }
    stream.write_all(b"\n").await.expect("sent");
    stream
        .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
        .await
        .expect("sent");
    let mut got = [0; 9];
    let reading = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut got);
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("in time")
        .expect("a frame");
    assert_eq!(got[3], 4, "settings come first");
}

#[tokio::test]
async fn requests_share_a_connection() {
    let origin = H2Origin::start(|_, _| Reply::Echo).await;
    let mut world = h2_world(&origin);
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    let asking = (0..60).map(|number| {
        let sender = sender.clone();
        tokio::spawn(async move {
            let text = format!("body {number}");
            let got = ask(&sender, request("POST", "/"), text.as_bytes(), None).await;
            assert_eq!(got.expect("an answer").body, text.as_bytes());
        })
    });
    for task in asking.collect::<Vec<_>>() {
        task.await.expect("answered");
    }
    assert_eq!(origin.connections.load(Ordering::Relaxed), 1);
}

const LARGE: usize = 16 * 1024 * 1024;

/// Takes a large body once `gate` opens, then answers with one as large; counts what of it is on its way.
async fn slow_origin(gate: Arc<Notify>, sent: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut connection = h2::server::handshake(stream).await.expect("a handshake");
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let (sent, gate) = (sent.clone(), gate.clone());
            tokio::spawn(async move {
                gate.notified().await;
                let mut incoming = request.into_body();
                while let Some(Ok(chunk)) = incoming.data().await {
                    incoming
                        .flow_control()
                        .release_capacity(chunk.len())
                        .expect("released");
                }
                let answer = respond.send_response(Response::new(()), false);
                write_counted(&mut answer.expect("a head"), &sent).await;
            });
        }
    });
    address
}

async fn write_counted(stream: &mut SendStream<Bytes>, count: &AtomicUsize) {
    let mut left = LARGE;
    while left > 0 {
        stream.reserve_capacity(left.min(64 << 10));
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let room = room.expect("open").expect("open").min(left);
        let bytes = Bytes::from(vec![b'x'; room]);
        stream.send_data(bytes, room == left).expect("sent");
        count.fetch_add(room, Ordering::Relaxed);
        left -= room;
    }
}

/// Neither side is read faster than the other takes.
#[tokio::test]
async fn bodies_wait_for_who_takes_them() {
    let (gate, came_down) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let address = slow_origin(gate.clone(), came_down.clone()).await;
    let mut world = World::new();
    world.route("/", &[address], |_, cluster| {
        cluster.protocol = Protocol::Http2;
    });
    let _proxy = world.serve().await;
    let mut sender = connect(world.address).await.ready().await.expect("ready");
    let (answer, mut up) = sender
        .send_request(request("POST", "/"), false)
        .expect("sent");
    let went_up = Arc::new(AtomicUsize::new(0));
    let counted = went_up.clone();
    let uploading = tokio::spawn(async move { write_counted(&mut up, &counted).await });
    let settled = settle(&went_up).await;
    assert!(settled < 2 << 20, "{settled} went up that nobody takes");
    gate.notify_one();
    uploading.await.expect("all went up");
    let answer = answer.await.expect("an answer");
    let settled = settle(&came_down).await;
    assert!(settled < 2 << 20, "{settled} came down that nobody takes");
    let whole = read_answer(answer).await.expect("all came down");
    assert_eq!(whole.body.len(), LARGE);
}

/// What a count comes to rest at.
async fn settle(count: &AtomicUsize) -> usize {
    let mut last = usize::MAX;
    loop {
        let now = count.load(Ordering::Relaxed);
        if now == last && now > 0 {
            return now;
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Both sides speak at once, and each waits for the other.
#[tokio::test]
async fn calls_may_speak_both_ways_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut connection = h2::server::handshake(stream).await.expect("a handshake");
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            tokio::spawn(async move {
                let mut incoming = request.into_body();
                let mut stream = respond
                    .send_response(Response::new(()), false)
                    .expect("a head");
                while let Some(Ok(chunk)) = incoming.data().await {
                    incoming
                        .flow_control()
                        .release_capacity(chunk.len())
                        .expect("released");
                    stream.send_data(chunk, false).expect("sent");
                }
                stream
                    .send_trailers(trailers("grpc-status", "0"))
                    .expect("sent");
            });
        }
    });
    let mut world = World::new();
    world.route("/", &[address], |_, cluster| {
        cluster.protocol = Protocol::Http2
    });
    let _proxy = world.serve().await;
    let mut sender = connect(world.address).await.ready().await.expect("ready");
    let (answer, mut up) = sender
        .send_request(request("POST", "/"), false)
        .expect("sent");
    let mut incoming = answer
        .await
        .expect("an answer before the request's end")
        .into_body();
    for text in ["one", "two", "three"] {
        up.send_data(Bytes::from(text), false).expect("sent");
        let chunk = incoming.data().await.expect("data").expect("data");
        assert_eq!(chunk, text);
    }
    write(&mut up, Bytes::new(), None).await.expect("ended");
    assert!(incoming.data().await.is_none());
    let end = incoming.trailers().await.expect("whole").expect("trailers");
    assert_eq!(end["grpc-status"], "0");
}

#[tokio::test]
async fn resets_pass_through() {
    let origin = H2Origin::start(|message, number| {
        match (message.line.rsplit('/').next().unwrap_or_default(), number) {
            ("refuse", 0) => Reply::Reset(Reason::REFUSED_STREAM),
            ("refuse", _) => Reply::Echo,
            ("reset", _) => Reply::Reset(Reason::INTERNAL_ERROR),
            ("half", _) => Reply::HalfThenReset(Reason::CANCEL),
            _ => Reply::Nothing,
        }
    })
    .await;
    let mut world = h2_world(&origin);
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    let ask = |path| ask(&sender, request("POST", path), b"body", None);
    // Nothing was done with it: any request may be sent again.
    let got = ask("/refuse").await.expect("an answer");
    assert_eq!(
        (got.line.as_str(), got.body.as_slice()),
        ("200", &b"body"[..])
    );
    assert_eq!(ask("/reset").await.expect("an answer").line, "502");
    let error = ask("/half").await.expect_err("cut");
    assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
    // A client that goes away is gone for the origin, too.
    let mut own = sender.clone().ready().await.expect("ready");
    let (answer, mut stream) = own
        .send_request(request("POST", "/hang"), true)
        .expect("sent");
    while origin.seen().len() < 5 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stream.send_reset(Reason::CANCEL);
    drop(answer);
    tokio::time::timeout(PATIENCE, origin.reset.notified())
        .await
        .expect("the origin hears of it");
}

#[tokio::test]
async fn connections_that_end_are_replaced() {
    let origin = H2Origin::ending_after(1).await;
    let mut world = h2_world(&origin);
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    for _ in 0..5 {
        let got = ask(&sender, request("POST", "/"), b"body", None).await;
        assert_eq!(got.expect("an answer").line, "200");
    }
    assert_eq!(origin.connections.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn retries_send_the_body_again() {
    let origin = H2Origin::start(|_, number| match number {
        0 => Reply::Answer(Box::new(head(503, &[])), Vec::new(), None),
        _ => Reply::Echo,
    })
    .await;
    let mut world = World::new();
    world.route("/", &[origin.address], |rule, cluster| {
        cluster.protocol = Protocol::Http2;
        rule.retry = Some(Box::new(Retry {
            attempts: 1,
            codes: vec![503],
            backoff: Duration::ZERO,
        }));
    });
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    let got = ask(&sender, request("POST", "/"), b"again", None).await;
    assert_eq!(got.expect("an answer").body, b"again");
}

#[tokio::test]
async fn mirrors_may_speak_h2() {
    let origin = Origin::always(&answer(200, "", "")).await;
    let copy = H2Origin::start(|_, _| Reply::Echo).await;
    let mut world = World::new();
    let key = ClusterKey(Arc::from("copy"));
    let mut mirrored = cluster(&key, &[copy.address]);
    mirrored.protocol = Protocol::Http2;
    world.clusters.push(mirrored);
    world.route("/", &[origin.address], |rule, _| {
        rule.filters.set().mirrors = vec![Mirror {
            backend: BackendChoice::Cluster(key),
            sampling: Sampling {
                numerator: 1,
                denominator: 1,
            },
        }];
    });
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    for (method, sent) in [("GET", ""), ("POST", "hello")] {
        let got = ask(&sender, request(method, "/p"), sent.as_bytes(), None).await;
        assert_eq!(got.expect("an answer").line, "200");
    }
    let waited = tokio::time::timeout(PATIENCE, async {
        while copy.seen().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("all copies");
    let mut bodies: Vec<Vec<u8>> = copy.seen().into_iter().map(|seen| seen.body).collect();
    bodies.sort();
    assert_eq!(bodies, [&b""[..], b"hello"]);
}

/// An answer that comes before the request's end is whole, and the rest of the request is not wanted.
#[tokio::test]
async fn early_answers_arrive() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut part = [0; 100];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut part).await;
            let text = answer(413, "connection: close\r\n", "too large");
            stream.write_all(text.as_bytes()).await.expect("sent");
            tokio::time::sleep(PATIENCE).await;
        }
    });
    let mut world = World::new();
    world.route("/", &[address], |_, _| {});
    let _proxy = world.serve().await;
    let mut sender = connect(world.address).await.ready().await.expect("ready");
    let (answer, mut up) = sender
        .send_request(request("POST", "/"), false)
        .expect("sent");
    up.send_data(Bytes::from_static(b"begin"), false)
        .expect("sent");
    let got = read_answer(answer.await.expect("an answer"))
        .await
        .expect("whole");
    assert_eq!(
        (got.line.as_str(), got.body.as_slice()),
        ("413", &b"too large"[..])
    );
    let reason = std::future::poll_fn(|cx| up.poll_reset(cx))
        .await
        .expect("a reset");
    assert_eq!(reason, Reason::NO_ERROR);
}

#[tokio::test]
async fn a_drain_ends_streams_in_peace() {
    let origin = Origin::start(|_, _| {
        Script::Late(
            Duration::from_millis(500),
            answer(200, "", "late").into_bytes(),
        )
    })
    .await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let proxy = world.serve().await;
    let sender = connect(world.address).await;
    let asking = tokio::spawn({
        let sender = sender.clone();
        async move { ask(&sender, request("GET", "/"), b"", None).await }
    });
    while origin.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let draining = tokio::spawn(async move { proxy.drain(PATIENCE).await });
    let got = asking.await.expect("no panic").expect("an answer");
    assert_eq!(got.body, b"late");
    tokio::time::timeout(PATIENCE / 2, draining)
        .await
        .expect("the connection ends with its last stream")
        .expect("drained");
    assert!(ask(&sender, request("GET", "/"), b"", None).await.is_err());
}
