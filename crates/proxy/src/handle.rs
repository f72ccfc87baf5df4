//! The request path: one request, phase by phase.

use std::{rc::Rc, sync::Arc};

use tidegate_routing::Listener;

use crate::{
    client::Client,
    clock::Timer,
    connections::Connection,
    decide::{self, Decision},
    failure::Failure,
    forward,
    journey::{Journey, Phase},
    worker::{Config, Worker},
};

/// Where requests come from. The same for all of one connection, but for the timer: each stream of
/// HTTP/2 has its own.
pub(crate) struct Origin<'a> {
    pub(crate) worker: &'a Rc<Worker>,
    pub(crate) connection: &'a Connection,
    /// Wakes the task that serves the request.
    pub(crate) timer: &'a Timer,
    /// The listener that SNI chose. `None`: no TLS.
    pub(crate) secure: Option<&'a Arc<Listener>>,
}

impl Origin<'_> {
    /// Whether the worker takes further requests from this connection.
    pub(crate) fn goes_on(&self) -> bool {
        !self.worker.draining.get() && !self.connection.is_closing()
    }
}

/// What becomes of the client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another request may follow.
    Again,
    /// Nothing may.
    Close,
    /// The client wanted no more, and all that it has sent was read.
    Done,
    /// An answer broke off that the connection's end would make look whole.
    Cut,
    /// It is over: the client has closed it, or must see that something broke off.
    Gone,
}

/// One request, whose head `client` has read. Ends with its record.
pub(crate) async fn handle(origin: &Origin<'_>, client: &mut Client<'_>) -> Next {
    let config = origin.worker.config(); // one version of the rules for the whole request
    let mut journey = Journey::begin(origin, client.head);
    let next = match phases(origin, &config, client, &mut journey).await {
        Ok(next) => next,
        Err(failure) => Box::pin(client.refuse(origin, &failure, &mut journey)).await,
    };
    journey.end(origin, client.head);
    next
}

/// ARCHITECTURE lists these phases in this order. `Journey` remembers the phase, so a failure can name it.
async fn phases<'c>(
    origin: &Origin<'_>,
    config: &'c Config,
    client: &mut Client<'_>,
    journey: &mut Journey<'c>,
) -> Result<Next, Failure> {
    journey.enter(Phase::Match); // pure
    let route = decide::find(config, origin, client.head)?;
    journey.matched(&route);

    journey.enter(Phase::Decide); // pure: what needs no backend stays cheap
    let plan = match decide::decide(origin, config, &route, client.head)? {
        Decision::Answer(answer) => {
            return Box::pin(client.answer(origin, &answer, journey)).await;
        }
        Decision::Forward(plan) => plan,
    };

    journey.enter(Phase::Forward); // the only phase that talks to an upstream; owns every retry
    forward::forward(origin, client, &plan, journey).await
}
