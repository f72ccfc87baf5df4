//! A constant load of requests that must all be answered as they should be.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval},
};

use crate::{
    exchange::{Answer, Ask, Exchange},
    tls::Trust,
};

/// How many failures are told word by word.
const TOLD: usize = 20;

/// What to ask for, and what must come back.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// What failures of it are counted under.
    pub(crate) kind: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) way: Way,
    pub(crate) ask: Ask,
    /// One of these bodies, with 200.
    pub(crate) bodies: Vec<String>,
}

/// How connections to a target are made.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// HTTP/1.1 in clear.
    Http1,
    /// HTTP/2 in clear.
    Http2,
    /// HTTP/1.1 with TLS.
    Tls(Trust),
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Connections.
    pub(crate) connections: usize,
    /// Between two requests of one connection.
    pub(crate) every: Duration,
    /// Requests on one connection before it is opened anew.
    pub(crate) requests_each: u64,
}

/// A load that runs.
#[derive(Debug)]
pub(crate) struct Load {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    began: Instant,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    failed: AtomicU64,
    kinds: Mutex<BTreeMap<&'static str, Counts>>,
    told: Mutex<Vec<String>>,
}

/// Of one kind of target.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
}

/// What a load has seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// The same by kind of target.
    pub(crate) kinds: BTreeMap<&'static str, Counts>,
    /// The first failures in words.
    pub(crate) told: Vec<String>,
    pub(crate) took: Duration,
}

impl Load {
    /// Starts.
    pub(crate) fn start(targets: Vec<(Target, Rate)>) -> Self {
        let shared = Arc::new(Shared::default());
        let mut tasks = JoinSet::new();
        for (target, rate) in targets {
            for _ in 0..rate.connections {
                tasks.spawn(client(target.clone(), rate, Arc::clone(&shared)));
            }
        }
        Self {
            shared,
            tasks,
            began: Instant::now(),
        }
    }

    /// What it has seen so far.
    pub(crate) fn seen(&self) -> Seen {
        Seen {
            answered: self.shared.answered.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
            kinds: self
                .shared
                .kinds
                .lock()
                .map(|kinds| kinds.clone())
                .unwrap_or_default(),
            told: self
                .shared
                .told
                .lock()
                .map(|told| told.clone())
                .unwrap_or_default(),
            took: self.began.elapsed(),
        }
    }

    /// Lets requests under way end, and says what was seen.
    pub(crate) async fn stop(mut self) -> Seen {
        self.shared.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        self.seen()
    }
}

impl Shared {
    fn answer(&self, kind: &'static str) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut kinds) = self.kinds.lock() {
            kinds.entry(kind).or_default().answered += 1;
        }
    }

    fn fail(&self, kind: &'static str, words: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut kinds) = self.kinds.lock() {
            kinds.entry(kind).or_default().failed += 1;
        }
        if let Ok(mut told) = self.told.lock()
            && told.len() < TOLD
        {
            told.push(format!("{kind}: {words}"));
        }
    }
}

impl Target {
    /// A new connection.
    pub(crate) async fn connect(&self) -> anyhow::Result<Exchange> {
        match &self.way {
            Way::Http1 => Exchange::connect(self.address).await,
            Way::Http2 => Exchange::http2(self.address).await,
            Way::Tls(trust) => Exchange::secure(self.address, trust, &self.ask.host).await,
        }
    }

    fn is_right(&self, answer: &Answer) -> bool {
        answer.status == 200 && self.bodies.contains(&answer.body)
    }
}

async fn client(target: Target, rate: Rate, shared: Arc<Shared>) {
    let mut ticks = interval(rate.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !shared.stop.load(Ordering::Relaxed) {
        match target.connect().await {
            Ok(exchange) => use_up(exchange, &target, rate, &mut ticks, &shared).await,
            Err(error) => {
                shared.fail(target.kind, &format!("{error:#}"));
                ticks.tick().await;
            }
        }
    }
}

/// Sends as many requests as a connection shall have, or until it ends.
async fn use_up(
    mut exchange: Exchange,
    target: &Target,
    rate: Rate,
    ticks: &mut Interval,
    shared: &Shared,
) {
    for _ in 0..rate.requests_each {
        ticks.tick().await;
        if shared.stop.load(Ordering::Relaxed) || !exchange.goes_on().await {
            return;
        }
        match exchange.send(&target.ask).await {
            Ok(answer) if target.is_right(&answer) => {
                shared.answer(target.kind);
                if answer.close {
                    return;
                }
            }
            Ok(answer) => {
                let words = format!("{} {:?}", answer.status, answer.body);
                shared.fail(target.kind, &words);
            }
            Err(error) => {
                shared.fail(target.kind, &format!("{error:#}"));
                return;
            }
        }
    }
}
