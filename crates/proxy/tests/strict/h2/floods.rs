//! Floods: each ends with a goodbye or a reset, and others are served all the while.

use std::net::SocketAddr;

use super::frames::{
    CONTINUATION, Connection, DATA, END_HEADERS, END_STREAM, Event, HEADERS, PING, RESET, SETTINGS,
    WINDOW_UPDATE, block, frame,
};
use crate::{
    origin::Origin,
    outcome::{probe, report},
    world::proxy,
};

/// A flood's name, what comes once, and what comes again and again (by number).
type Flood = (&'static str, fn() -> Vec<u8>, fn(u32) -> Vec<u8>);

/// Frames of each: far more than any client needs.
const COUNT: u32 = 20_000;

fn get() -> Vec<u8> {
    block(&["req"])
}

fn post() -> Vec<u8> {
    let fields = [":method=POST", ":scheme=http", ":authority=a", ":path=/a"];
    frame(HEADERS, END_HEADERS, 1, &block(&fields))
}

fn reset(stream: u32) -> Vec<u8> {
    frame(RESET, 0, stream, &8_u32.to_be_bytes())
}

const FLOODS: &[Flood] = &[
    ("pings", Vec::new, |_| frame(PING, 0, 0, &[0; 8])),
    ("ping acks", Vec::new, |_| frame(PING, 1, 0, &[0; 8])),
    ("settings", Vec::new, |_| {
        frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff])
    }),
    ("empty settings", Vec::new, |_| frame(SETTINGS, 0, 0, &[])),
    ("rapid reset", Vec::new, |index| {
        let stream = index * 2 + 1;
        let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get());
        [head, reset(stream)].concat()
    }),
    ("made-you-reset by window", Vec::new, |index| {
        let stream = index * 2 + 1;
        let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get());
        [head, frame(WINDOW_UPDATE, 0, stream, &[0; 4])].concat()
    }),
    ("made-you-reset by data", Vec::new, |index| {
        let stream = index * 2 + 1;
        let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get());
        [head, frame(DATA, 0, stream, b"x")].concat()
    }),
    ("malformed heads", Vec::new, |index| {
        let fields = [":method=GET", ":scheme=http", ":path=/a", "X=y"];
        frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            index * 2 + 1,
            &block(&fields),
        )
    }),
    ("resets of one stream", post, |_| reset(1)),
    (
        "continuations",
        || frame(HEADERS, END_STREAM, 1, &get()),
        |_| frame(CONTINUATION, 0, 1, &block(&["x=\\{y*100}"])),
    ),
    (
        "empty continuations",
        || frame(HEADERS, END_STREAM, 1, &get()),
        |_| frame(CONTINUATION, 0, 1, &[]),
    ),
    ("empty data", post, |_| frame(DATA, 0, 1, &[])),
    ("padded empty data", post, |_| {
        frame(DATA, 8, 1, &[3, 0, 0, 0])
    }),
    ("priorities", Vec::new, |_| frame(2, 0, 1, &[0, 0, 0, 0, 1])),
    ("unknown frames", Vec::new, |_| frame(0xfa, 0, 0, &[])),
    ("open streams", Vec::new, |index| {
        let fields = [":method=POST", ":scheme=http", ":authority=a", ":path=/a"];
        frame(HEADERS, END_HEADERS, index * 2 + 1, &block(&fields))
    }),
];

/// `None` where all is well: it ends, or the excess is refused, and the next client is served.
fn check(flood: &Flood, address: SocketAddr, origin: &Origin) -> Option<String> {
    let (name, begin, more) = flood;
    let mut connection = Connection::open(address, 65_535);
    connection.send(&begin());
    for first in (0..COUNT).step_by(100) {
        let bytes: Vec<u8> = (first..first + 100).flat_map(more).collect();
        connection.send(&bytes);
    }
    let (mut answered, mut refused) = (0_u32, 0_u32);
    let ended = loop {
        match connection.event() {
            Event::Goodbye { .. } | Event::Closed => break true,
            Event::Hangs => break false,
            Event::Status { .. } => answered += 1,
            Event::Reset { .. } => refused += 1,
            Event::Data { .. } => {}
        }
    };
    let wrong = match ended || *name == "open streams" && refused > 0 {
        true => None,
        false => Some(format!("{answered} answered, {refused} reset, no end")),
    };
    drop(connection);
    // Those of the flood that were meant seriously may still come to the origin.
    let forwarded = origin.take().len();
    let wrong = wrong.or_else(|| {
        let limit = usize::try_from(COUNT / 10).expect("small");
        (forwarded > limit).then(|| format!("{forwarded} forwarded"))
    });
    let served = || {
        let calm = |_: &usize| probe(address, origin).is_none();
        (0..20)
            .find(calm)
            .is_none()
            .then(|| "others are not served".to_owned())
    };
    wrong
        .or_else(served)
        .map(|wrong| format!("{name}: {wrong}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn floods_end() {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| {
        let wrong: Vec<String> = FLOODS
            .iter()
            .filter_map(|flood| check(flood, address, &origin))
            .collect();
        report(&wrong, FLOODS.len(), 15);
    });
}
