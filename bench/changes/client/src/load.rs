//! A constant load of requests that must all be answered as they should be.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::exchange::{Answer, Exchange};

/// How many failures are told word by word.
const TOLD: usize = 20;

/// What to ask for, and what must come back.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub host: String,
    pub path: String,
    /// One of these bodies, with 200.
    pub bodies: Vec<String>,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Connections for each target.
    pub connections: usize,
    /// Between two requests of one connection.
    pub every: Duration,
    /// Requests on one connection before it is opened anew.
    pub requests_each: u64,
}

/// A load that runs.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    began: Instant,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    failed: AtomicU64,
    told: Mutex<Vec<String>>,
}

/// What a load has seen.
#[derive(Debug, Clone)]
pub struct Seen {
    pub answered: u64,
    pub failed: u64,
    /// The first failures in words.
    pub told: Vec<String>,
    pub took: Duration,
}

impl Load {
    /// Starts.
    pub fn start(targets: &[Target], rate: Rate) -> Self {
        let shared = Arc::new(Shared::default());
        let mut tasks = JoinSet::new();
        for target in targets {
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
    pub fn seen(&self) -> Seen {
        Seen {
            answered: self.shared.answered.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
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
    pub async fn stop(mut self) -> Seen {
        self.shared.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        self.seen()
    }
}

impl Shared {
    fn fail(&self, words: String) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut told) = self.told.lock()
            && told.len() < TOLD
        {
            told.push(words);
        }
    }
}

async fn client(target: Target, rate: Rate, shared: Arc<Shared>) {
    let mut ticks = interval(rate.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !shared.stop.load(Ordering::Relaxed) {
        let mut exchange = match Exchange::connect(target.address).await {
            Ok(exchange) => exchange,
            Err(error) => {
                shared.fail(format!("connect: {error}"));
                ticks.tick().await;
                continue;
            }
        };
        for _ in 0..rate.requests_each {
            ticks.tick().await;
            if shared.stop.load(Ordering::Relaxed) {
                return;
            }
            match exchange.get(&target.host, &target.path).await {
                Ok(answer) if is_right(&target, &answer) => {
                    shared.answered.fetch_add(1, Ordering::Relaxed);
                    if answer.close {
                        break;
                    }
                }
                Ok(answer) => shared.fail(format!(
                    "{} {:?} from {}",
                    answer.status, answer.body, target.host
                )),
                Err(error) => {
                    shared.fail(format!("{}: {error:#}", target.host));
                    break;
                }
            }
        }
    }
}

fn is_right(target: &Target, answer: &Answer) -> bool {
    answer.status == 200 && target.bodies.contains(&answer.body)
}
