//! Sends a request to an endpoint, again if need be, and its answer to the client.
//!
//! Every try is one exchange on one connection. A try that fails before anything of its answer reached the client may be
//! followed by another, when the request can be sent again: see [`Tries`].

mod exchange;
mod prepare;
mod reply;
mod tries;
mod tunnel;

use std::rc::Rc;

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
    upstream::{Endpoint, Link},
};

/// Forwards a request as planned. Owns every retry.
pub(crate) async fn forward(
    origin: &Origin<'_>,
    client: &mut Client<'_>,
    plan: &Plan<'_>,
    journey: &mut Journey<'_>,
) -> Result<Next, Failure> {
    let clock = &origin.worker.clock;
    let overall = plan
        .rule
        .timeouts
        .request
        .map_or(Deadline::NEVER, |time| clock.after(time));
    prepare::fields(origin, client, plan, journey);
    let mut tries = Tries::new(plan.rule.retry.as_ref(), overall);
    loop {
        let endpoint = plan
            .cluster
            .choose(tries.tried())
            .ok_or(Failure::NoEndpoint)?;
        let failed = match attempt(origin, client, plan, &endpoint, &mut tries, journey).await {
            Ok(next) => return Ok(next),
            Err(failed) => failed,
        };
        tries.again(origin, client, endpoint, failed).await?;
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
    let _active = endpoint.enter();
    let clock = &origin.worker.clock;
    let deadline = plan
        .rule
        .timeouts
        .backend_request
        .map_or(tries.overall, |time| clock.after(time).min(tries.overall));
    let link = open(origin, plan, endpoint, deadline).await?;
    journey.tries += 1;
    journey.endpoint = Some(link.address);
    prepare::head(client, plan, &link);
    let this = Try {
        plan,
        endpoint,
        deadline,
    };
    exchange::run(origin, client, this, link, tries, journey).await
}

/// A connection: kept from an earlier exchange, or new.
async fn open(
    origin: &Origin<'_>,
    plan: &Plan<'_>,
    endpoint: &Rc<Endpoint>,
    deadline: Deadline,
) -> Result<Link, Failed> {
    let worker = origin.worker;
    if let Some(link) = endpoint.take(&worker.clock) {
        return Ok(link);
    }
    let timer = &origin.connection.timer;
    let connecting = plan.cluster.connect(worker, timer, endpoint);
    match worker.clock.limit(timer, deadline, connecting).await {
        Ok(Ok(link)) => Ok(link),
        Ok(Err(error)) => Err(Failed::from(Failure::from(error))),
        Err(_elapsed) => Err(Failed::from(Failure::Timeout)),
    }
}
