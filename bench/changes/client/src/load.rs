//! A constant load of several kinds, all of which must be answered as they should be. Each kind is a file below.

mod bodies;
mod certificates;
mod grpc;
mod requests;
mod resumed;
mod streams;
mod tally;
mod websocket;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval},
};

use self::tally::Tally;
pub(crate) use self::{
    bodies::{Bodies, Direction},
    certificates::Certificates,
    grpc::Grpc,
    requests::{Requests, Target},
    resumed::Resumed,
    streams::Streams,
    tally::Seen,
    websocket::WebSockets,
};
use crate::fault::{Failure, Fault};

/// What one client of a load does until it is over.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Requests(Requests),
    Streams(Streams),
    Resumed(Resumed),
    Certificates(Certificates),
    Bodies(Bodies),
    WebSockets(WebSockets),
    Grpc(Grpc),
}

/// One kind of load.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    /// What it is counted under.
    pub(crate) name: &'static str,
    pub(crate) clients: usize,
    pub(crate) work: Work,
}

/// A load that runs.
#[derive(Debug)]
pub(crate) struct Load {
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

/// Where a client tells what it sees.
#[derive(Debug, Clone)]
struct Reporter {
    kind: &'static str,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
}

impl From<(&'static str, usize, Work)> for Kind {
    fn from((name, clients, work): (&'static str, usize, Work)) -> Self {
        Self {
            name,
            clients,
            work,
        }
    }
}

impl Load {
    /// Starts.
    pub(crate) fn start(kinds: &[Kind]) -> Self {
        let tally = Arc::new(Tally::new(kinds.iter().map(|kind| kind.name)));
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for kind in kinds {
            let reporter = Reporter {
                kind: kind.name,
                tally: Arc::clone(&tally),
                stop: Arc::clone(&stop),
            };
            for _ in 0..kind.clients {
                tasks.spawn(kind.work.clone().run(reporter.clone()));
            }
        }
        Self { tally, stop, tasks }
    }

    /// What it has seen so far, and since when.
    pub(crate) fn seen(&self) -> (Seen, Duration) {
        (self.tally.seen(), self.tally.elapsed())
    }

    /// Lets what is under way end, and says what was seen.
    pub(crate) async fn stop(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        self.tally.seen()
    }
}

impl Work {
    async fn run(self, reporter: Reporter) {
        match self {
            Self::Requests(work) => work.run(reporter).await,
            Self::Streams(work) => work.run(reporter).await,
            Self::Resumed(work) => work.run(reporter).await,
            Self::Certificates(work) => work.run(reporter).await,
            Self::Bodies(work) => work.run(reporter).await,
            Self::WebSockets(work) => work.run(reporter).await,
            Self::Grpc(work) => work.run(reporter).await,
        }
    }
}

impl Reporter {
    /// Whether more shall be asked for.
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// Counts an answer that began then, or the failure. True if it was right.
    fn report(&self, began: Instant, result: Result<(), Failure>) -> bool {
        match &result {
            Ok(()) => self.tally.answer(self.kind, began.elapsed()),
            // Sent while the goodbye was on its way, and not begun there: it may be sent again.
            Err(failure) if failure.fault == Fault::GivenBack => self.event("given back unserved"),
            Err(failure) => self.tally.fail(self.kind, failure),
        }
        result.is_ok()
    }

    /// Counts something that is neither.
    fn event(&self, what: &'static str) {
        self.tally.event(self.kind, what);
    }
}

/// A tick that is not made up for when it was missed.
fn every(pause: Duration) -> Interval {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
