//! The loop: changes in, snapshot to the proxy, statuses out. One thread of its own; nothing in it waits for the API
//! server, the disk or the workers.
//!
//! A turn takes all changes that are there, compiles once, and hands the snapshot to the workers. Statuses follow when
//! all workers serve what they speak of, and when it is known which addresses could be had.

mod serving;

use self::serving::{Served, Serving};
use crate::{
    feed::{Feed, Item},
    infrastructure::Orders,
    state::Saver,
    status::News,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tidegate_compile::{Change, Compiler, Kind, ObjectKey, Output};
use tidegate_proxy::Proxy;
use tidegate_routing::Snapshot;
use tokio::sync::{mpsc, oneshot, watch};

/// What the loop works with.
pub(crate) struct Engine {
    pub(crate) compiler: Compiler,
    pub(crate) feed: Feed,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) saver: Option<Saver>,
    pub(crate) writer: mpsc::UnboundedSender<News>,
    pub(crate) orders: mpsc::UnboundedSender<Orders>,
    /// Objects whose status must be looked at again: another process led when it was due.
    pub(crate) missed: mpsc::UnboundedReceiver<Vec<Target>>,
    /// How long what is on disk waits for the API server: another process still serves what is newer.
    pub(crate) disk_waits: Duration,
    /// What is served.
    pub(crate) serving: watch::Sender<Option<Arc<Snapshot>>>,
}

pub(crate) type Target = (Kind, ObjectKey);

/// How often addresses that could not be had are tried again.
const BIND_AGAIN: Duration = Duration::from_secs(2);
/// How long what refers to a new object waits for that object to be read: at the start, and later.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);
const REFERENCE_PATIENCE: Duration = Duration::from_millis(300);
/// However many such objects there are, one after the other: no longer than this in all.
const HELD_MAX: Duration = Duration::from_secs(1);
/// How long a start waits for some kinds before it says so.
const PATIENCE: Duration = Duration::from_secs(10);

/// What lives as long as the loop.
struct Turns {
    engine: Engine,
    pipe: Serving,
    served: mpsc::UnboundedReceiver<Served>,
    /// What the workers were given last.
    last: Arc<Snapshot>,
    /// Compiled, but kept back until something that it refers to is read.
    held: Option<Held>,
    /// Whether anything was compiled yet.
    began: bool,
    /// Whether the workers were given anything yet, and be it nothing to serve.
    given: bool,
    /// When what is on disk is served, whatever the API server says.
    disk_at: Option<Instant>,
    binds: BTreeMap<SocketAddr, Option<String>>,
    bind_again: Option<Instant>,
    complain: Option<Instant>,
    /// Something was fed that is not on disk.
    unsaved: bool,
    /// Objects whose status was due before all kinds were read: what is on disk may be old.
    early: BTreeSet<Target>,
}

#[derive(Default)]
struct Held {
    snapshot: Option<Arc<Snapshot>>,
    statuses: BTreeSet<Target>,
    orders: Vec<tidegate_compile::InfrastructureChange>,
    until: Option<Instant>,
    since: Option<Instant>,
}

impl Engine {
    /// Runs until `stop`. Serves at once what is known from disk.
    pub(crate) async fn run(self, stop: oneshot::Receiver<()>) {
        let (pipe, served) = Serving::start(Arc::clone(&self.proxy));
        let mut turns = Turns {
            engine: self,
            pipe,
            served,
            last: Arc::default(),
            held: None,
            began: false,
            given: false,
            disk_at: None,
            binds: BTreeMap::new(),
            bind_again: None,
            complain: Some(Instant::now() + PATIENCE),
            unsaved: false,
            early: BTreeSet::new(),
        };
        turns.boot();
        turns.engine.feed.start();
        turns.follow(stop).await;
    }
}

impl Turns {
    /// What is on disk is served before the API server is asked.
    fn boot(&mut self) {
        let Self { engine, .. } = self;
        let carried = engine.feed.carried().in_order();
        if carried.is_empty() {
            return;
        }
        let count = carried.len();
        for (kind, json) in carried {
            feed_object(&mut engine.compiler, kind, json);
        }
        if engine.disk_waits.is_zero() {
            self.serve_from_disk(count);
        } else {
            self.disk_at = Some(Instant::now() + engine.disk_waits);
        }
    }

