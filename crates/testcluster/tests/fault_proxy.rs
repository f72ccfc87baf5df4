//! Each fault does what it says, to existing and to new connections, against an echoing server.

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use tidegate_testcluster::FaultProxy;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Long enough for anything on loopback to arrive.
const SOON: Duration = Duration::from_millis(300);

async fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("bind");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                drop(copy(&mut from, &mut to).await);
            });
        }
    });
    address
}

async fn start() -> FaultProxy {
    FaultProxy::start(echo_server().await).await.expect("proxy")
}

async fn connect(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.expect("connect")
}

async fn echo(stream: &mut TcpStream, text: &str) -> io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn is_reset(result: io::Result<String>) -> bool {
    matches!(result, Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe))
}

#[tokio::test]
async fn passes_bytes_and_orderly_ends_and_counts() {
    let proxy = start().await;
    let mut stream = connect(&proxy).await;
    assert_eq!(echo(&mut stream, "hello").await.expect("echo"), "hello");
    assert_eq!(proxy.counters().open, 1);
    stream.shutdown().await.expect("shutdown");
    assert_eq!(stream.read(&mut [0; 8]).await.expect("orderly end"), 0);
    let big = vec![7_u8; 8 << 20];
    let mut stream = connect(&proxy).await;
    let (mut from, mut to) = stream.split();
    let mut answer = vec![0; big.len()];
    let (sent, read) = tokio::join!(to.write_all(&big), from.read_exact(&mut answer));
    sent.expect("send");
    read.expect("read");
    assert!(answer == big);
    let counters = proxy.counters();
    assert_eq!((counters.connections, counters.open), (2, 1));
    assert_eq!(
        (counters.bytes_up, counters.bytes_down),
        (big.len() as u64 + 5, big.len() as u64 + 5)
    );
}

#[tokio::test]
async fn a_stall_holds_bytes_and_ends_back_until_it_is_over() {
    let proxy = start().await;
    let mut old = connect(&proxy).await;
    echo(&mut old, "warm").await.expect("echo");
    proxy.stall();
    let mut new = connect(&proxy).await;
    assert!(timeout(SOON, echo(&mut old, "old")).await.is_err());
    assert!(timeout(SOON, echo(&mut new, "new")).await.is_err());
    old.shutdown().await.expect("the kernel takes it");
    assert!(timeout(SOON, old.read(&mut [0; 8])).await.is_err());
    assert_eq!(proxy.counters().bytes_up, 4);
    proxy.resume();
    let mut rest = String::new();
    old.read_to_string(&mut rest)
        .await
        .expect("all of it arrives");
    assert_eq!(rest, "old");
    let mut answer = [0; 3];
    new.read_exact(&mut answer).await.expect("this too");
    assert_eq!(&answer, b"new");
}

#[tokio::test]
async fn a_cut_resets_what_is_open_even_in_a_stall_and_nothing_else() {
    let proxy = start().await;
    let mut old = connect(&proxy).await;
    echo(&mut old, "warm").await.expect("echo");
    proxy.stall();
    proxy.cut();
    let error = timeout(SOON, old.read(&mut [0; 8]))
        .await
        .expect("at once")
        .expect_err("reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    proxy.resume();
    let mut new = connect(&proxy).await;
    assert_eq!(echo(&mut new, "new").await.expect("echo"), "new");
}

#[tokio::test]
async fn a_refusal_resets_new_connections_only() {
    let proxy = start().await;
    let mut old = connect(&proxy).await;
    echo(&mut old, "warm").await.expect("echo");
    proxy.refuse();
    if let Ok(mut new) = TcpStream::connect(proxy.address()).await {
        assert!(is_reset(echo(&mut new, "new").await));
    }
    assert_eq!(echo(&mut old, "old").await.expect("echo"), "old");
    proxy.resume();
    assert_eq!(
        echo(&mut connect(&proxy).await, "new").await.expect("echo"),
        "new"
    );
}

#[tokio::test]
async fn a_delay_counts_once_per_direction_not_once_per_chunk() {
    let proxy = start().await;
    let mut stream = connect(&proxy).await;
    proxy.delay(Duration::from_millis(100));
    let text = "x".repeat(200_000);
    let began = Instant::now();
    assert_eq!(
        echo(&mut stream, &text).await.expect("echo").len(),
        text.len()
    );
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_millis(900),
        "{took:?}"
    );
    proxy.delay(Duration::ZERO);
    let began = Instant::now();
    echo(&mut stream, "fast").await.expect("echo");
    assert!(began.elapsed() < Duration::from_millis(100));
}

#[tokio::test]
async fn a_target_that_is_down_and_a_dropped_proxy_look_like_resets() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("bind");
    let target = gone.local_addr().expect("bound");
    drop(gone);
    let proxy = FaultProxy::start(target).await.expect("proxy");
    assert!(is_reset(echo(&mut connect(&proxy).await, "down").await));

    let proxy = start().await;
    let mut stream = connect(&proxy).await;
    echo(&mut stream, "warm").await.expect("echo");
    let address = proxy.address();
    drop(proxy);
    assert!(is_reset(echo(&mut stream, "dropped").await));
    assert!(TcpStream::connect(address).await.is_err());
}
