//! The life of a proxy: snapshots, addresses that come and go, limits, drains, hand-overs, records.

use std::{
    net::TcpListener as StdListener,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tidegate_proxy::{Limits, Observer, Observers, Options, Proxy, RequestRecord};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    Origin, Script, World, answer, exchange, field, free_address, get, read_message, status,
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn a_snapshot_is_served_by_all_workers_when_apply_returns() {
    let origin = Origin::always(&answer(200, "", "ok")).await;
    let mut world = World::new();
    let proxy = Proxy::start(Options {
        workers: 3,
        ..Options::default()
    })
    .expect("a proxy");
    proxy.apply(world.snapshot()).await.expect("applied");
    for round in 0..20 {
        let path = format!("/{round}");
        for _ in 0..3 {
            assert_eq!(status(&get(world.address, &path, "").await), 404);
        }
        world.route(&path, &[origin.address], |_, _| {});
        let applied = proxy.apply(world.snapshot()).await.expect("applied");
        assert_eq!((applied.workers, applied.generation), (3, round + 2));
        for _ in 0..6 {
            assert_eq!(status(&get(world.address, &path, "").await), 200);
        }
    }
}

#[tokio::test]
async fn addresses_come_and_go_and_bad_ones_are_told() {
    let origin = Origin::always(&answer(200, "", "ok")).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let proxy = world.serve().await;
    let old = world.address;
    let mut kept = TcpStream::connect(old).await.expect("connected");
    kept.write_all(GET).await.expect("sent");
    let mut rest = Vec::new();
    assert!(read_message(&mut kept, &mut rest).await.is_some());
    // Taken by somebody who doesn't share.
    let taken = StdListener::bind("127.0.0.1:0").expect("a port");
    world.address = taken.local_addr().expect("its address");
    let applied = proxy.apply(world.snapshot()).await.expect("applied");
    assert_eq!(applied.binds.len(), 1);
    assert!(applied.binds[0].result.is_err());
    // The idle connection of the old address ends; nobody listens there.
    assert_eq!(kept.read(&mut [0; 16]).await.expect("the end"), 0);
    assert!(TcpStream::connect(old).await.is_err());
    // It is tried again with the next snapshot.
    drop(taken);
    let applied = proxy.apply(world.snapshot()).await.expect("applied");
    assert_eq!(applied.binds[0].result, Ok(()));
    assert_eq!(status(&get(world.address, "/", "").await), 200);
}

#[tokio::test]
async fn a_drain_ends_requests_in_peace() {
    let late = answer(200, "", "late").into_bytes();
    let wait = Duration::from_millis(300);
    let origin = Origin::start(move |_, _| Script::Late(wait, late.clone())).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let proxy = world.serve().await;
    let mut idle = TcpStream::connect(world.address).await.expect("connected");
    let mut busy = TcpStream::connect(world.address).await.expect("connected");
    busy.write_all(GET).await.expect("sent");
    while origin.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = Instant::now();
    proxy.drain(Duration::from_secs(10)).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(TcpStream::connect(world.address).await.is_err());
    assert_eq!(idle.read(&mut [0; 16]).await.expect("the end"), 0);
    let mut text = String::new();
    busy.read_to_string(&mut text).await.expect("an answer");
    assert_eq!(status(&text), 200);
    assert_eq!(field(&text, "connection"), Some("close"));
    assert_eq!(proxy.counters().open(), 0);
}

/// A request that comes on a kept connection just after the drain began is answered, and told to be the last.
#[tokio::test]
async fn a_drain_waits_for_a_last_request() {
    let origin = Origin::always(&answer(200, "", "ok")).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let proxy = world.serve().await;
    let mut kept = TcpStream::connect(world.address).await.expect("connected");
    kept.write_all(GET).await.expect("sent");
    let mut first = [0; 4096];
    let length = kept.read(&mut first).await.expect("an answer");
    assert!(first[..length].ends_with(b"ok"));
    let draining = tokio::spawn(async move { proxy.drain(Duration::from_secs(60)).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    kept.write_all(GET).await.expect("sent");
    let mut text = String::new();
    kept.read_to_string(&mut text).await.expect("an answer");
    assert_eq!(status(&text), 200);
    assert_eq!(field(&text, "connection"), Some("close"));
    draining.await.expect("drained");
}

/// One process takes over from another: no connection is refused, none is lost.
#[tokio::test]
async fn listeners_are_handed_over() {
    let origin = Origin::always(&answer(200, "", "ok")).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let old = world.serve().await;
    let address = world.address;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let load = tokio::spawn(async move {
        let mut count = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            assert_eq!(status(&get(address, "/", "").await), 200);
            count += 1;
        }
        count
    });
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let inherited = old.listeners().expect("clones");
    let new = world
        .serve_with(Options {
            inherited,
            ..Options::default()
        })
        .await;
    old.drain(Duration::from_secs(5)).await;
    drop(old);
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(load.await.expect("no request failed") > 10);
    assert!(new.counters().accepted() > 0);
}

fn limited(change: impl FnOnce(&mut Limits)) -> Options {
    let mut limits = Limits::default();
    change(&mut limits);
    Options {
        limits,
        ..Options::default()
    }
}

#[tokio::test]
async fn clients_have_limits() {
    let origin = Origin::always(&answer(200, "", "ok")).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let short = Duration::from_millis(100);
    let _proxy = world
        .serve_with(limited(|limits| {
            limits.head_timeout = short;
            limits.idle_timeout = short;
            limits.request_body_timeout = short;
        }))
        .await;
    let large = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "x".repeat(70_000)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nhost: a\r\n{}\r\n",
        "x: y\r\n".repeat(200)
    );
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(20_000));
    for (request, expect) in [
        (large.as_str(), 431),
        (many.as_str(), 431),
        (long.as_str(), 414),
        ("GET / HTTP/1.1\r\nhost: a\r\n", 408),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc",
            408,
        ),
        ("", 0),
    ] {
        let text = exchange(world.address, request).await;
        assert_eq!(
            status(&text),
            expect,
            "{}",
            &request[..request.len().min(40)]
        );
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed() {
    let mut world = World::new();
    let proxy = world
        .serve_with(limited(|limits| limits.connections_max = 2))
        .await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(world.address).await.expect("connected");
        stream.write_all(GET).await.expect("sent");
        let text = read_message(&mut stream, &mut Vec::new())
            .await
            .expect("an answer");
        assert_eq!(status(&text), 404);
        streams.push(stream);
    }
    assert_eq!(exchange(world.address, "").await, "");
    assert_eq!(proxy.counters().refused(), 1);
    assert_eq!(proxy.counters().open(), 2);
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Observers for Notes {
    fn observer(&self, _worker: usize) -> Box<dyn Observer> {
        Box::new(self.clone())
    }
}

impl Observer for Notes {
    fn ended(&self, record: &RequestRecord<'_>) {
        let route = record.rule.map_or("-", |rule| &rule.route.name);
        let line = format!(
            "{} {} {} {} {} {route} {} {}",
            record.method,
            record.host,
            record.path,
            record.query,
            record.status,
            record.reason.map_or("-", |reason| reason.as_str()),
            record.answer_bytes,
        );
        self.0.lock().expect("unpoisoned").push(line);
    }
}

#[tokio::test]
async fn every_request_has_a_record() {
    let origin = Origin::always(&answer(200, "", "hello")).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    world.route("/dead", &[free_address()], |_, _| {});
    let notes = Notes::default();
    let _proxy = world
        .serve_with(Options {
            observers: Some(Arc::new(notes.clone())),
            ..Options::default()
        })
        .await;
    get(world.address, "/a?b", "").await;
    get(world.address, "/dead", "").await;
    exchange(world.address, "GET / HTTP/1.1\r\n\r\n").await;
    let notes = notes.0.lock().expect("unpoisoned").clone();
    assert_eq!(
        notes,
        [
            "GET test.example /a b 200 / - 5",
            "GET test.example /dead  502 /dead connect_failed 29",
            "GET    400 - bad_request 26",
        ]
    );
}
