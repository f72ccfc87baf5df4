//! A handler that is stuck for ever while the objects change and change: memory stays bounded, others hear at once.
//!
//! A small server on a real socket sends the changes, as fast as they are read. `TIDEGATE_STUCK_CHANGES` sets how many;
//! the full million takes a minute in a release build.
#![expect(
    clippy::print_stdout,
    reason = "measured numbers, shown with --nocapture"
)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tidegate_informer::{Client, ClientOptions, Event, Gvr, InformerFactory, Source, from_fn};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const OBJECTS: u64 = 10_000;
const CHANGES_DEFAULT: u64 = 200_000;
const PADDING_BYTES: usize = 400;

fn nanos() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_nanos()
}

fn event(kind: &str, name: u64, version: u64) -> String {
    let padding = "x".repeat(PADDING_BYTES);
    format!(
        "{{\"type\":\"{kind}\",\"object\":{{\"apiVersion\":\"v1\",\"kind\":\"Thing\",\"metadata\":{{\"name\":\"t{name}\",\"uid\":\"u{name}\",\"resourceVersion\":\"{version}\",\"annotations\":{{\"at\":\"{}\"}}}},\"spec\":{{\"padding\":\"{padding}\",\"version\":{version}}}}}}}\n",
        nanos()
    )
}

/// Answers one streaming list: all objects, the end mark, then the changes, in chunks.
async fn serve(mut socket: TcpStream, changes: u64, sent: Arc<AtomicU64>) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _length = socket.read(&mut request).await?;
    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").await?;
    for name in 0..OBJECTS {
        send(&mut socket, &event("ADDED", name, name + 1)).await?;
    }
    let end = format!(
        "{{\"type\":\"BOOKMARK\",\"object\":{{\"metadata\":{{\"resourceVersion\":\"{OBJECTS}\",\"annotations\":{{\"k8s.io/initial-events-end\":\"true\"}}}}}}}}\n"
    );
    send(&mut socket, &end).await?;
    for change in 0..changes {
        let name = change.wrapping_mul(7919) % OBJECTS;
        send(&mut socket, &event("MODIFIED", name, OBJECTS + 1 + change)).await?;
        sent.store(change + 1, Ordering::Relaxed);
    }
    tokio::time::sleep(Duration::from_secs(3600)).await;
    Ok(())
}

async fn send(socket: &mut TcpStream, body: &str) -> std::io::Result<()> {
    socket
        .write_all(format!("{:x}\r\n{body}\r\n", body.len()).as_bytes())
        .await
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("it is Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .expect("it has VmRSS");
    line.split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

fn percentile(values: &mut [u128], percent: usize) -> u128 {
    values.sort_unstable();
    values
        .get(values.len().saturating_sub(1) * percent / 100)
        .copied()
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_handler_costs_bounded_memory_and_nobody_else_anything() {
    let changes = std::env::var("TIDEGATE_STUCK_CHANGES")
        .map_or(CHANGES_DEFAULT, |text| text.parse().expect("a number"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a client");
        serve(socket, changes, counter).await
    });

    let client = Client::connect(Source::Url(url), ClientOptions::default())
        .await
        .expect("a client");
    let informer = InformerFactory::new(client)
        .for_resource(Gvr::new("example.com", "v1", "things"))
        .start();
    let (_go, wait) = mpsc::channel::<()>();
    let stuck = informer.add_handler(from_fn(move |_| {
        let _closed = wait.recv();
    }));
    let lags = Arc::new(Mutex::new(Vec::new()));
    let (seen, book) = (Arc::new(AtomicU64::new(0)), Arc::clone(&lags));
    let last = Arc::clone(&seen);
    let _quick = informer.add_handler(from_fn(move |event| {
        if let Event::Updated { new, .. } = event {
            let at: u128 = new
                .annotation("at")
                .expect("it decodes")
                .expect("it is there")
                .parse()
                .expect("a number");
            book.lock()
                .expect("no panic")
                .push(nanos().saturating_sub(at));
            let version: Option<u64> = new.pointer("/spec/version").expect("it decodes");
            last.fetch_max(version.expect("it is there"), Ordering::Relaxed);
        }
    }));

    let reach = |share: u64| {
        let (seen, target) = (Arc::clone(&seen), OBJECTS + changes * share / 100);
        async move {
            while seen.load(Ordering::Relaxed) < target {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            resident_kib()
        }
    };
    let (early, late) = (reach(20).await, reach(100).await);
    let depth = stuck.depth() as u64;
    let mut lags = std::mem::take(&mut *lags.lock().expect("no panic"));
    println!(
        "{changes} changes: {early} KiB resident after 20 %, {late} KiB after all; {depth} pending for the stuck handler; lag of the other p50 {} µs, p99 {} µs",
        percentile(&mut lags, 50) / 1000,
        percentile(&mut lags, 99) / 1000
    );
    assert!(
        depth <= OBJECTS,
        "{depth} pending changes for {OBJECTS} objects"
    );
    assert!(
        late < early + early / 4 + 8 * 1024,
        "memory grew from {early} to {late} KiB"
    );
    assert_eq!(informer.snapshot().len() as u64, OBJECTS);
}
