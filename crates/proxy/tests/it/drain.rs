//! Drains, as clients see them that keep their connections.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{
    support::{Origin, Script, World, answer, field, read_message, status},
    tls::{Authority, client, connect, listener_to, tls_world},
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nhost: a.example\r\nconnection: Upgrade\r\n\
    upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Long answers had gone out without a word of the drain, which was over for idle connections when they ended: the next
/// request found a closed connection.
#[tokio::test]
async fn who_was_not_told_of_a_drain_has_time_for_a_last_request() {
    let (wait, text) = (Duration::from_millis(900), answer(200, "", "late"));
    let origin = Origin::start(move |_, number| match number {
        0 => Script::Slow(wait, text.clone().into_bytes()),
        _ => Script::Answer(text.clone().into_bytes()),
    })
    .await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let proxy = world.serve().await;
    let mut kept = TcpStream::connect(world.address).await.expect("connected");
    kept.write_all(GET).await.expect("sent");
    let mut rest = vec![0; 1];
    kept.read_exact(&mut rest).await.expect("a beginning");
    // A sixth of it, for idle connections, is less than the answer takes.
    let draining = tokio::spawn(async move { proxy.drain(Duration::from_secs(3)).await });
    let first = read_message(&mut kept, &mut rest).await.expect("an answer");
    assert_eq!(field(&first, "connection"), None);
    sleep(Duration::from_millis(200)).await;
    kept.write_all(GET).await.expect("sent");
    let mut text = String::new();
    kept.read_to_string(&mut text).await.expect("an answer");
    assert_eq!(status(&text), 200);
    assert_eq!(field(&text, "connection"), Some("close"));
    draining.await.expect("drained");
}

/// Sends back what comes after an upgrade.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let head = read_message(&mut stream, &mut Vec::new()).await;
                assert!(head.is_some());
                let answer = "HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
                stream.write_all(answer.as_bytes()).await.expect("sent");
                let (mut read, mut write) = stream.split();
                // Until either side has gone.
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    address
}

/// A tunnel lives through a drain's grace, and then it ends in order: nothing is cut, and TLS says goodbye.
async fn check_tunnel(
    proxy: tidegate_proxy::Proxy,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) {
    stream.write_all(UPGRADE).await.expect("sent");
    let mut head = [0; 256];
    let length = stream.read(&mut head).await.expect("a head");
    assert_eq!(status(&String::from_utf8_lossy(&head[..length])), 101);
    let draining = tokio::spawn(async move {
        proxy.drain(Duration::from_secs(1)).await;
        drop(proxy);
    });
    for _ in 0..4 {
        stream.write_all(b"ping").await.expect("sent");
        let mut pong = [0; 4];
        stream.read_exact(&mut pong).await.expect("an echo");
        assert_eq!(&pong, b"ping");
        sleep(Duration::from_millis(200)).await;
    }
    assert!(!draining.is_finished());
    let mut rest = Vec::new();
    stream
        .read_to_end(&mut rest)
        .await
        .expect("an end in order");
    assert_eq!(rest, b"");
    drop(stream);
    draining.await.expect("drained");
}

#[tokio::test]
async fn tunnels_end_in_order_when_the_grace_is_over() {
    let address = echo().await;
    let mut world = World::new();
    world.route("/", &[address], |_, _| {});
    let proxy = world.serve().await;
    let stream = TcpStream::connect(world.address).await.expect("connected");
    check_tunnel(proxy, stream).await;
}

#[tokio::test]
async fn tunnels_with_tls_end_in_order_when_the_grace_is_over() {
    let address = echo().await;
    let authority = Authority::new();
    let mut world = tls_world();
    listener_to(&mut world, &authority, "a.example", None, address);
    let proxy = world.serve().await;
    let connector = client(&authority, None);
    let stream = connect(&connector, world.address, "a.example").await;
    check_tunnel(proxy, stream.expect("TLS")).await;
}
