//! After a 101: bytes both ways until both sides have ended, or neither says anything for too long. Where the worker ends
//! all tunnels, both sides are told that nothing more will come.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use crate::{
    failure::Failure,
    handle::Origin,
    journey::Journey,
    pump::{Pauses, Pump},
};

/// One direction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// All is written; the other side has yet to be told.
    Closing,
    Closed,
}

/// Runs until both directions have ended. `down` begins with the head of the 101.
pub(super) async fn run(
    origin: &Origin<'_>,
    up: &mut Pump<'_>,
    down: &mut Pump<'_>,
    journey: &mut Journey<'_>,
) -> Result<(), Failure> {
    let limits = origin.worker.limits();
    let pauses = Pauses {
        read: limits.tunnel_timeout,
        write: limits.write_timeout,
    };
    up.become_raw(pauses);
    let (mut upward, mut downward) = (Way::Open, Way::Open);
    let result = poll_fn(|cx| {
        step(origin, up, &mut upward, cx)?;
        step(origin, down, &mut downward, cx)?;
        match (upward, downward) {
            (Way::Closed, Way::Closed) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    })
    .await;
    journey.request_bytes = up.bytes;
    journey.answer_bytes = down.bytes;
    result
}

fn step(
    origin: &Origin<'_>,
    pump: &mut Pump<'_>,
    way: &mut Way,
    cx: &mut Context<'_>,
) -> Result<(), Failure> {
    if *way == Way::Open {
        match pump.poll(origin.worker, origin.timer, cx) {
            Poll::Pending if origin.worker.tunnels_end.get() && pump.is_idle() => {
                *way = Way::Closing;
            }
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(())) => *way = Way::Closing,
            Poll::Ready(Err(_broken)) => return Err(Failure::Truncated),
        }
    }
    if *way == Way::Closing && pump.poll_shutdown(cx).is_ready() {
        *way = Way::Closed;
    }
    Ok(())
}
