//! Hedging: where an answer is late, another endpoint is asked, too. The first good answer is passed on, and the other try
//! is broken off: its stream is reset, or its connection closed.
//!
//! Only for clusters that want it, and requests that may be repeated and have gone up whole. A second try is a retry as
//! far as the cluster's budget is concerned, and a request of its own for its breakers.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use tidegate_balance::{Outcome, PickRequest};
use tidegate_http::{Framing, RequestHead, ResponseHead};

use super::{
    arrival::Arrival,
    exchange::{Arrived, Exchange, INTERIM_MAX, Try, silences},
    tries::Tries,
    upload::Upload,
};
use crate::{
    body::Body,
    buffer::Buffer,
    clock::Deadline,
    failure::Failure,
    handle::Origin,
    journey::Journey,
    pump::{Pump, Source},
    record::Hedge,
    upstream::{Chosen, Need, Way},
};

/// The second try: under way, or that it was the one that counts.
#[derive(Debug)]
pub(super) struct Second {
    pub(super) chosen: Chosen,
    pub(super) began_ns: u64,
}

/// An answer whose head is here.
pub(super) struct Answered {
    pub(super) way: Way,
    pub(super) head: ResponseHead,
    /// Of the whole try.
    pub(super) deadline: Deadline,
}

/// Which try counts.
pub(super) enum Winner {
    First(Result<Arrived, Failure>),
    Second(Box<Answered>),
}

/// How long the first try of this request is waited for alone. `None`: until it ends.
pub(super) fn delay(head: &RequestHead, this: &Try<'_, '_>, tries: &Tries<'_>) -> Option<Duration> {
    let hedging = this.plan.cluster.hedging()?;
    let repeatable = head.method.is_idempotent() && head.upgrade.is_none();
    (repeatable && tries.is_first()).then_some(hedging.delay)
}

/// Asks another endpoint, if there is one, all that there is of the body is at hand, and the cluster can bear it.
pub(super) async fn race(
    origin: &Origin<'_>,
    head: &RequestHead,
    this: &Try<'_, '_>,
    exchange: &mut Exchange<'_>,
    tries: &mut Tries<'_>,
    journey: &mut Journey<'_>,
) -> Winner {
    let body = exchange.upload.pump.whole().map(<[u8]>::to_vec);
    let Some((body, second)) = body.and_then(|body| Some((body, begin(origin, this, tries)?)))
    else {
        return Winner::First(exchange.await_answer(None).await);
    };
    journey.tries += 1;
    journey.hedge = Some(Hedge::Lost);
    let overall = tries.overall;
    let asking = ask(origin, head, this, &second.chosen, body, overall);
    let is_good = |status| status < 500 && !tries.wants(status);
    let (winner, outcome) = first_good(exchange.await_answer(None), asking, is_good).await;
    match &winner {
        Winner::Second(_) => {
            journey.hedge = Some(Hedge::Won);
            tries.second = Some(second);
        }
        Winner::First(_) => {
            let now = origin.worker.clock.coarse_ns();
            let cluster = &this.plan.cluster;
            cluster.finish(&second.chosen, outcome, None, now);
            cluster.leave();
        }
    }
    winner
}

/// Chooses the other endpoint, and counts the try.
fn begin(origin: &Origin<'_>, this: &Try<'_, '_>, tries: &mut Tries<'_>) -> Option<Second> {
    let cluster = &this.plan.cluster;
    let began_ns = origin.worker.clock.nanoseconds(Instant::now());
    tries.tried.push(this.chosen.id);
    let pick = PickRequest {
        hash: None,
        tried: tries.tried(),
        random: origin.worker.ids.random(),
    };
    let chosen = cluster.choose(&pick, began_ns)?;
    if chosen.id == this.chosen.id || !cluster.enter_again(began_ns) {
        cluster.finish(&chosen, Outcome::Unknown, None, began_ns);
        return None;
    }
    Some(Second { chosen, began_ns })
}

