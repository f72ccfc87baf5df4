//! Writers and watchers at once, over real HTTP, while history is forgotten and connections end.
//!
//! What was acknowledged is written down, and what each watch said. At the end one whole history is made of the writes,
//! and every watch must have said exactly the part of it that follows its starting point.
//! `TIDEGATE_WATCHERS_SECONDS` and `TIDEGATE_WATCHERS_SEED` change how long it runs and what it does.
#![expect(clippy::print_stdout, reason = "figures, shown with --nocapture")]

mod history;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/random.rs"]
mod random;
mod watch;
mod write;

use history::{History, Write};
use http::{Client, Protocol};
use random::Random;
use std::{
    env,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tidegate_apiserver::test::{Server, start};
use tokio::task::JoinSet;
use watch::{Segment, watch_on};
use write::write_on;

const WRITERS: u64 = 8;
const WATCHERS: u64 = 24;

/// What writers and watchers share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) ended: AtomicBool,
    /// What was acknowledged.
    pub(crate) writes: Mutex<Vec<Write>>,
    /// No start point below this must be served: what came before is forgotten for sure.
    pub(crate) surely_forgotten: AtomicU64,
    /// No start point at or above this may be refused.
    pub(crate) perhaps_forgotten: AtomicU64,
    /// Updates with an old version that were refused.
    pub(crate) conflicts: AtomicU64,
}

fn from_environment(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn protocol(number: u64) -> Protocol {
    if number.is_multiple_of(2) {
        Protocol::Http2
    } else {
        Protocol::Http1
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_watch_says_all_that_follows_its_start_and_stale_updates_never_win() {
    let seed = from_environment("TIDEGATE_WATCHERS_SEED", 7);
    let seconds = from_environment("TIDEGATE_WATCHERS_SECONDS", 4);
    let server = start().await.expect("a server");
    let shared = Arc::new(Shared::default());
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let client = Client::new(&server, protocol(number));
        let random = Random::new(seed * 1000 + number);
        writers.spawn(write_on(client, random, Arc::clone(&shared)));
    }
    let mut watchers = JoinSet::new();
    for number in 0..WATCHERS {
        let client = Client::new(&server, protocol(number));
        let random = Random::new(seed * 1000 + 500 + number);
        watchers.spawn(watch_on(client, random, Arc::clone(&shared)));
    }
    disturb(&server, &shared, Duration::from_secs(seconds)).await;
    shared.ended.store(true, Ordering::SeqCst);
    while let Some(ended) = writers.join_next().await {
        ended.expect("a writer");
    }
    let mut segments: Vec<Segment> = Vec::new();
    while let Some(ended) = watchers.join_next().await {
        segments.extend(ended.expect("a watcher"));
    }
    let writes = shared.writes.lock().expect("no panic").clone();
    let history = History::of(writes, &segments);
    history.check_chains();
    let mut events = 0;
    for segment in &segments {
        history.check(segment);
        events += segment.events.len();
    }
    let conflicts = shared.conflicts.load(Ordering::SeqCst);
    let refused = segments.iter().filter(|it| it.refused).count();
    println!(
        "seed {seed}: {} writes, {conflicts} stale ones refused, {} watches, {refused} of them from a forgotten \
         version, {events} events",
        history.len(),
        segments.len()
    );
    assert!(conflicts > 0 && events > 100 && refused > 0 && history.len() > 100);
    server.stop().await;
}

/// Forgets history and ends watches, now and then.
async fn disturb(server: &Server, shared: &Shared, time: Duration) {
    let client = Client::new(server, Protocol::Http1);
    let end = tokio::time::Instant::now() + time;
    let mut turn = 0;
    while tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(150)).await;
        turn += 1;
        if turn % 2 == 0 {
            server.fault_drop_watches();
        }
        if turn % 4 == 0 {
            // Writes go on meanwhile: the version that it forgets up to lies between these two.
            let before = watch::version_now(&client).await;
            shared.perhaps_forgotten.store(u64::MAX, Ordering::SeqCst);
            server.compact().await.expect("compacted");
            let after = watch::version_now(&client).await;
            shared.perhaps_forgotten.store(after, Ordering::SeqCst);
            shared.surely_forgotten.store(before, Ordering::SeqCst);
        }
    }
}
