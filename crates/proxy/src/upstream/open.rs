//! A way to an endpoint for one request: kept from earlier ones or new, in the protocol that the cluster says, or that
//! the endpoint chooses.

use std::{net::SocketAddr, rc::Rc};

use tidegate_routing::Offer;

use super::{ClusterState, ConnectError, Endpoint, Link, Slot, connect::New};
use crate::{clock::Timer, connections::Connection, worker::Worker};

/// A connection of HTTP/1, or a stream of HTTP/2.
#[derive(Debug)]
pub(crate) enum Way {
    Wire(Link),
    Stream(Slot),
}

/// What a request needs of its way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Need<'a> {
    /// It asks to become something else, which only a connection of its own can.
    pub(crate) upgrade: bool,
    /// It can't be sent again where a kept connection turns out to be closed.
    pub(crate) surely: bool,
    /// Whom it is for, where that is to be said.
    pub(crate) client: Option<&'a Connection>,
}

impl Way {
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Wire(link) => link.address,
            Self::Stream(slot) => slot.address,
        }
    }
}

impl ClusterState {
    /// A way that is there.
    pub(crate) fn kept(&self, worker: &Worker, endpoint: &Endpoint, need: Need<'_>) -> Option<Way> {
        let stream = || endpoint.shares.pick(worker).map(Way::Stream);
        let wire = || endpoint.take(&worker.clock, need.surely).map(Way::Wire);
        match self.offer(need) {
            Offer::Http1 => wire(),
            Offer::Http2 => stream(),
            // What is kept of HTTP/1 without having been chosen is left to those who need it.
            Offer::Either => stream().or_else(|| endpoint.chose_http1().then(wire)?),
        }
    }

    /// A way that is new, or comes to be new to all, within the cluster's time for connections.
    pub(crate) async fn open(
        &self,
        worker: &Rc<Worker>,
        timer: &Timer,
        endpoint: &Endpoint,
        need: Need<'_>,
    ) -> Result<Way, ConnectError> {
        let limit = self.current.borrow().cluster.limits.connect_timeout;
        let limit = limit.unwrap_or(worker.limits().connect_timeout);
        let deadline = worker.clock.after(limit);
        let offer = self.offer(need);
        let connecting = self.connect(worker, timer, endpoint, offer, need.client, deadline);
        if offer != Offer::Http1 {
            return endpoint.join(worker, timer, deadline, connecting).await;
        }
        match connecting.await? {
            New::Wire(link) => Ok(Way::Wire(link)),
            New::Share(_) => Err(ConnectError::Unspoken),
        }
    }

    fn offer(&self, need: Need<'_>) -> Offer {
        match self.current.borrow().offer {
            Offer::Either if need.upgrade => Offer::Http1,
            offer => offer,
        }
    }
}
