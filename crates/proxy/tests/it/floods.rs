//! Clients of HTTP/2 that send frames which cost them nothing, or break the protocol in ways that `h2spec` does not.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Origin, PATIENCE, Script, World, answer};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// `GET / http test.example`, by indices where there are some.
const GET: &[u8] = b"\x82\x84\x86\x41\x0ctest.example";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const NO_ERROR: u32 = 0;
const FRAME_SIZE_ERROR: u32 = 6;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// Odd numbers from 1.
fn stream(number: u32) -> u32 {
    number * 2 + 1
}

/// Sends frames until the proxy ends the connection; the reason that it gives. `None`: it bears them all.
async fn flood(
    world: &World,
    first: &[u8],
    count: u32,
    frames: impl Fn(u32) -> Vec<u8>,
) -> Option<u32> {
    let stream = TcpStream::connect(world.address).await.expect("connected");
    let (mut read, mut write) = stream.into_split();
    let mut bytes = [PREFACE, first].concat();
    for number in 0..count {
        bytes.extend_from_slice(&frames(number));
    }
    // To hear whether it still listens.
    bytes.extend_from_slice(&frame(PING, 0, 0, b"the last"));
    tokio::spawn(async move {
        // It may have had enough.
        let _ = write.write_all(&bytes).await;
        tokio::time::sleep(PATIENCE).await;
    });
    let listening = async {
        loop {
            let mut head = [0; 9];
            if read.read_exact(&mut head).await.is_err() {
                return Some(u32::MAX);
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).expect("short")];
            if read.read_exact(&mut payload).await.is_err() {
                return Some(u32::MAX);
            }
            match head[3] {
                GOAWAY => return Some(u32::from_be_bytes(payload[4..8].try_into().expect("4"))),
                PING if payload == b"the last" => return None,
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, listening)
        .await
        .expect("a word in time")
}

/// Its name, what comes first, how often what follows, and the reason that the proxy is to give.
type Flood = (
    &'static str,
    Vec<u8>,
    u32,
    Box<dyn Fn(u32) -> Vec<u8>>,
    Option<u32>,
);

fn floods() -> Vec<Flood> {
    let get = |number| frame(HEADERS, 5, stream(number), GET);
    let reset = |number| frame(RST_STREAM, 0, stream(number), &[0, 0, 0, 8]);
    let hasty = move |number| [get(number), reset(number)].concat();
    let (none, open) = (Vec::new, || frame(HEADERS, 4, 1, GET));
    let ping = |_| frame(PING, 0, 0, &[0; 8]);
    let settings = |_| frame(SETTINGS, 0, 0, b"");
    let priority = |number| frame(PRIORITY, 0, stream(number % 50), &[0, 0, 0, 0, 1]);
    let unknown = |_| frame(0xbe, 0, 0, b"");
    let window = |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]);
    let empty = |_| frame(DATA, 0, 1, b"");
    let endless = |_| frame(CONTINUATION, 0, 1, b"");
    let large = |_| frame(DATA, 0, 1, &[0; 20_000]);
    let calm = Some(ENHANCE_YOUR_CALM);
    vec![
        ("pings", none(), 5_000, Box::new(ping), calm),
        ("few pings", none(), 100, Box::new(ping), None),
        ("settings", none(), 5_000, Box::new(settings), calm),
        ("priorities", none(), 5_000, Box::new(priority), calm),
        ("unknown", none(), 5_000, Box::new(unknown), calm),
        ("windows", none(), 5_000, Box::new(window), calm),
        ("empty data", open(), 5_000, Box::new(empty), calm),
        ("rapid resets", none(), 2_000, Box::new(hasty), calm),
        ("few resets", none(), 10, Box::new(hasty), None),
        (
            "endless heads",
            frame(HEADERS, 1, 1, GET),
            5_000,
            Box::new(endless),
            calm,
        ),
        (
            "too large a frame",
            open(),
            1,
            Box::new(large),
            Some(FRAME_SIZE_ERROR),
        ),
    ]
}

#[tokio::test]
async fn floods_are_ended_and_usual_traffic_is_not() {
    let origin = Origin::start(|_, _| {
        Script::Late(Duration::from_millis(50), answer(200, "", "").into_bytes())
    })
    .await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let _proxy = world.serve().await;
    for (label, first, count, frames, expect) in floods() {
        assert_eq!(
            flood(&world, &first, count, frames).await,
            expect,
            "{label}"
        );
    }
}

/// A client that neither asks nor leaves is told to go.
#[tokio::test]
async fn idle_connections_end() {
    let mut world = World::new();
    let mut options = tidegate_proxy::Options::default();
    options.limits.idle_timeout = Duration::from_millis(100);
    let _proxy = world.serve_with(options).await;
    let mut stream = TcpStream::connect(world.address).await.expect("connected");
    stream.write_all(PREFACE).await.expect("sent");
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("an end in time")
        .expect("a clean end");
    let mut rest = bytes.as_slice();
    let mut reasons = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(9) {
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        if head[3] == GOAWAY {
            reasons.push(u32::from_be_bytes(after[4..8].try_into().expect("4")));
        }
        rest = &after[length..];
    }
    assert!(!reasons.is_empty() && reasons.iter().all(|reason| *reason == NO_ERROR));
}

/// A client that is told off while it still writes can go on until it has read why.
#[tokio::test]
async fn who_still_writes_can_read_the_goodbye() {
    let mut world = World::new();
    let _proxy = world.serve().await;
    let mut stream = TcpStream::connect(world.address).await.expect("connected");
    let torn = frame(SETTINGS, 0, 0, b"five!");
    stream
        .write_all(&[PREFACE, &torn[..]].concat())
        .await
        .expect("sent");
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let more = frame(DATA, 0, 1, &[0; 1_000]);
        stream.write_all(&more).await.expect("not refused");
    }
    stream.shutdown().await.expect("ended");
    let mut bytes = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    end.expect("an end in time").expect("a clean end");
    assert!(
        bytes
            .windows(4)
            .any(|four| four == FRAME_SIZE_ERROR.to_be_bytes())
    );
}
