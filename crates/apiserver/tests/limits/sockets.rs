//! Watches over WebSockets, spoken to byte by byte.

use crate::{
    COLLECTION, config_map, eventually, figures, http::Client, http::Protocol, raw, server,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use std::time::Duration;
use tidegate_apiserver::test::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

const PATIENCE: Duration = Duration::from_secs(30);
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const ORIGIN: &str = "Origin: https://a.example\r\n";
/// Frames of a client whose mask is zero: an orderly end, a ping of two bytes, and a text that is too long.
const CLOSE: &[u8] = &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8];
const PING: &[u8] = &[0x89, 0x82, 0, 0, 0, 0, b'h', b'i'];
const LONG: &[u8] = &[0x81, 0xff, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0];

/// A connection on which a request was sent, and the head of its answer.
async fn ask(server: &Server, request: &str) -> (TlsStream<TcpStream>, String) {
    let mut stream = raw::connect(server).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(byte(&mut stream).await);
    }
    (stream, String::from_utf8(head).expect("a text"))
}

async fn byte(stream: &mut TlsStream<TcpStream>) -> u8 {
    timeout(PATIENCE, stream.read_u8())
        .await
        .expect("in time")
        .expect("a byte")
}

/// The next frame: its first byte, and what it says.
async fn frame(stream: &mut TlsStream<TcpStream>) -> (u8, Vec<u8>) {
    let first = byte(stream).await;
    let length = match byte(stream).await {
        126 => u64::from(stream.read_u16().await.expect("a length")),
        127 => stream.read_u64().await.expect("a length"),
        short => u64::from(short),
    };
    let mut bytes = vec![0; usize::try_from(length).expect("a length")];
    timeout(PATIENCE, stream.read_exact(&mut bytes))
        .await
        .expect("in time")
        .expect("bytes");
    (first, bytes)
}

async fn event(stream: &mut TlsStream<TcpStream>) -> (String, String) {
    let (first, bytes) = frame(stream).await;
    assert_eq!(first, 0x81, "a text of one frame");
    let event: Value = serde_json::from_slice(&bytes).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&event["type"]),
        text(&event["object"]["metadata"]["name"]),
    )
}

fn watch(server: &Server, query: &str, more: &str) -> String {
    raw::head(server, &format!("GET {COLLECTION}?watch=1{query}"), more)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_a_message() {
    let server = server(|_| ()).await;
    let client = Client::new(&server, Protocol::Http2);
    for name in ["a", "b"] {
        client
            .json("POST", COLLECTION, &config_map(name, 70_000))
            .await;
    }
    let protocol = "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n";
    let request = watch(&server, "", &format!("{UPGRADE}{ORIGIN}{protocol}"));
    let (mut stream, head) = ask(&server, &request).await;
    let head = head.to_lowercase();
    for expected in [
        "http/1.1 101 ",
        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n",
        "sec-websocket-protocol: v4.channel.k8s.io\r\n",
    ] {
        assert!(head.contains(expected), "{head}");
    }
    for name in ["a", "b"] {
        assert_eq!(event(&mut stream).await, ("ADDED".into(), name.into()));
    }
    client
        .json("DELETE", &format!("{COLLECTION}/a"), &Value::Null)
        .await;
    assert_eq!(event(&mut stream).await, ("DELETED".into(), "a".into()));
    stream.write_all(PING).await.expect("sent");
    assert_eq!(frame(&mut stream).await, (0x8a, b"hi".to_vec()));
    assert_eq!(figures::watches(&client).await, Some(1.0));
    stream.write_all(CLOSE).await.expect("sent");
    assert_eq!(frame(&mut stream).await, (0x88, vec![0x03, 0xe8]));
    eventually("its place is free", async || {
        figures::watches(&client).await == Some(0.0)
    })
    .await;
    server.stop().await;
}

/// By the client's time, by the server's end, by what no client may send.
#[tokio::test(flavor = "multi_thread")]
async fn watches_end_in_order() {
    let server = server(|_| ()).await;
    let client = Client::new(&server, Protocol::Http2);
    let request = watch(&server, "&timeoutSeconds=1", &format!("{UPGRADE}{ORIGIN}"));
    let (mut stream, _) = ask(&server, &request).await;
    assert_eq!(frame(&mut stream).await, (0x88, vec![0x03, 0xe8]));
    drop(stream);
    let request = watch(&server, "", &format!("{UPGRADE}{ORIGIN}"));
    let (mut stream, _) = ask(&server, &request).await;
    stream.write_all(LONG).await.expect("sent");
    eventually("nobody waits for it", async || {
        figures::watches(&client).await == Some(0.0)
    })
    .await;
    let (mut stream, _) = ask(&server, &request).await;
    let (stopped, goodbye) = tokio::join!(server.stop(), frame(&mut stream));
    assert_eq!(((), goodbye), (stopped, (0x88, vec![0x03, 0xe8])));
}

/// As the real server answers them.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_no_handshake_are_refused() {
    let server = server(|_| ()).await;
    let token = format!(
        "base64url.bearer.authorization.k8s.io.{}",
        URL_SAFE_NO_PAD.encode(server.token())
    );
    let anonymous = |protocols: &str| {
        format!(
            "GET {COLLECTION}?watch=1 HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{ORIGIN}\
             Sec-WebSocket-Protocol: {protocols}\r\n\r\n"
        )
    };
    let both = format!("{UPGRADE}{ORIGIN}");
    for (request, status) in [
        (watch(&server, "", UPGRADE), 403),
        (watch(&server, "", &both.replace("13", "8")), 400),
        (watch(&server, "&resourceVersion=x", &both), 500),
        (watch(&server, "&labelSelector=!!", &both), 400),
        (
            watch(&server, "", &format!("{ORIGIN}Upgrade: websocket\r\n")),
            200,
        ),
        (raw::head(&server, &format!("GET {COLLECTION}"), &both), 200),
        (anonymous(&format!("{token}, a")), 101),
        (anonymous(&token), 401),
        (anonymous(&format!("{token}x, a")), 401),
        (anonymous("a"), 403),
    ] {
        let (_, head) = ask(&server, &request).await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}{head}"
        );
        assert!(!head.contains(&token), "a token is not sent back");
    }
    server.stop().await;
}
