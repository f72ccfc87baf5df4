//! One endpoint: what it speaks, and the connections that are kept to it. Those of HTTP/1: last used first out.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    time::Duration,
};

use tidegate_balance::{Resource, Tripped};

use super::{SharedBreakers, shares::Shares};
use crate::{
    buffer::Buffer,
    clock::{Clock, Deadline},
    stream::{ReadHalf, WriteHalf},
    worker::Worker,
};

/// A place that requests are sent to.
#[derive(Debug)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    idle: RefCell<Vec<Idle>>,
    /// Connections of HTTP/2.
    pub(super) shares: Shares,
    /// Whether it chose HTTP/1.1 when it was last offered both. It may choose otherwise after a restart.
    chose_http1: Cell<bool>,
}

/// A connection of HTTP/1 to an endpoint.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) read: ReadHalf,
    pub(crate) write: WriteHalf,
    /// Bytes of answers, read and not yet consumed.
    pub(crate) buffer: Buffer,
    pub(crate) address: SocketAddr,
    /// Whether it has carried an exchange before: then it may turn out to be closed already.
    pub(crate) reused: bool,
    /// Whether it carries no further exchange.
    pub(crate) single: bool,
    /// Counts it as long as it is open.
    pub(crate) _counted: Counted,
}

/// One of a cluster's connections, as far as its breakers are concerned.
pub(crate) struct Counted(SharedBreakers);

#[derive(Debug)]
struct Idle {
    link: Link,
    until: Deadline,
}

impl Counted {
    /// Counts a connection until this is dropped.
    ///
    /// # Errors
    /// There are as many as may be.
    pub(crate) fn new(breakers: &SharedBreakers) -> Result<Self, Tripped> {
        breakers.borrow_mut().admit(Resource::Connection)?;
        Ok(Self(breakers.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.borrow_mut().release(Resource::Connection);
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counted").finish_non_exhaustive()
    }
}

impl Endpoint {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: RefCell::default(),
            shares: Shares::default(),
            chose_http1: Cell::new(false),
        }
    }

    pub(super) fn chose_http1(&self) -> bool {
        self.chose_http1.get()
    }

    pub(super) fn chooses_http1(&self, is_so: bool) {
        self.chose_http1.set(is_so);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection that was kept and that, as far as the worker knows, is still open. `surely`: as far as the kernel
    /// knows, for requests that can't be sent again.
    pub(crate) fn take(&self, clock: &Clock, surely: bool) -> Option<Link> {
        let mut idle = self.idle.borrow_mut();
        while let Some(Idle { mut link, until }) = idle.pop() {
            // What comes unasked is the end, or not an answer to us.
            let closed = link.read.is_ready() || (surely && link.read.is_ready_now());
            if !clock.passed(until) && !closed {
                link.reused = true;
                return Some(link);
            }
        }
        None
    }

    /// Keeps a connection whose exchange ended cleanly, for its cluster's time or the usual one.
    pub(crate) fn give(&self, mut link: Link, worker: &Worker, timeout: Option<Duration>) {
        if link.single {
            return;
        }
        let limits = worker.limits();
        let until = worker
            .clock
            .after(timeout.unwrap_or(limits.upstream_idle_timeout));
        link.buffer.release(&worker.buffers);
        let mut idle = self.idle.borrow_mut();
        if idle.len() < limits.upstream_idle_max {
            idle.push(Idle { link, until });
        }
    }

    /// Closes all connections that are kept: they were made before one that turned out to be closed.
    pub(crate) fn close_idle(&self) {
        self.idle.borrow_mut().clear();
    }

    /// Closes what was idle for too long. The oldest are at the front.
    pub(crate) fn sweep(&self, clock: &Clock) {
        let mut idle = self.idle.borrow_mut();
        idle.retain_mut(|kept| !clock.passed(kept.until) && !kept.link.read.is_ready());
        if idle.is_empty() {
            idle.shrink_to(4);
        }
    }
}
