//! One endpoint: the connections that are kept to it, last used first out, and how many requests it has.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use tidegate_routing::Destination;

use crate::{
    buffer::Buffer,
    clock::{Clock, Deadline},
    stream::{ReadHalf, WriteHalf},
    worker::Worker,
};

/// A place that requests are sent to.
#[derive(Debug)]
pub(crate) struct Endpoint {
    destination: Destination,
    idle: RefCell<Vec<Idle>>,
    /// Requests under way.
    active: Cell<u32>,
}

/// A connection to an endpoint.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) read: ReadHalf,
    pub(crate) write: WriteHalf,
    /// Bytes of answers, read and not yet consumed.
    pub(crate) buffer: Buffer,
    pub(crate) address: SocketAddr,
    /// Whether it has carried an exchange before: then it may turn out to be closed already.
    pub(crate) reused: bool,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    until: Deadline,
}

impl Endpoint {
    pub(crate) fn new(destination: Destination) -> Self {
        Self {
            destination,
            idle: RefCell::default(),
            active: Cell::new(0),
        }
    }

    pub(crate) fn destination(&self) -> &Destination {
        &self.destination
    }

    /// A connection that was kept and that, as far as the worker knows, is still open.
    pub(crate) fn take(&self, clock: &Clock) -> Option<Link> {
        let mut idle = self.idle.borrow_mut();
        while let Some(Idle { mut link, until }) = idle.pop() {
            // What comes unasked is the end, or not an answer to us.
            if !clock.passed(until) && !link.read.is_ready() {
                link.reused = true;
                return Some(link);
            }
        }
        None
    }

    /// Keeps a connection whose exchange ended cleanly, for its cluster's time or the usual one.
    pub(crate) fn give(&self, mut link: Link, worker: &Worker, timeout: Option<Duration>) {
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

    /// Counts a request until the guard is dropped.
    pub(crate) fn enter(self: &Rc<Self>) -> Active {
        self.active.set(self.active.get() + 1);
        Active(self.clone())
    }
}

/// One request under way at an endpoint.
#[derive(Debug)]
pub(crate) struct Active(Rc<Endpoint>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.set(self.0.active.get().saturating_sub(1));
    }
}
