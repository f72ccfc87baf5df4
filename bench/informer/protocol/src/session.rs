//! One run of a contestant: the lines it prints, the counts behind them, and the signals it answers.

use crate::{histogram::Histogram, memory};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The annotation with the wall-clock time in ns at which an update was sent.
pub const TIMESTAMP: &str = "bench.io/ts";

/// How long a contestant waits between `BASE` and connecting.
const BASE_PAUSE: Duration = Duration::from_secs(1);

/// Counts what the handler sees. Clones share the counts.
#[derive(Debug, Clone)]
pub struct Session {
    counts: Arc<Mutex<Counts>>,
    started: Instant,
}

#[derive(Debug, Default)]
struct Counts {
    added: u64,
    lags: Histogram,
}

impl Session {
    /// Listens for signals, prints `BASE`, waits, and returns with the clock running. Needs a tokio runtime.
    ///
    /// # Errors
    /// Signals cannot be listened for, or stdout is closed.
    pub async fn start() -> io::Result<Self> {
        let counts = Arc::new(Mutex::new(Counts::default()));
        let give_back = signal(SignalKind::user_defined1())?;
        let report = signal(SignalKind::user_defined2())?;
        tokio::spawn(answer(give_back, report, Arc::clone(&counts)));
        say("BASE")?;
        tokio::time::sleep(BASE_PAUSE).await;
        Ok(Self {
            counts,
            started: Instant::now(),
        })
    }

    /// The handler saw an object as new.
    pub fn added(&self) {
        lock(&self.counts).added += 1;
    }

    /// The handler saw a change; `timestamp` is its annotation. One without a time (zero, or no number) is not counted.
    pub fn updated(&self, timestamp: &str) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        if let Some(sent) = timestamp.parse().ok().filter(|&sent| sent > 0) {
            let lag = now.saturating_sub(Duration::from_nanos(sent));
            lock(&self.counts)
                .lags
                .record(u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Prints `SYNCED`: the handler has had every object.
    ///
    /// # Errors
    /// Stdout is closed.
    pub fn synced(&self) -> io::Result<()> {
        let wall = self.started.elapsed().as_secs_f64();
        say(&format!(
            "SYNCED n={} wall={wall:.6}",
            lock(&self.counts).added
        ))
    }

    /// Waits for SIGTERM or SIGINT.
    ///
    /// # Errors
    /// Signals cannot be listened for.
    pub async fn until_stopped(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }
}

/// Answers signals until stdout is closed.
async fn answer(mut give_back: Signal, mut report: Signal, counts: Arc<Mutex<Counts>>) {
    loop {
        let said = tokio::select! {
            _ = give_back.recv() => {
                memory::give_back();
                say("GC")
            }
            _ = report.recv() => say(&lag_line(&counts)),
        };
        if said.is_err() {
            return;
        }
    }
}

fn lag_line(counts: &Mutex<Counts>) -> String {
    let lags = &mut lock(counts).lags;
    let (p50, p99) = (lags.percentile(50), lags.percentile(99));
    let line = format!(
        "LAG n={} p50={p50} p99={p99} max={}",
        lags.count(),
        lags.max()
    );
    lags.clear();
    line
}

fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Counts, Session, lag_line};
    use std::{
        sync::{Arc, Mutex},
        time::{Duration, Instant, SystemTime, UNIX_EPOCH},
    };

    fn session() -> Session {
        Session {
            counts: Arc::new(Mutex::new(Counts::default())),
            started: Instant::now(),
        }
    }

    #[test]
    fn only_real_timestamps_count() {
        let session = session();
        ["", "soon", "-5", "0000000000000000000"]
            .iter()
            .for_each(|bad| session.updated(bad));
        assert_eq!(lag_line(&session.counts), "LAG n=0 p50=0 p99=0 max=0");
    }

    #[test]
    fn lag_is_measured_and_reset() {
        let session = session();
        let sent = SystemTime::now() - Duration::from_secs(2);
        let nanos = sent
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        session.updated(&format!("{nanos:019}"));
        let line = lag_line(&session.counts);
        assert!(
            line.starts_with("LAG n=1 p50=20") || line.starts_with("LAG n=1 p50=2"),
            "{line}"
        );
        assert_eq!(lag_line(&session.counts), "LAG n=0 p50=0 p99=0 max=0");
    }
}
