//! The loop of the thread that probes, and the tasks of its endpoints.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tidegate_routing::Snapshot;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{sleep, timeout},
};

use super::{
    board::{Board, News, Target},
    lock,
    probe::{ProbeError, Prober},
};
use crate::{ids::Ids, names::Known, tls::TlsError, worker::Command};

/// Probes under way at once; others wait.
const PROBES_MAX: usize = 256;
/// Snapshots and answers may come by the thousand; each snapshot is looked through for checks.
const PAUSE: Duration = Duration::from_millis(100);

/// How a probe ended.
type Ended = (Arc<Target>, Result<(), String>);

/// Until nobody sends snapshots any more.
pub(super) async fn run(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    mut known: watch::Receiver<Known>,
    board: &Mutex<Board>,
    workers: &[mpsc::UnboundedSender<Command>],
) {
    let places = Arc::new(Semaphore::new(PROBES_MAX));
    // Bounded by the tasks: each waits before it probes again.
    let (ended, mut ending) = mpsc::unbounded_channel::<Ended>();
    let start = |target: Arc<Target>| {
        let prober = Prober::new(&target);
        tokio::spawn(watch_one(target, prober, ended.clone(), places.clone())).abort_handle()
    };
    let follow = |snapshot: &Snapshot, known: &Known| {
        let news = lock(board).follow(snapshot, known, start);
        tell(workers, news);
    };
    loop {
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            Ok(()) = known.changed() => {}
            Some((target, result)) = ending.recv() => {
                let news = lock(board).observe(&target, result);
                tell(workers, news);
                continue;
            }
        };
        let snapshot = snapshots.borrow_and_update().clone();
        let known = known.borrow_and_update().clone();
        follow(&snapshot, &known);
        sleep(PAUSE).await;
    }
}

fn tell(workers: &[mpsc::UnboundedSender<Command>], news: Option<News>) {
    let Some(News { unhealthy, changed }) = news else {
        return;
    };
    let changed: Arc<[_]> = changed.into();
    for worker in workers {
        // One that has ended needs no news.
        let _ = worker.send(Command::Health {
            unhealthy: unhealthy.clone(),
            changed: changed.clone(),
        });
    }
}

/// Probes one endpoint for ever.
async fn watch_one(
    target: Arc<Target>,
    prober: Result<Prober, TlsError>,
    ended: mpsc::UnboundedSender<Ended>,
    places: Arc<Semaphore>,
) {
    let ids = Ids::new();
    let interval = target.check.interval;
    // Many that begin at once shall not all be asked at once.
    sleep(interval.mul_f64(0.1 * fraction(&ids))).await;
    loop {
        let result = match &prober {
            Err(error) => Err(error.to_string()),
            Ok(prober) => {
                let Ok(_place) = places.acquire().await else {
                    return;
                };
                let within = timeout(target.check.timeout, prober.probe(&target)).await;
                let result = within.unwrap_or(Err(ProbeError::Timeout));
                result.map_err(|error| error.to_string())
            }
        };
        if ended.send((target.clone(), result)).is_err() {
            return;
        }
        sleep(interval.mul_f64(0.9 + 0.2 * fraction(&ids))).await;
    }
}

/// From 0 to 1.
fn fraction(ids: &Ids) -> f64 {
    f64::from((ids.random() >> 32) as u32) / f64::from(u32::MAX)
}
