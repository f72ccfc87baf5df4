//! Times a change from the API server's acknowledgement to the first right answer.
//!
//! Between the two, only 404 is allowed: anything else is counted as an error.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::bail;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    api::{Api, Watch},
    exchange::{Ask, Exchange},
    objects,
    stage::{BACKENDS, Stage, host},
};

/// A route that isn't served by then never will be.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is measured, and what is enough.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Routes that are there before.
    pub present: usize,
    /// Routes that are added one by one.
    pub added: usize,
    /// Half of them must be served within so many milliseconds, where this is given.
    pub p50_ms: Option<f64>,
    /// 99 of 100 must.
    pub p99_ms: Option<f64>,
}

/// What was measured, in microseconds, sorted.
#[derive(Debug, Clone, Default)]
struct Times {
    /// From the acknowledgement to the first 200.
    served_us: Vec<u64>,
    /// From the acknowledgement to its event in a watch of this program, as any client has it; what it takes is no
    /// gateway's affair.
    watched_us: Vec<u64>,
    /// From sending the object to its acknowledgement.
    written_us: Vec<u64>,
    /// Answers that were neither 404 nor 200.
    errors: u64,
}

/// When the watch has told of a route.
type Told = Arc<Mutex<HashMap<String, Instant>>>;

/// Adds routes where many are, and times each. What was seen, and whether all is well.
pub async fn run(stage: &Stage, api: &Api, plan: Plan) -> anyhow::Result<(Value, bool)> {
    let Plan { present, added, .. } = plan;
    prepare(stage, api, present).await?;
    let times = measure(stage, api, added).await?;
    let shares = |sorted: &[u64]| {
        let share = |share| Times::at(sorted, share);
        json!({"p50": share(0.5), "p90": share(0.9), "p99": share(0.99), "max": share(1.0)})
    };
    let too_slow = plan.too_slow(&times.served_us);
    let told = json!({"present": present, "added": added, "errors": times.errors, "too_slow": too_slow,
        "served_us": shares(&times.served_us), "watched_us": shares(&times.watched_us),
        "written_us": shares(&times.written_us)});
    Ok((told, times.errors == 0 && too_slow.is_empty()))
}

impl Plan {
    /// Which limits are exceeded.
    fn too_slow(&self, served_us: &[u64]) -> Vec<String> {
        let limits = [("p50", 0.5, self.p50_ms), ("p99", 0.99, self.p99_ms)];
        let exceeded = limits.into_iter().filter_map(|(name, share, limit_ms)| {
            let limit = Duration::try_from_secs_f64(limit_ms? / 1000.0).ok()?;
            let found = Duration::from_micros(Times::at(served_us, share));
            (found > limit).then(|| format!("{name} is {found:?}, more than {limit:?}"))
        });
        exceeded.collect()
    }
}

impl Times {
    /// A share of the sorted times is at most this.
    fn at(sorted: &[u64], share: f64) -> u64 {
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
async fn prepare(stage: &Stage, api: &Api, present: usize) -> anyhow::Result<()> {
    for index in 0..present {
        api.create(&route(stage, &format!("present-{index}")))
            .await?;
    }
    let mut exchange = Exchange::clear(stage.address).await?;
    if let Some(last) = present.checked_sub(1) {
        let name = format!("present-{last}");
        until_served(&mut exchange, &host(&name), stage.address).await?;
    }
    Ok(())
}

/// Adds routes one by one.
async fn measure(stage: &Stage, api: &Api, added: usize) -> anyhow::Result<Times> {
    let mut times = Times::default();
    let told = Told::default();
    let watch = api.watch(&route(stage, "any")).await?;
    let watching = tokio::spawn(note(watch, Arc::clone(&told)));
    let mut exchange = Exchange::clear(stage.address).await?;
    for index in 0..added {
        let name = format!("added-{index}");
        let route = route(stage, &name);
        let sent = Instant::now();
        api.create(&route).await?;
        let acknowledged = Instant::now();
        times.errors += until_served(&mut exchange, &host(&name), stage.address).await?;
        times.served_us.push(microseconds(acknowledged.elapsed()));
        times.written_us.push(microseconds(acknowledged - sent));
        let watched = until_told(&told, &name).await?;
        // It may be here before the acknowledgement is.
        let after = watched.saturating_duration_since(acknowledged);
        times.watched_us.push(microseconds(after));
    }
    watching.abort();
    for sorted in [
        &mut times.served_us,
        &mut times.watched_us,
        &mut times.written_us,
    ] {
        sorted.sort_unstable();
    }
    Ok(times)
}

/// Notes when each route is told of.
async fn note(mut watch: Watch, told: Told) -> anyhow::Result<()> {
    while let Some(event) = watch.next().await? {
        let now = Instant::now();
        if event["type"] == "ADDED"
            && let Some(name) = event["object"]["metadata"]["name"].as_str()
            && let Ok(mut told) = told.lock()
        {
            told.insert(name.to_owned(), now);
        }
    }
    bail!("the watch ended")
}

async fn until_told(told: &Told, name: &str) -> anyhow::Result<Instant> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let at = told.lock().ok().and_then(|told| told.get(name).copied());
        if let Some(at) = at {
            return Ok(at);
        }
        if Instant::now() > deadline {
            bail!("the watch doesn't tell of {name}");
        }
        sleep(Duration::from_millis(1)).await;
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn route(stage: &Stage, name: &str) -> Value {
    let place = &stage.place;
    objects::route(
        &place.namespace,
        name,
        &place.gateway,
        &host(name),
        BACKENDS[0],
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
            let answer = match exchange.send(&Ask::get(host, "/")).await {
                Ok(answer) => answer,
                Err(_) => {
                    errors += 1;
                    *exchange = Exchange::clear(address).await?;
                    continue;
                }
            };
            match answer.status {
                200 => return anyhow::Ok(()),
                404 => {}
                _ => errors += 1,
            }
            if answer.close {
                *exchange = Exchange::clear(address).await?;
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
    use super::{Plan, Times};

    #[test]
    fn limits_hold_or_are_told() {
        let times: Vec<u64> = (1..=100).map(|turn| turn * 100).collect();
        for (p50_ms, p99_ms, expect) in [
            (None, None, ""),
            (Some(5.0), Some(9.9), ""),
            (Some(4.9), None, "p50 is 5ms, more than 4.9ms"),
            (Some(5.0), Some(1.0), "p99 is 9.9ms, more than 1ms"),
        ] {
            let plan = Plan {
                present: 0,
                added: 100,
                p50_ms,
                p99_ms,
            };
            assert_eq!(plan.too_slow(&times).join("; "), expect);
        }
    }

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
