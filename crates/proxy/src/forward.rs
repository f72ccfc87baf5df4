//! Sends a request to an endpoint, again if need be, and its answer to the client.
//!
//! Every try is one exchange on one connection. A try that fails before anything of its answer reached the client may be
//! followed by another, when the request can be sent again: see [`Tries`].

mod arrival;
mod exchange;
mod hedge;
mod mirror;
mod prepare;
mod reply;
mod sticky;
mod tries;
mod tunnel;
mod upload;
mod way;

use std::time::Instant;

use tidegate_balance::{Outcome, PickRequest};

use self::{
    exchange::Try,
    tries::{Failed, Tries},
};
use crate::{
    client::Client,
    clock::Deadline,
    decide::Plan,
    failure::Failure,
    handle::{Next, Origin},
    journey::Journey,
    upstream::{Chosen, Endpoint, Need, Way},
};

/// Forwards a request as planned. Owns every retry.
pub(crate) async fn forward(
    origin: &Origin<'_>,
    client: &mut Client<'_>,
    plan: &Plan<'_>,
    journey: &mut Journey<'_>,
) -> Result<Next, Failure> {
    plan.cluster.enter().map_err(|_full| Failure::Overloaded)?;
    let clock = &origin.worker.clock;
    let overall = plan
        .rule
        .timeouts
        .request
        .map_or(Deadline::NEVER, |time| clock.after(time));
    prepare::fields(origin, client, plan, journey);
    let mut tries = Tries::new(plan.rule.retry.as_deref(), overall);
    let mirrors = mirror::prepare(client, plan).and_then(|mirrors| mirrors.send_bodiless(origin));
    tries.mirrors = mirrors.is_some();
    let result = try_all(origin, client, plan, &mut tries, journey).await;
    plan.cluster.leave();
    if let Some(mirrors) = mirrors
        && client.side.body_ended()
        && let Some(body) = tries.into_body()
    {
        mirrors.send(origin, &body);
    }
    result
}

async fn try_all(
    origin: &Origin<'_>,
    client: &mut Client<'_>,
    plan: &Plan<'_>,
    tries: &mut Tries<'_>,
    journey: &mut Journey<'_>,
) -> Result<Next, Failure> {
    let clock = &origin.worker.clock;
    let hash = sticky::hash(client, plan, journey);
    let mut at = journey.began;
    loop {
        if plan.cluster.waits() {
            let (worker, timer) = (origin.worker, origin.timer);
            let settled = Box::pin(worker.clusters.settle(worker, timer, &plan.cluster)).await;
            settled.map_err(|_elapsed| Failure::ConnectTimeout)?;
        }
        let pick = PickRequest {
            hash,
            tried: tries.tried(),
            random: origin.worker.ids.random(),
        };
        let now = clock.nanoseconds(at);
        let chosen = plan.cluster.choose(&pick, now);
        let chosen = chosen.ok_or_else(|| plan.cluster.nobody())?;
        let result = attempt(origin, client, plan, &chosen, tries, journey).await;
        let outcome = match &result {
            Ok(_) if journey.status >= 500 => Outcome::Failure,
            Ok(_) => Outcome::Success,
            Err(failed) => failed.outcome(),
        };
        let answered = journey.take_answered();
        let (chosen, now) = match tries.second.take() {
            None => (chosen, now),
            Some(second) => {
                // It was broken off.
                plan.cluster.finish(&chosen, Outcome::Unknown, None, now);
                plan.cluster.leave();
                (second.chosen, second.began_ns)
            }
        };
        let latency = answered.map(|at| clock.nanoseconds(at).saturating_sub(now));
        let ended = clock.coarse_ns().max(now + latency.unwrap_or(0));
        plan.cluster.finish(&chosen, outcome, latency, ended);
        match result {
            Ok(next) => return Ok(next),
            Err(failed) => Box::pin(tries.again(origin, client, plan, &chosen, failed)).await?,
        }
        at = Instant::now();
    }
}

/// One try at one endpoint.
async fn attempt(
    origin: &Origin<'_>,
    client: &mut Client<'_>,
    plan: &Plan<'_>,
    chosen: &Chosen,
    tries: &mut Tries<'_>,
    journey: &mut Journey<'_>,
) -> Result<Next, Failed> {
    let clock = &origin.worker.clock;
    let deadline = plan
        .rule
        .timeouts
        .backend_request
        .map_or(tries.overall, |time| clock.after(time).min(tries.overall));
    journey.tries += 1;
    let need = Need {
        upgrade: client.head.upgrade.is_some(),
        surely: !client.head.method.is_idempotent(),
        client: Some(origin.connection),
    };
    let way = match plan.cluster.kept(origin.worker, &chosen.endpoint, need) {
        Some(way) => way,
        None => open(origin, plan, &chosen.endpoint, need, deadline).await?,
    };
    journey.endpoint = Some(way.address());
    let this = Try {
        plan,
        chosen,
        deadline,
    };
    exchange::run(origin, client, this, way, tries, journey).await
}

/// A new way to the endpoint.
async fn open(
    origin: &Origin<'_>,
    plan: &Plan<'_>,
    endpoint: &Endpoint,
    need: Need<'_>,
    deadline: Deadline,
) -> Result<Way, Failed> {
    let (worker, timer) = (origin.worker, origin.timer);
    // Rare and large: kept out of the task of every connection.
    let opening = Box::pin(plan.cluster.open(worker, timer, endpoint, need));
    match worker.clock.limit(timer, deadline, opening).await {
        Ok(Ok(way)) => Ok(way),
        Ok(Err(error)) => Err(Failed::from(Failure::from(error))),
        Err(_elapsed) => Err(Failed::from(Failure::Timeout)),
    }
}
