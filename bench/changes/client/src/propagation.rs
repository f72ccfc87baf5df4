//! Times a change from the API server's acknowledgement to the first right answer.
//!
//! Between the two, only 404 is allowed: anything else is counted as an error.

use std::{net::SocketAddr, time::Duration};

use anyhow::bail;
use tokio::time::{Instant, timeout};

use crate::{api::Api, exchange::Exchange, objects};

/// A route that isn't served by then never will be.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    pub namespace: String,
    pub gateway: String,
    /// Where the Gateway answers.
    pub address: SocketAddr,
    pub backend: String,
    /// Routes that are there before.
    pub present: usize,
    /// Routes that are added one by one and timed.
    pub added: usize,
}

/// What was measured, in microseconds, sorted.
#[derive(Debug, Clone)]
pub struct Times {
    /// From the acknowledgement to the first 200.
    pub served_us: Vec<u64>,
    /// From sending the object to its acknowledgement.
    pub written_us: Vec<u64>,
    /// Answers that were neither 404 nor 200.
    pub errors: u64,
}

impl Times {
    /// A share of the sorted times is at most this.
    pub fn at(sorted: &[u64], share: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
        sorted.get(index).copied().unwrap_or(0)
    }
}

/// Puts the routes there that must be there before, and waits for the last one.
pub async fn prepare(api: &Api, options: &Options) -> anyhow::Result<()> {
    for index in 0..options.present {
        api.create(&route(options, "present", index)).await?;
    }
    let mut exchange = Exchange::connect(options.address).await?;
    if options.present > 0 {
        until_served(
            &mut exchange,
            &host("present", options.present - 1),
            options.address,
        )
        .await?;
    }
    Ok(())
}

/// Adds routes one by one.
pub async fn measure(api: &Api, options: &Options) -> anyhow::Result<Times> {
    let mut times = Times {
        served_us: Vec::new(),
        written_us: Vec::new(),
        errors: 0,
    };
    let mut exchange = Exchange::connect(options.address).await?;
    for index in 0..options.added {
        let route = route(options, "added", index);
        let sent = Instant::now();
        api.create(&route).await?;
        let acknowledged = Instant::now();
        times.errors += until_served(&mut exchange, &host("added", index), options.address).await?;
        times.served_us.push(microseconds(acknowledged.elapsed()));
        times.written_us.push(microseconds(acknowledged - sent));
    }
    times.served_us.sort_unstable();
    times.written_us.sort_unstable();
    Ok(times)
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn host(set: &str, index: usize) -> String {
    format!("{set}-{index}.example.com")
}

fn route(options: &Options, set: &str, index: usize) -> serde_json::Value {
    let name = format!("{set}-{index}");
    objects::route(
        &options.namespace,
        &name,
        &options.gateway,
        &host(set, index),
        &options.backend,
    )
}

/// Asks until the answer is 200; how many answers on the way were no 404.
async fn until_served(
    exchange: &mut Exchange,
    host: &str,
    address: SocketAddr,
) -> anyhow::Result<u64> {
    let mut errors = 0;
    let asked = timeout(PATIENCE, async {
        loop {
            let answer = match exchange.get(host, "/").await {
                Ok(answer) => answer,
                Err(_) => {
                    errors += 1;
                    *exchange = Exchange::connect(address).await?;
                    continue;
                }
            };
            match answer.status {
                200 => return anyhow::Ok(()),
                404 => {}
                _ => errors += 1,
            }
            if answer.close {
                *exchange = Exchange::connect(address).await?;
            }
        }
    });
    match asked.await {
        Ok(served) => served.map(|()| errors),
        Err(_) => bail!("{host} is not served after {PATIENCE:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn shares_of_sorted_times() {
        let times: Vec<u64> = (1..=100).collect();
        let found: Vec<u64> = [0.5, 0.99, 1.0]
            .iter()
            .map(|share| Times::at(&times, *share))
            .collect();
        assert_eq!(found, [50, 99, 100]);
        assert_eq!(Times::at(&[], 0.5), 0);
    }
}
