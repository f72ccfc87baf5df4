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
use tidegate_informer::{
    Client, ClientOptions, Event, Gvr, Handler, Informer, InformerFactory, Source, from_fn,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const OBJECTS: u64 = 10_000;
const CHANGES_DEFAULT: u64 = 200_000;
const PADDING_BYTES: usize = 400;
/// Changes that are under way at once.
const AHEAD: u64 = 100;

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
async fn serve(mut socket: TcpStream, changes: u64, seen: Arc<AtomicU64>) -> std::io::Result<()> {
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
        // As fast as the quick handler hears, so that its lag says something about the informer.
        while change > seen.load(Ordering::Relaxed).saturating_sub(OBJECTS) + AHEAD {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
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
    let seen = Arc::new(AtomicU64::new(0));
    let informer = informer_of(changes, Arc::clone(&seen)).await;
    let lags = Arc::new(Mutex::new(Vec::new()));
    let _quick = informer.add_handler(measure(Arc::clone(&lags), Arc::clone(&seen)));
    let reach = async |share: u64| {
        while seen.load(Ordering::Relaxed) < OBJECTS + changes * share / 100 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        resident_kib()
    };
    let take = || std::mem::take(&mut *lags.lock().expect("no panic"));

    reach(20).await;
    let mut alone = take();
    let (_go, wait) = mpsc::channel::<()>();
    let stuck = informer.add_handler(from_fn(move |_| {
        let _closed = wait.recv();
    }));
    let early = reach(50).await;
    let late = reach(100).await;
    let mut beside = take();
    let (alone, beside) = (percentile(&mut alone, 50), percentile(&mut beside, 50));
    let depth = stuck.depth() as u64;
    println!(
        "{changes} changes: {early} KiB resident after half, {late} KiB after all; {depth} pending for the stuck \
         handler; median lag of the other {} µs alone, {} µs beside it",
        alone / 1000,
        beside / 1000
    );
    // What is left of its first picture, and one change for each key.
    assert!(
        depth <= 2 * OBJECTS,
        "{depth} pending changes for {OBJECTS} objects"
    );
    assert!(
        late < early + early / 4 + 8 * 1024,
        "memory grew from {early} to {late} KiB"
    );
    assert!(
        beside < 5 * alone + 1_000_000,
        "the other handler's lag grew from {alone} to {beside} ns"
    );
    assert_eq!(informer.snapshot().len() as u64, OBJECTS);
}

async fn informer_of(changes: u64, seen: Arc<AtomicU64>) -> Informer {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a client");
        serve(socket, changes, seen).await
    });
    let client = Client::connect(Source::Url(url), ClientOptions::default())
        .await
        .expect("a client");
    InformerFactory::new(client)
        .for_resource(Gvr::new("example.com", "v1", "things"))
        .start()
}

/// A quick handler that notes how late each change is, and the newest version that it saw.
fn measure(lags: Arc<Mutex<Vec<u128>>>, seen: Arc<AtomicU64>) -> impl Handler {
    from_fn(move |event| {
        if let Event::Updated { new, .. } = event {
            let at = new
                .annotation("at")
                .expect("it decodes")
                .expect("it is there");
            let at: u128 = at.parse().expect("a number");
            lags.lock()
                .expect("no panic")
                .push(nanos().saturating_sub(at));
            let version: Option<u64> = new.pointer("/spec/version").expect("it decodes");
            seen.fetch_max(version.expect("it is there"), Ordering::Relaxed);
        }
    })
}