    fn serve_from_disk(&mut self, objects: usize) {
        tracing::info!(objects, "serving from disk until the API server is heard");
        self.disk_at = None;
        self.began = true;
        self.compile();
        self.engine.feed.drop_unneeded();
    }

    async fn follow(&mut self, mut stop: oneshot::Receiver<()>) {
        let mut items = Vec::new();
        loop {
            let wake = [
                self.held.as_ref().and_then(|held| held.until),
                self.bind_again,
                self.complain,
                self.disk_at,
            ];
            let wake = wake.into_iter().flatten().min();
            let Self { engine, served, .. } = self;
            tokio::select! {
                biased;
                _ = &mut stop => break,
                () = poll_fn(|context| engine.feed.poll(context, &mut items)) => {}
                Some(news) = served.recv() => self.served(news),
                Some(missed) = engine.missed.recv() => self.look_again(&missed),
                () = until(wake) => {}
            }
            self.take(&mut items);
            self.turn();
        }
        if let Some(saver) = &self.engine.saver
            && self.unsaved
            && self.began
        {
            saver.save(self.engine.feed.picture());
        }
    }

    fn take(&mut self, items: &mut Vec<Item>) {
        self.unsaved |= !items.is_empty();
        for item in items.drain(..) {
            match item {
                Item::Upsert(kind, object) => match object.json() {
                    Ok(json) => feed_object(&mut self.engine.compiler, kind, &json),
                    Err(error) => tracing::error!(%error, "an object can't be read from the cache"),
                },
                Item::Delete(kind, key) => {
                    feed_change(&mut self.engine.compiler, Change::Delete { kind, key });
                }
            }
        }
    }

    /// Compiles what has come, if enough is known, and passes it on.
    fn turn(&mut self) {
        if !self.began && !self.engine.feed.is_complete() {
            if self.disk_at.is_some_and(|when| when <= Instant::now()) {
                self.serve_from_disk(self.engine.feed.carried().in_order().len());
            }
            self.complain_in_time();
            return;
        }
        self.disk_at = None;
        self.began = true;
        self.complain = None;
        if self.engine.feed.is_complete() {
            for (kind, key) in std::mem::take(&mut self.early) {
                self.engine.compiler.recheck(kind, &key);
            }
        }
        self.compile();
        self.bind_again_in_time();
        if self.unsaved
            && let Some(saver) = &self.engine.saver
        {
            saver.save(self.engine.feed.picture());
            self.unsaved = false;
        }
    }

    /// Compiles until nothing new is referred to that is there already.
    fn compile(&mut self) {
        let now = Instant::now();
        let mut output = self.engine.compiler.build(now_s());
        self.engine.feed.refer(&output.references, now);
        let until = self.engine.feed.holds_until(now, self.patience());
        if let Some(until) = until
            && !self.is_held_long_enough(now)
        {
            self.hold(output, until, now);
            return;
        }
        if let Some(held) = self.held.take() {
            // What it said may not be true any more.
            for (kind, key) in held.statuses {
                self.engine.compiler.recheck(kind, &key);
            }
            let mut later = self.engine.compiler.build(now_s());
            self.engine.feed.refer(&later.references, now);
            later.changed |= output.changed || held.snapshot.is_some();
            later.infrastructure =
                [held.orders, output.infrastructure, later.infrastructure].concat();
            later.statuses = merged(output.statuses, later.statuses);
            output = later;
        }
        self.pass_on(output);
    }

    /// How long what refers to a new object waits for that object to be read. What is on disk is served at once; at a
    /// start without it nothing is served yet, so that nothing is harmed by waiting longer.
    fn patience(&self) -> Duration {
        match (self.engine.feed.is_complete(), self.given) {
            (false, _) => Duration::ZERO,
            (true, false) => FIRST_PATIENCE,
            (true, true) => REFERENCE_PATIENCE,
        }
    }

    fn is_held_long_enough(&self, now: Instant) -> bool {
        let since = self.held.as_ref().and_then(|held| held.since);
        self.given && since.is_some_and(|since| now >= since + HELD_MAX)
    }

