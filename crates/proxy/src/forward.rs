//! Sends a request to an endpoint, again if need be, and its answer to the client.
//!
//! Every try is one exchange on one connection. A try that fails before anything of its answer reached the client may be
//! followed by another, when the request can be sent again: see [`Tries`].

mod exchange;
mod mirror;
mod prepare;
mod reply;
mod sticky;
mod tries;
mod tunnel;
mod way;

use std::{rc::Rc, time::Instant};

use tidegate_balance::{Outcome, PickRequest};

use self::{
    exchange::Try,
    tries::{Failed, Tries},
    way::Way,
};
use crate::{
    client::Client,
    clock::{Deadline, Elapsed},
    decide::Plan,
    failure::Failure,
    handle::{Next, Origin},
    journey::Journey,
    upstream::{ConnectError, Endpoint},
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
        let result = attempt(origin, client, plan, &chosen.endpoint, tries, journey).await;
        let outcome = match &result {
            Ok(_) if journey.status >= 500 => Outcome::Failure,
            Ok(_) => Outcome::Success,
            Err(failed) => failed.outcome(),
        };
        let answered = journey.take_answered();
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
    endpoint: &Rc<Endpoint>,
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
    let way = match plan.cluster.speaks_h2() {
        true => open_stream(origin, plan, endpoint, deadline).await?,
        false => {
            let surely = !client.head.method.is_idempotent();
            open(origin, plan, endpoint, surely, deadline).await?
        }
    };
    journey.endpoint = Some(way.address());
    let this = Try {
        plan,
        endpoint,
        deadline,
    };
    exchange::run(origin, client, this, way, tries, journey).await
}

/// A connection: kept from an earlier exchange, or new.
async fn open(
    origin: &Origin<'_>,
    plan: &Plan<'_>,
    endpoint: &Rc<Endpoint>,
    surely: bool,
    deadline: Deadline,
) -> Result<Way, Failed> {
    let (worker, timer) = (origin.worker, origin.timer);
    if let Some(link) = endpoint.take(&worker.clock, surely) {
        return Ok(Way::Wire(link));
    }
    // Rare and large: kept out of the task of every connection.
    let client = Some(origin.connection);
    let connecting = Box::pin(plan.cluster.connect(worker, timer, endpoint, client));
    let result = worker.clock.limit(timer, deadline, connecting).await;
    opened(result).map(Way::Wire)
}

/// A place on a connection of HTTP/2.
async fn open_stream(
    origin: &Origin<'_>,
    plan: &Plan<'_>,
    endpoint: &Rc<Endpoint>,
    deadline: Deadline,
) -> Result<Way, Failed> {
    let (worker, timer) = (origin.worker, origin.timer);
    if let Some(slot) = endpoint.shares.pick(worker) {
        return Ok(Way::Stream(slot));
    }
    let connecting = Box::pin(plan.cluster.open_stream(worker, timer, endpoint));
    let result = worker.clock.limit(timer, deadline, connecting).await;
    opened(result).map(Way::Stream)
}

fn opened<T>(result: Result<Result<T, ConnectError>, Elapsed>) -> Result<T, Failed> {
    match result {
        Ok(Ok(way)) => Ok(way),
        Ok(Err(error)) => Err(Failed::from(Failure::from(error))),
        Err(_elapsed) => Err(Failed::from(Failure::Timeout)),
    }
}
