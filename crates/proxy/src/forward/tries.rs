//! Whether a failed try may be followed by another.
//!
//! Never once a byte of the answer has reached the client. Else: where nothing was sent, any request may; where the
//! connection broke, idempotent ones; where the rule names the answer's status, any. Always only if the body is still
//! there to be sent.

use std::time::{Duration, Instant};

use tidegate_balance::{EndpointId, Outcome};
use tidegate_http::Framing;
use tidegate_routing::Retry;

use super::hedge::Second;
use crate::{
    body::Body, buffer::Buffer, client::Client, clock::Deadline, decide::Plan, failure::Failure,
    handle::Origin, options::Limits, pump::Copied, upstream::Chosen,
};

/// Endpoints that are tried beyond the first, also without a rule's retries, where connections are refused.
const REFUSED_MAX: u32 = 7;
/// The same where something else keeps the request from being sent: each may have taken all the time for a connection.
const UNSENT_MAX: u32 = 2;

/// A try that failed before anything of its answer reached the client.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) failure: Failure,
    /// The connection had been kept and turned out to be closed: not the endpoint's fault, and tried again at once.
    pub(super) stale: bool,
    /// The answer's status is one that the rule wants tried again: [`Tries::wants`] has said so.
    pub(super) wanted: bool,
}

/// The tries of one request.
#[derive(Debug)]
pub(super) struct Tries<'c> {
    /// The end of all of them.
    pub(super) overall: Deadline,
    retry: Option<&'c Retry>,
    left: u32,
    refused_left: u32,
    unsent_left: u32,
    pub(super) tried: Vec<EndpointId>,
    /// The one beside the first that counts instead of it.
    pub(super) second: Option<Second>,
    /// One is enough: after it, a new connection is made.
    stale_left: u32,
    /// The body, as far as earlier tries have read it.
    copy: Copied,
    /// Whether any of the body was read.
    body_taken: bool,
    /// Whether mirrors want the body, too.
    pub(super) mirrors: bool,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            stale: false,
            wanted: false,
        }
    }
}

impl Failed {
    /// What it says about the endpoint.
    pub(super) fn outcome(&self) -> Outcome {
        match self.stale {
            true => Outcome::Unknown,
            false => self.failure.outcome(),
        }
    }

    /// An answer that the rule wants to be tried again.
    pub(super) fn wanted() -> Self {
        Self {
            failure: Failure::UpstreamReset,
            stale: false,
            wanted: true,
        }
    }
}

impl<'c> Tries<'c> {
    pub(super) fn new(retry: Option<&'c Retry>, overall: Deadline) -> Self {
        Self {
            overall,
            retry,
            left: retry.map_or(0, |retry| retry.attempts),
            refused_left: REFUSED_MAX,
            unsent_left: UNSENT_MAX,
            tried: Vec::new(),
            second: None,
            stale_left: 1,
            copy: Copied::default(),
            body_taken: false,
            mirrors: false,
        }
    }

    pub(super) fn tried(&self) -> &[EndpointId] {
        &self.tried
    }

    /// Whether nothing was tried before.
    pub(super) fn is_first(&self) -> bool {
        self.tried.is_empty() && !self.body_taken
    }

    /// A place for a copy of the body, where one may be needed later. `twice`: also beside this try.
    pub(super) fn copy(&self, may_refuse: bool, twice: bool, limits: &Limits) -> Option<Copied> {
        let again = twice || self.left > 0 || (may_refuse && self.stale_left > 0);
        let limit = match (self.mirrors, again) {
            (true, _) => limits.mirror_body_max,
            (false, true) => limits.retry_body_max,
            (false, false) => return None,
        };
        (!self.body_taken).then(|| Copied::up_to(limit))
    }

    /// The body for this try, where an earlier one has read it from the client.
    pub(super) fn replay(&self) -> Option<(Buffer, Body)> {
        if !self.body_taken {
            return None;
        }
        let bytes = self.copy.bytes.clone();
        let body = Body::new(Framing::Length(bytes.len() as u64));
        Some((Buffer::holding(bytes), body))
    }

    /// Whether an answer with this status should be dropped for another try, if the body can be sent again.
    pub(super) fn wants(&self, status: u16) -> bool {
        self.left > 0
            && self
                .retry
                .is_some_and(|retry| retry.codes.contains(&status))
    }

    /// Remembers what a try has read of the body. Later tries send the copy.
    pub(super) fn keep(&mut self, taken: bool, copy: Option<Copied>) {
        if taken && !self.body_taken {
            self.body_taken = true;
            self.copy = copy.unwrap_or_default();
        }
    }

    /// The copy of the body, if it is whole. Empty where there was none.
    pub(super) fn into_body(self) -> Option<Vec<u8>> {
        match self.body_taken {
            true => self.copy.is_whole().then_some(self.copy.bytes),
            false => Some(Vec::new()),
        }
    }

    fn can_replay(&self, body_ended: bool, trailers: bool) -> bool {
        !self.body_taken || (body_ended && !trailers && self.copy.is_whole())
    }

    /// Returns when the next try may begin.
    ///
    /// # Errors
    /// There is none: this is what the client is to be told.
    pub(super) async fn again(
        &mut self,
        origin: &Origin<'_>,
        client: &Client<'_>,
        plan: &Plan<'_>,
        chosen: &Chosen,
        failed: Failed,
    ) -> Result<(), Failure> {
        let Failed {
            failure,
            stale,
            wanted,
        } = failed;
        let clock = &origin.worker.clock;
        let idempotent = client.head.method.is_idempotent();
        let possible = failure.before_answer()
            && (wanted || idempotent || failure.nothing_sent())
            && self.can_replay(client.side.body_ended(), client.side.has_trailers())
            && !clock.passed(self.overall);
        if !possible {
            return Err(failure);
        }
        if stale && self.stale_left > 0 {
            self.stale_left -= 1;
            chosen.endpoint.close_idle();
            return Ok(());
        }
        self.tried.push(chosen.id);
        let refused = matches!(failure, Failure::Connect);
        let spare = match refused {
            true => &mut self.refused_left,
            false => &mut self.unsent_left,
        };
        let spared = self.left == 0 && failure.nothing_sent() && *spare > 0;
        // A refusal costs no other endpoint anything, and this one gets no more for a while.
        let is_free = spared && refused;
        if !is_free && !plan.cluster.try_retry(clock.nanoseconds(Instant::now())) {
            return Err(failure);
        }
        if spared {
            *spare -= 1;
            return Ok(());
        }
        if self.left == 0 {
            return Err(failure);
        }
        self.left -= 1;
        let backoff = self.retry.map_or(Duration::ZERO, |retry| retry.backoff);
        if !backoff.is_zero() {
            clock.sleep(origin.timer, backoff).await;
            if clock.passed(self.overall) {
                return Err(failure);
            }
        }
        Ok(())
    }
}