    fn hold(&mut self, output: Output, until: Instant, now: Instant) {
        let held = self.held.get_or_insert_default();
        held.since.get_or_insert(now);
        held.until = Some(until);
        held.statuses
            .extend(output.statuses.into_iter().map(|one| (one.kind, one.key)));
        held.orders.extend(output.infrastructure);
        if output.changed {
            held.snapshot = Some(Arc::new(output.snapshot));
        }
    }

    fn pass_on(&mut self, output: Output) {
        if !output.infrastructure.is_empty() {
            // Where the receiver is gone, all ends.
            let _ = self.engine.orders.send(Orders(output.infrastructure));
        }
        let first = !std::mem::replace(&mut self.given, true);
        let snapshot = (output.changed || first).then(|| Arc::new(output.snapshot));
        if let Some(snapshot) = &snapshot {
            self.last = Arc::clone(snapshot);
        }
        if snapshot.is_some() || !output.statuses.is_empty() {
            self.pipe.pass(snapshot, output.statuses);
        }
    }

    /// All workers serve a snapshot: now its statuses may be told.
    fn served(&mut self, served: Served) {
        let Served { applied, statuses } = served;
        let mut moved = false;
        if let Some((snapshot, applied)) = applied {
            self.engine.serving.send_replace(Some(snapshot));
            let binds: BTreeMap<SocketAddr, Option<String>> = applied
                .binds
                .into_iter()
                .map(|report| (report.address, report.result.err()))
                .collect();
            moved = self.compare(&binds);
            let failed = binds.values().any(Option::is_some);
            self.binds = binds;
            self.bind_again = failed.then(|| Instant::now() + BIND_AGAIN);
        }
        if moved {
            // They were made without knowing it.
            for one in statuses {
                self.engine.compiler.recheck(one.kind, &one.key);
            }
        } else if !self.engine.feed.is_complete() {
            let targets = statuses.into_iter().map(|one| (one.kind, one.key));
            self.early.extend(targets);
        } else if !statuses.is_empty() {
            // Where the receiver is gone, all ends.
            let _ = self.engine.writer.send(News::Statuses(statuses));
        }
    }

    /// Tells the compiler which addresses could be had, where that differs from before.
    fn compare(&mut self, binds: &BTreeMap<SocketAddr, Option<String>>) -> bool {
        let mut moved = false;
        for (address, error) in binds {
            if self.binds.get(address) != Some(error) {
                moved = true;
                if let Some(error) = error {
                    tracing::warn!(%address, error, "an address can't be listened on");
                }
                feed_change(
                    &mut self.engine.compiler,
                    Change::Bind {
                        address: *address,
                        error: error.clone(),
                    },
                );
            }
        }
        moved
    }

    fn look_again(&mut self, missed: &[Target]) {
        for (kind, key) in missed {
            self.engine.compiler.recheck(*kind, key);
        }
    }

    /// The workers are given the same again: the proxy tries what it could not have.
    fn bind_again_in_time(&mut self) {
        if self.bind_again.is_some_and(|when| when <= Instant::now()) {
            self.bind_again = None;
            self.pipe.pass(Some(Arc::clone(&self.last)), Vec::new());
        }
    }

    fn complain_in_time(&mut self) {
        if self.complain.is_some_and(|when| when <= Instant::now()) {
            self.complain = None;
            let missing = self.engine.feed.missing().join(", ");
            tracing::warn!(
                missing,
                "nothing is served yet: these kinds are not read yet"
            );
        }
    }
}

fn feed_object(compiler: &mut Compiler, kind: Kind, object: &[u8]) {
    feed_change(compiler, Change::Upsert { kind, object });
}

fn feed_change(compiler: &mut Compiler, change: Change<'_>) {
    if let Err(error) = compiler.apply(change) {
        tracing::warn!(%error, "an object is passed over");
    }
}

/// Newer statuses take the place of older ones of the same object.
fn merged(
    older: Vec<tidegate_compile::StatusUpdate>,
    newer: Vec<tidegate_compile::StatusUpdate>,
) -> Vec<tidegate_compile::StatusUpdate> {
    let known: BTreeSet<Target> = newer
        .iter()
        .map(|one| (one.kind, one.key.clone()))
        .collect();
    let mut all: Vec<_> = older
        .into_iter()
        .filter(|one| !known.contains(&(one.kind, one.key.clone())))
        .collect();
    all.extend(newer);
    all
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

async fn until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}
