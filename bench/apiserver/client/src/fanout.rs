//! Many watchers of one collection, and one change after the other.
//!
//! The next change is made when every watcher has the one before: what is measured is the way of one change to all,
//! not a queue. The client takes its share of the machine, the same for every server; the server's is taken by the
//! runner, between `WATCHING` and `CHANGED`.

use crate::{
    load::{nanoseconds, quantiles, say},
    server::{Server, version_of},
};
use anyhow::{Context as _, bail};
use informer_bench_protocol::Histogram;
use std::time::{Duration, Instant};
use tidegate_client::Response;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// The object that changes.
const NAME: &str = "fanout";
/// No change takes longer, or the run has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(
    server: &Server,
    watchers: usize,
    changes: usize,
    pause: Duration,
) -> anyhow::Result<()> {
    let mut begin = signal(SignalKind::user_defined1())?;
    let writer = server.connect().await?;
    let version = version_of(&writer.create(NAME, 0).await?)?;
    let (seen, mut arrivals) = mpsc::unbounded_channel();
    for _ in 0..watchers {
        let connection = server.connect().await?;
        let stream = connection.watch(&version).await?;
        let seen = seen.clone();
        tokio::spawn(async move {
            // The connection lives as long as its watch.
            let _connection = connection;
            let ended = follow(stream, &seen).await;
            let _ = seen.send(Err(ended));
        });
    }
    say(&format!("WATCHING n={watchers}"))?;
    begin.recv().await.context("wait for the signal")?;
    let (mut to_last, mut to_answer) = (Histogram::default(), Histogram::default());
    for turn in 1..=changes {
        tokio::time::sleep(pause).await;
        let sent = Instant::now();
        let replace = async {
            writer.replace(NAME, turn as u64).await?;
            anyhow::Ok(sent.elapsed())
        };
        let (answered, last) = tokio::try_join!(replace, all_arrive(&mut arrivals, watchers))?;
        to_answer.record(nanoseconds(answered));
        to_last.record(nanoseconds(last.saturating_duration_since(sent)));
    }
    let answers = to_answer.percentile(50);
    say(&format!(
        "CHANGED n={changes} {} answer_p50={answers}",
        quantiles(&to_last)
    ))
}

/// Waits until each watcher has had one event; yields when the last one came.
async fn all_arrive(
    arrivals: &mut mpsc::UnboundedReceiver<anyhow::Result<Instant>>,
    watchers: usize,
) -> anyhow::Result<Instant> {
    let all = async {
        let mut last = None;
        for _ in 0..watchers {
            let arrived = arrivals.recv().await.context("no watcher is left")??;
            last = last.max(Some(arrived));
        }
        last.context("there are no watchers")
    };
    tokio::time::timeout(PATIENCE, all)
        .await
        .context("a watcher missed a change")?
}

/// Reports the arrival of each event; yields why the stream ended.
async fn follow(
    mut stream: Response,
    seen: &mpsc::UnboundedSender<anyhow::Result<Instant>>,
) -> anyhow::Error {
    let mut events = async || loop {
        let Some(chunk) = stream.chunk().await.transpose()? else {
            bail!("a watch ended");
        };
        let now = Instant::now();
        for _ in memchr::memchr_iter(b'\n', &chunk) {
            seen.send(Ok(now))?;
        }
    };
    match events().await {
        Ok(()) => anyhow::anyhow!("a watch ended"),
        Err(error) => error,
    }
}
