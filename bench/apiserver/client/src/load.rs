//! Writing: a number of objects, or for some time.

use crate::server::{Connection, Server};
use anyhow::Context as _;
use futures::future::try_join_all;
use informer_bench_protocol::Histogram;
use std::{
    cell::{Cell, RefCell},
    io::{self, Write as _},
    time::{Duration, Instant},
};

/// Writers that fill. Enough for every server to make one wait for the disk do for many writes.
const FILLERS: usize = 32;

/// Creates `count` objects.
pub(crate) async fn fill(server: &Server, count: usize) -> anyhow::Result<()> {
    let connections = connections(server, FILLERS).await?;
    let next = Cell::new(0);
    let began = Instant::now();
    let fillers = connections.iter().map(|connection| async {
        loop {
            let number = next.get();
            if number >= count {
                return anyhow::Ok(());
            }
            next.set(number + 1);
            connection
                .create(&format!("fill-{number}"), number as u64)
                .await?;
        }
    });
    try_join_all(fillers).await?;
    say(&format!(
        "FILLED n={count} seconds={:.3}",
        began.elapsed().as_secs_f64()
    ))
}

/// Creates and replaces by turns until the time is over.
pub(crate) async fn write(server: &Server, writers: usize, time: Duration) -> anyhow::Result<()> {
    let connections = connections(server, writers).await?;
    let latencies = RefCell::new(Histogram::default());
    let began = Instant::now();
    let all = connections.iter().enumerate().map(|(writer, connection)| {
        let latencies = &latencies;
        async move {
            let mut turn = 0;
            while began.elapsed() < time {
                let name = format!("write-{writers}-{writer}-{}", turn / 2);
                let sent = Instant::now();
                if turn % 2 == 0 {
                    connection.create(&name, turn).await?;
                } else {
                    connection.replace(&name, turn).await?;
                }
                latencies.borrow_mut().record(nanoseconds(sent.elapsed()));
                turn += 1;
            }
            anyhow::Ok(())
        }
    });
    try_join_all(all).await?;
    let seconds = began.elapsed().as_secs_f64();
    let latencies = latencies.into_inner();
    say(&format!(
        "WRITTEN n={} seconds={seconds:.3} {}",
        latencies.count(),
        quantiles(&latencies)
    ))
}

async fn connections(server: &Server, count: usize) -> anyhow::Result<Vec<Connection>> {
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let connection = server.connect().await?;
        connection.warm().await.context("connect")?;
        all.push(connection);
    }
    Ok(all)
}

/// In nanoseconds.
pub(crate) fn quantiles(histogram: &Histogram) -> String {
    let (p50, p99) = (histogram.percentile(50), histogram.percentile(99));
    format!("p50={p50} p99={p99} max={}", histogram.max())
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}
