//! Answers that nobody reads.

use crate::{
    COLLECTION, config_map, eventually,
    http::{Client, Protocol, trust},
    is_well, raw, resident_mib, room_for, server,
};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tidegate_apiserver::test::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Mutex,
    time::timeout,
};
use tokio_rustls::TlsConnector;

const WATCH: &str = "/api/v1/configmaps?watch=1&timeoutSeconds=600";
const STALL: Duration = Duration::from_secs(1);
/// One test measures at a time, else each would see the other's memory.
static ONE: Mutex<()> = Mutex::const_new(());

/// Changes one object over and over: so many bytes, in changes of 100 kB.
async fn change(server: &Server, megabytes: usize) {
    let client = Client::new(server, Protocol::Http1);
    client
        .json("POST", COLLECTION, &config_map("changes", 10))
        .await;
    for number in 0..megabytes * 10 {
        let mut object = config_map("changes", 100_000);
        object["data"]["number"] = number.to_string().into();
        let answer = client
            .json("PUT", &format!("{COLLECTION}/changes"), &object)
            .await;
        assert_eq!(answer.status, 200, "{answer}");
    }
}

type Sender = http2::SendRequest<Empty<bytes::Bytes>>;

/// A client that never widens its window: each answer stops after 64 kB, while the connection lives on.
async fn http2_client(server: &Server) -> Sender {
    let socket = TcpStream::connect(server.address())
        .await
        .expect("connected");
    let name = ServerName::try_from("localhost").expect("invariant: a DNS name");
    let mut config = (*trust(server)).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
        .expect("TLS");
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(1 << 30)
        .handshake(TokioIo::new(stream))
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

async fn get(
    server: &Server,
    sender: &mut Sender,
    path: &str,
) -> Option<hyper::Response<Incoming>> {
    let request = hyper::Request::get(format!("https://localhost{path}"))
        .header("authorization", format!("Bearer {}", server.token()))
        .body(Empty::new())
        .expect("invariant: a request");
    sender.ready().await.ok()?;
    timeout(Duration::from_secs(30), sender.send_request(request))
        .await
        .ok()?
        .ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_that_do_not_read_are_cut_off() {
    let _one = ONE.lock().await;
    let server = server(|limits| {
        limits.watches = room_for(40);
        limits.write_stall = STALL;
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = raw::connect(&server).await.expect("connected");
        let request = raw::head(&server, &format!("GET {WATCH}"), "");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 200");
        slow.push(stream);
    }
    let mut sender = http2_client(&server).await;
    let mut slow2 = Vec::new();
    for _ in 0..20 {
        let response = get(&server, &mut sender, WATCH).await.expect("an answer");
        assert_eq!(response.status(), 200);
        slow2.push(response);
    }
    let before = resident_mib();
    change(&server, 100).await;
    let after = resident_mib();
    println!(
        "100 MB of changes, 40 watchers that do not read: {before} MiB before, {after} MiB after"
    );
    assert!(
        after < before + 100,
        "memory grew from {before} to {after} MiB"
    );
    let client = Client::new(&server, Protocol::Http1);
    let mut places = Vec::new();
    let time = eventually("all places of watchers are free", async || {
        while let Ok(watch) = client.open("GET", WATCH, "", "").await
            && watch.status() == 200
        {
            places.push(watch);
        }
        places.len() == 40
    })
    .await;
    println!("all were cut off {time:?} after it");
    let mut rest = slow2.pop().expect("one").into_body();
    let end = async { while let Some(Ok(_)) = rest.frame().await {} };
    timeout(Duration::from_secs(10), end)
        .await
        .expect("it has ended");
    is_well(&server).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_not_read_hold_little_memory() {
    let _one = ONE.lock().await;
    let server = server(|limits| limits.reading = room_for(50)).await;
    let client = Client::new(&server, Protocol::Http1);
    for number in 0..20 {
        let answer = client
            .json(
                "POST",
                COLLECTION,
                &config_map(&format!("c{number}"), 100_000),
            )
            .await;
        assert_eq!(answer.status, 201);
    }
    let before = resident_mib();
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..5 {
        let mut sender = http2_client(&server).await;
        for _ in 0..300 {
            // Pretty, so that each answer is made anew and shares nothing.
            match get(&server, &mut sender, &format!("{COLLECTION}?pretty=true")).await {
                Some(response) if response.status() == 200 => held.push(response),
                _ => refused += 1,
            }
        }
    }
    let after = resident_mib();
    println!(
        "{} answers of 2 MB that are not read, {refused} refused: {before} MiB before, {after} MiB after",
        held.len()
    );
    assert!(
        after < before + 200,
        "memory grew from {before} to {after} MiB"
    );
    assert!((1..=50).contains(&held.len()), "{} are held", held.len());
    drop(held);
    eventually("there is room again", async || {
        let answer = client.json("GET", COLLECTION, &Value::Null).await;
        answer.status == 200
    })
    .await;
    server.stop().await;
}