/// The winner, and what the second try's loss says about its endpoint.
async fn first_good(
    first: impl Future<Output = Result<Arrived, Failure>>,
    second: impl Future<Output = Result<Answered, Failure>>,
    is_good: impl Fn(u16) -> bool,
) -> (Winner, Outcome) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut ended, mut lost) = (None, None);
    poll_fn(|cx| {
        if ended.is_none()
            && let Poll::Ready(result) = first.as_mut().poll(cx)
        {
            let decides = match &result {
                Ok(Arrived::Head(status)) => is_good(*status),
                Ok(Arrived::Late) => false,
                Err(failure) => !failure.before_answer(),
            };
            if decides || lost.is_some() {
                let outcome = lost.unwrap_or(Outcome::Unknown);
                return Poll::Ready((Winner::First(result), outcome));
            }
            ended = Some(result);
        }
        if lost.is_none()
            && let Poll::Ready(result) = second.as_mut().poll(cx)
        {
            let outcome = match result {
                Ok(answered) if is_good(answered.head.status) => {
                    let won = Winner::Second(Box::new(answered));
                    return Poll::Ready((won, Outcome::Unknown));
                }
                Ok(answered) if answered.head.status < 500 => Outcome::Success,
                Ok(_bad) => Outcome::Failure,
                Err(failure) => failure.outcome(),
            };
            lost = Some(outcome);
            if let Some(result) = ended.take() {
                return Poll::Ready((Winner::First(result), outcome));
            }
        }
        Poll::Pending
    })
    .await
}

/// One whole try up to the answer's head.
async fn ask(
    origin: &Origin<'_>,
    head: &RequestHead,
    this: &Try<'_, '_>,
    chosen: &Chosen,
    body: Vec<u8>,
    overall: Deadline,
) -> Result<Answered, Failure> {
    let (worker, timer, plan) = (origin.worker, origin.timer, this.plan);
    let deadline = this.deadline_from_now(origin, overall);
    let need = Need {
        upgrade: false,
        // There is no third try.
        surely: true,
        client: Some(origin.connection),
    };
    let kept = plan.cluster.kept(worker, &chosen.endpoint, need);
    let mut way = match kept {
        Some(way) => way,
        None => {
            let opening = plan.cluster.open(worker, timer, &chosen.endpoint, need);
            let opened = worker.clock.limit(timer, deadline, opening).await;
            opened.map_err(|_elapsed| Failure::Timeout)??
        }
    };
    let mut up = Vec::new();
    let mut answer = ResponseHead::new();
    let (sink, from) = way.begin(head, plan, &mut up)?;
    let limits = worker.limits();
    let (pauses, patience) = silences(head, limits);
    let mut kept = Body::new(Framing::Length(body.len() as u64));
    let mut buffer = Buffer::holding(body);
    let source = Source::Kept {
        buffer: &mut buffer,
        body: &mut kept,
    };
    let mut upload = Upload::new(Pump::new(source, sink, pauses), false);
    let mut arrival = Arrival::new(from, head, limits, &mut answer);
    let patience = worker.clock.after(patience).min(deadline);
    await_head(origin, &mut upload, &mut arrival, patience).await?;
    match upload.pump.is_done() {
        true => Ok(Answered {
            way,
            head: answer,
            deadline,
        }),
        // It does not want all of it, and can't be given the rest any more.
        false => Err(Failure::UpstreamReset),
    }
}

/// What is said before the answer is not passed on: the first try may have said it, too.
async fn await_head(
    origin: &Origin<'_>,
    upload: &mut Upload<'_>,
    arrival: &mut Arrival<'_>,
    deadline: Deadline,
) -> Result<(), Failure> {
    let (clock, timer) = (&origin.worker.clock, origin.timer);
    for _ in 0..INTERIM_MAX {
        poll_fn(|cx| {
            upload.poll(origin, cx)?;
            if let Poll::Ready(result) = arrival.poll(origin.worker, cx) {
                return Poll::Ready(result);
            }
            clock
                .poll_passed(timer, deadline, cx)
                .map(|()| Err(Failure::Timeout))
        })
        .await?;
        if !arrival.head.is_informational() {
            return Ok(());
        }
    }
    Err(Failure::BadAnswer)
}
