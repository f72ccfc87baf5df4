//! WebSockets of clients that speak HTTP/2 (RFC 8441), by HTTP/1.1 to the endpoint.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use h2::{RecvStream, SendStream, client::SendRequest, ext::Protocol as ExtProtocol};
use http::{Request, Response};
use tidegate_routing::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use crate::{
    h2_support::{H2Origin, Reply, ask, connect, request, write},
    support::{Origin, PATIENCE, World, answer, field, read_message},
};

/// Echoes what comes after the upgrade; tells what it was asked, and when a connection has ended.
async fn echo() -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (sender, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let head = read_message(&mut stream, &mut Vec::new()).await;
                let _ = sender.send(head.expect("a request"));
                let answer = "HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\nsec-websocket-protocol: chat\r\n\r\n";
                stream.write_all(answer.as_bytes()).await.expect("sent");
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
                let _ = read.read(&mut [0]).await;
                let _ = sender.send("ended".to_owned());
            });
        }
    });
    (address, told)
}

/// A client that knows what the proxy offers.
async fn client(address: SocketAddr) -> SendRequest<Bytes> {
    let sender = connect(address).await;
    // Settings come before any answer.
    let _ = ask(&sender, request("GET", "/elsewhere"), b"", None).await;
    assert!(sender.is_extended_connect_protocol_enabled());
    sender
}

fn websocket(path: &str, protocol: &'static str) -> Request<()> {
    let mut message = request("CONNECT", path);
    let protocol = ExtProtocol::from_static(protocol);
    message.extensions_mut().insert(protocol);
    let fields = message.headers_mut();
    fields.insert("sec-websocket-version", "13".parse().expect("a value"));
    message
}

type Opened = (Response<RecvStream>, SendStream<Bytes>);

async fn open(sender: &SendRequest<Bytes>, message: Request<()>) -> Opened {
    let mut sender = sender.clone().ready().await.expect("ready");
    let (answer, stream) = sender.send_request(message, false).expect("sent");
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    (answer.expect("in time").expect("an answer"), stream)
}

/// So many bytes, or all up to the end.
async fn read(body: &mut RecvStream, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        let Some(chunk) = body.data().await else {
            break;
        };
        let chunk = chunk.expect("data");
        bytes.extend_from_slice(&chunk);
        let released = body.flow_control().release_capacity(chunk.len());
        released.expect("what came");
    }
    bytes
}

#[tokio::test]
async fn websockets_pass_both_ways() {
    let (address, mut told) = echo().await;
    let mut world = World::new();
    world.route("/chat", &[address], |_, _| {});
    let _proxy = world.serve().await;
    let sender = client(world.address).await;
    let (answer, mut up) = open(&sender, websocket("/chat?a=b", "websocket")).await;
    assert_eq!(answer.status(), 200);
    let (head, mut down) = answer.into_parts();
    assert_eq!(head.headers["sec-websocket-protocol"], "chat");
    assert!(!head.headers.contains_key("sec-websocket-accept"));
    let seen = told.recv().await.expect("a request");
    assert!(
        seen.starts_with("GET /chat?a=b HTTP/1.1\r\nhost: test.example\r\n"),
        "{seen}"
    );
    assert_eq!(field(&seen, "upgrade"), Some("websocket"));
    assert_eq!(field(&seen, "sec-websocket-version"), Some("13"));
    assert_eq!(field(&seen, "sec-websocket-key").map(str::len), Some(24));
    assert!(!seen.contains("transfer-encoding") && !seen.contains("content-length"));
    for text in ["ping", "again"] {
        up.send_data(text.into(), false).expect("sent");
        assert_eq!(read(&mut down, text.len()).await, text.as_bytes());
    }
    // More than any window.
    let large = Bytes::from(vec![b'x'; 3 * 1024 * 1024]);
    let sent = large.clone();
    let writing = tokio::spawn(async move { write(&mut up, sent, None).await });
    assert_eq!(read(&mut down, large.len()).await, large);
    writing.await.expect("no panic").expect("sent, and ended");
    assert_eq!(read(&mut down, 1).await, b"", "both sides have ended");
    assert_eq!(told.recv().await.as_deref(), Some("ended"));
}

#[tokio::test]
async fn a_client_that_resets_ends_the_connection() {
    let (address, mut told) = echo().await;
    let mut world = World::new();
    world.route("/there", &[address], |_, _| {});
    let _proxy = world.serve().await;
    let sender = client(world.address).await;
    let (answer, mut up) = open(&sender, websocket("/there", "websocket")).await;
    assert_eq!(answer.status(), 200);
    up.send_reset(h2::Reason::CANCEL);
    let ended = tokio::time::timeout(PATIENCE, async {
        while told.recv().await.expect("a word") != "ended" {}
    });
    ended.await.expect("it has ended");
}

/// What is no WebSocket does not look like one.
#[tokio::test]
async fn endpoints_may_say_no() {
    let refuses = Origin::always(&answer(403, "", "no")).await;
    let misses = Origin::always(&answer(200, "", "what?")).await;
    let new = H2Origin::start(|_, _| Reply::Echo).await;
    let (address, _told) = echo().await;
    let mut world = World::new();
    world.route("/refused", &[refuses.address], |_, _| {});
    world.route("/missed", &[misses.address], |_, _| {});
    world.route("/new", &[new.address], |_, cluster| {
        cluster.protocol = Protocol::Http2;
    });
    world.route("/there", &[address], |_, _| {});
    let _proxy = world.serve().await;
    let sender = client(world.address).await;
    for (path, protocol, expect) in [
        ("/refused", "websocket", 403),
        ("/missed", "websocket", 502),
        ("/new", "websocket", 502),
        ("/nowhere", "websocket", 404),
        ("/there", "connect-udp", 405),
        ("/there", "websocket", 200),
    ] {
        let (answer, _up) = open(&sender, websocket(path, protocol)).await;
        assert_eq!(answer.status(), expect, "{path} {protocol}");
    }
}

/// A tunnel lives through a drain's grace, and then it ends in order.
#[tokio::test]
async fn tunnels_of_h2_end_in_order_when_the_grace_is_over() {
    let (address, _told) = echo().await;
    let mut world = World::new();
    world.route("/there", &[address], |_, _| {});
    let proxy = world.serve().await;
    let sender = client(world.address).await;
    let (answer, mut up) = open(&sender, websocket("/there", "websocket")).await;
    let mut down = answer.into_body();
    let draining = tokio::spawn(async move {
        proxy.drain(Duration::from_secs(1)).await;
        drop(proxy);
    });
    for _ in 0..4 {
        up.send_data("ping".into(), false).expect("sent");
        assert_eq!(read(&mut down, 4).await, b"ping");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!draining.is_finished());
    let rest = tokio::time::timeout(PATIENCE, read(&mut down, 1)).await;
    assert_eq!(rest.expect("an end"), b"", "in order");
    draining.await.expect("drained");
}
