//! One exchange on a way to an endpoint: how it begins, and what its end means for the way.

use tidegate_http::{RequestHead, write_request};

use super::{arrival::From, prepare, tries::Failed};
use crate::{
    decide::Plan,
    failure::Failure,
    h2_head,
    handle::Origin,
    pump::{OutFraming, Sink},
    upstream::{Endpoint, Way},
};

impl Way {
    /// Whether it may turn out that the request has to go another way.
    pub(super) fn may_refuse(&self) -> bool {
        match self {
            Self::Wire(link) => link.reused,
            Self::Stream(_) => true,
        }
    }

    /// What a try on it means that ended like this; `begun`: after something of an answer had come.
    pub(super) fn failed(&self, begun: bool, failure: Failure) -> Failed {
        let stale = match self {
            Self::Wire(link) => link.reused && matches!(failure, Failure::UpstreamReset),
            Self::Stream(slot) => slot.reused && slot.answer.lost,
        };
        if let (Self::Stream(slot), Failure::Timeout) = (self, &failure) {
            slot.doubt();
        }
        Failed {
            stale: stale && !begun,
            failure,
            wanted: false,
        }
    }

    /// Keeps a connection whose exchange has ended cleanly.
    pub(super) fn keep(self, origin: &Origin<'_>, endpoint: &Endpoint, plan: &Plan<'_>) {
        if let Self::Wire(link) = self
            && link.buffer.is_empty()
        {
            endpoint.give(link, origin.worker, plan.cluster.idle_timeout());
        }
    }

    /// Goes on behind a request that was sent.
    pub(super) fn resume<'a>(&'a mut self, up: &'a mut Vec<u8>) -> (Sink<'a>, From<'a>) {
        match self {
            Self::Wire(link) => {
                up.clear();
                let sink = Sink::Wire {
                    write: &mut link.write,
                    out: up,
                    framing: OutFraming::Raw,
                };
                (sink, From::Wire(&mut link.read, &mut link.buffer))
            }
            Self::Stream(slot) => (
                Sink::Stream(&mut slot.outgoing),
                From::Stream(&mut slot.answer),
            ),
        }
    }

    /// Begins with a request, whose head waits in `up` afterwards, or was sent.
    pub(super) fn begin<'a>(
        &'a mut self,
        head: &RequestHead,
        plan: &Plan<'_>,
        up: &'a mut Vec<u8>,
    ) -> Result<(Sink<'a>, From<'a>), Failure> {
        let framing = head.framing;
        match self {
            Self::Wire(link) => {
                up.clear();
                prepare::with_line(head, plan, Some(link.address), framing, |line| {
                    write_request(line, &head.fields, up);
                });
                let sink = Sink::Wire {
                    write: &mut link.write,
                    out: up,
                    framing: OutFraming::of(framing),
                };
                Ok((sink, From::Wire(&mut link.read, &mut link.buffer)))
            }
            Self::Stream(slot) => {
                let secure = plan.cluster.is_secure();
                let address = Some(slot.address);
                let message = prepare::with_line(head, plan, address, framing, |line| {
                    h2_head::request(line, &head.fields, secure)
                });
                let message = message.map_err(|_| Failure::BadRequest(400, "target"))?;
                slot.send(message, !framing.has_body())?;
                Ok((
                    Sink::Stream(&mut slot.outgoing),
                    From::Stream(&mut slot.answer),
                ))
            }
        }
    }
}
