//! The connections of HTTP/2 to one endpoint, and how requests come by a place on one.
//!
//! Whoever finds no place connects. Who comes meanwhile waits: the connection will have places for many. So there is no
//! storm of connections, also while nobody knows yet what the endpoint will choose to speak.
//!
//! Invariant: nobody waits for one that takes longer than [`STALL`]. Then one of those that wait connects, too.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    rc::Rc,
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    ConnectError, Endpoint, Way,
    connect::New,
    h2::{Shared, Slot},
};
use crate::{
    clock::{Deadline, Timer},
    worker::Worker,
};

/// A handshake that takes longer may have lost a packet, and will take seconds then.
const STALL: Duration = Duration::from_millis(100);

/// The connections to one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    open: RefCell<Vec<Rc<Shared>>>,
    /// A connection that is being made: the last one, if there are several.
    coming: RefCell<Option<Rc<Coming>>>,
    /// Tells those who wait that one has been made, or won't be.
    told: Notify,
}

#[derive(Debug)]
struct Coming {
    /// Until then it is waited for.
    until: Deadline,
    failed: Cell<Option<Fault>>,
}

/// What of a failure can be told to many.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Io(io::ErrorKind),
    Timeout,
    Unspoken,
}

/// Makes sure that those who wait hear of it, also when whoever connects gives up.
struct Connects<'a> {
    shares: &'a Shares,
    coming: Rc<Coming>,
}

impl Endpoint {
    /// A way on a connection that others make or have made, or a new one by `connect`, before `deadline`.
    pub(super) async fn join(
        &self,
        worker: &Rc<Worker>,
        timer: &Timer,
        deadline: Deadline,
        connect: impl Future<Output = Result<New, ConnectError>>,
    ) -> Result<Way, ConnectError> {
        let shares = &self.shares;
        // A connection of HTTP/1 is of no use to others.
        while !self.chose_http1()
            && let Some(coming) = shares.coming(worker)
        {
            shares.wait_for(&coming, worker, timer, deadline).await?;
            if let Some(slot) = shares.pick(worker) {
                return Ok(Way::Stream(slot));
            }
        }
        let connects = Connects::begin(shares, worker);
        let new = connect.await.inspect_err(|error| connects.failed(error))?;
        self.chooses_http1(matches!(new, New::Wire(_)));
        match new {
            New::Wire(link) => Ok(Way::Wire(link)),
            New::Share(new) => {
                // Another one may have been faster.
                let slot = shares.pick(worker).or_else(|| {
                    let shared = new.begin(worker);
                    shares.open.borrow_mut().push(shared.clone());
                    Shared::slot(&shared, worker)
                });
                slot.map(Way::Stream)
                    .ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionReset).into())
            }
        }
    }
}

impl Shares {
    /// A place on a connection that is there.
    pub(super) fn pick(&self, worker: &Worker) -> Option<Slot> {
        let mut open = self.open.borrow_mut();
        open.retain(|shared| shared.is_usable());
        open.iter().find_map(|shared| Shared::slot(shared, worker))
    }

    /// A connection that is being made, and worth waiting for.
    fn coming(&self, worker: &Worker) -> Option<Rc<Coming>> {
        let coming = self.coming.borrow().clone()?;
        (!worker.clock.passed(coming.until)).then_some(coming)
    }

    /// Returns when something has become of it, or when it takes too long.
    ///
    /// # Errors
    /// What made it fail would do so again; or it is too late for another one.
    async fn wait_for(
        &self,
        coming: &Coming,
        worker: &Worker,
        timer: &Timer,
        deadline: Deadline,
    ) -> Result<(), ConnectError> {
        let until = coming.until.min(deadline);
        let _stalls = worker.clock.limit(timer, until, self.told.notified()).await;
        match coming.failed.get() {
            Some(Fault::Io(kind)) => Err(ConnectError::Io(kind.into())),
            Some(Fault::Timeout) => Err(ConnectError::Timeout),
            Some(Fault::Unspoken) => Err(ConnectError::Unspoken),
            None if worker.clock.passed(deadline) => Err(ConnectError::Timeout),
            None => Ok(()),
        }
    }
}

impl Drop for Shares {
    fn drop(&mut self) {
        for shared in self.open.borrow().iter() {
            shared.retire();
        }
    }
}

impl<'a> Connects<'a> {
    fn begin(shares: &'a Shares, worker: &Worker) -> Self {
        let coming = Rc::new(Coming {
            until: worker.clock.after(STALL),
            failed: Cell::default(),
        });
        *shares.coming.borrow_mut() = Some(coming.clone());
        Self { shares, coming }
    }

    fn failed(&self, error: &ConnectError) {
        self.coming.failed.set(match error {
            ConnectError::Io(error) => Some(Fault::Io(error.kind())),
            ConnectError::Timeout => Some(Fault::Timeout),
            ConnectError::Unspoken => Some(Fault::Unspoken),
            // Nothing was tried: each finds that out for itself.
            ConnectError::Tripped(_) | ConnectError::OnlyHttp2 | ConnectError::Tls(_) => None,
        });
    }
}

impl Drop for Connects<'_> {
    fn drop(&mut self) {
        let mut coming = self.shares.coming.borrow_mut();
        if coming
            .as_ref()
            .is_some_and(|own| Rc::ptr_eq(own, &self.coming))
        {
            *coming = None;
        }
        self.shares.told.notify_waiters();
    }
}
