//! The body of a request on its way up, while the client is watched.

use std::task::{Context, Poll};

use crate::{
    failure::Failure,
    handle::Origin,
    pump::{Pump, PumpError},
};

/// The request on its way up.
pub(super) struct Upload<'a> {
    pub(super) pump: Pump<'a>,
    /// The upstream takes no more of it. Its answer may still come.
    pub(super) refused: bool,
    /// Whether to notice that the client goes away.
    pub(super) watches: bool,
}

impl<'a> Upload<'a> {
    pub(super) fn new(pump: Pump<'a>, watches: bool) -> Self {
        Self {
            pump,
            refused: false,
            watches,
        }
    }

    /// Whether no more of it will go up.
    pub(super) fn is_over(&self) -> bool {
        self.refused || self.pump.is_done()
    }

    /// Whether the same body can go up in another try.
    pub(super) fn may_run_again(&self, sent: u64) -> bool {
        let whole = self.pump.copy.as_ref().is_none_or(|copy| !copy.overflowed);
        sent == 0 || (self.pump.is_done() && whole)
    }

    /// Goes on with it; an error is the client's.
    pub(super) fn poll(
        &mut self,
        origin: &Origin<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let worker = origin.worker;
        if self.refused {
            return Ok(());
        }
        if self.pump.is_done() {
            return match self.watches && self.pump.poll_closed(worker, cx).is_ready() {
                true => Err(Failure::ClientGone),
                false => Ok(()),
            };
        }
        match self.pump.poll(worker, origin.timer, cx) {
            Poll::Pending | Poll::Ready(Ok(())) => Ok(()),
            Poll::Ready(Err(PumpError::SinkGone | PumpError::SinkTimeout)) => {
                self.refused = true;
                Ok(())
            }
            Poll::Ready(Err(PumpError::Cut)) => Err(Failure::ClientGone),
            Poll::Ready(Err(PumpError::Malformed)) => Err(Failure::BadRequest(400, "body")),
            Poll::Ready(Err(PumpError::SourceTimeout)) => Err(Failure::ClientTimeout),
        }
    }
}
