//! Bytes that are no requests.

#[path = "../support/random.rs"]
mod random;

use crate::{COLLECTION, is_well, raw, server};
use random::Random;
use std::time::Duration;
use tidegate_apiserver::test::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const SHORT: Duration = Duration::from_secs(3);

fn noise(random: &mut Random, length: usize) -> Vec<u8> {
    (0..length)
        .map(|_| random.number().to_le_bytes()[3])
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_requests_harm_nobody() {
    let server = server(|limits| {
        limits.head_time = Duration::from_millis(500);
        limits.handshake_time = Duration::from_millis(500);
    })
    .await;
    let mut random = Random::new(3);
    for length in [1, 5, 100, 20_000] {
        let mut socket = TcpStream::connect(server.address())
            .await
            .expect("connected");
        let mut bytes = noise(&mut random, length);
        if random.percent(50) {
            bytes[0] = *random.pick(&[22, 23, 0, b'G']); // a greeting's first byte, among others
        }
        // The server may have closed.
        let _ = socket.write_all(&bytes).await;
        let mut rest = Vec::new();
        let ended = timeout(Duration::from_secs(15), socket.read_to_end(&mut rest)).await;
        assert!(
            ended.is_ok(),
            "{length} bytes without TLS keep a connection"
        );
    }
    for (what, bytes) in cases(&server, &mut random) {
        let _answer = raw::exchange(&server, &bytes, SHORT).await;
        is_well(&server).await;
        println!("{what}: well after it");
    }
    server.stop().await;
}

/// What they are, and their bytes behind the greeting.
fn cases(server: &Server, random: &mut Random) -> Vec<(&'static str, Vec<u8>)> {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let head = |line: &str, more: &str| raw::head(server, line, more).into_bytes();
    let list = format!("GET {COLLECTION}");
    vec![
        ("noise", noise(random, 3000)),
        (
            "a preface, then noise",
            [preface.clone(), noise(random, 3000)].concat(),
        ),
        (
            "a frame of 16 MiB",
            [&preface[..], b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"].concat(),
        ),
        (
            "settings without end",
            [preface, b"\0\0\0\x04\0\0\0\0\0".repeat(20_000)].concat(),
        ),
        (
            "a head of a MiB",
            head(&list, &format!("X: {}\r\n", "x".repeat(1 << 20))),
        ),
        ("10,000 headers", head(&list, &"X: y\r\n".repeat(10_000))),
        (
            "a long path",
            head(&format!("GET /{}", "x/".repeat(100_000)), ""),
        ),
        (
            "two lengths",
            head(&list, "Content-Length: 1\r\nContent-Length: 2\r\n"),
        ),
        (
            "both lengths",
            head(&list, "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
        ),
        (
            "a bad chunk",
            [
                head(
                    &format!("POST {COLLECTION}"),
                    "Transfer-Encoding: chunked\r\n",
                ),
                b"zz\r\n".to_vec(),
            ]
            .concat(),
        ),
        (
            "a chunk without end",
            [
                head(
                    &format!("POST {COLLECTION}"),
                    "Transfer-Encoding: chunked\r\n",
                ),
                b"ffffffffffffffff\r\n".to_vec(),
            ]
            .concat(),
        ),
        ("no version", b"GET /\r\n\r\n".to_vec()),
        ("zeros", vec![0; 5000]),
    ]
}
