//! The client connections of one worker, so that idle ones can be closed when their address goes or the worker drains.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use slab::Slab;

use crate::clock::{Clock, Deadline, Timer};

/// All open connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: RefCell<Slab<Rc<Connection>>>,
}

/// What the worker knows of one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    local: SocketAddr,
    peer: SocketAddr,
    /// The peer's address without its port, as it is told to upstreams.
    pub(crate) peer_text: Box<str>,
    pub(crate) timer: Timer,
    /// Set when no further request should be waited for after this.
    closing: Cell<Option<Closing>>,
}

/// How a connection comes to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    /// A last request may come until then.
    by: Deadline,
    /// How long one may be on its way to us.
    patience: Duration,
}

impl Closing {
    /// From now on.
    pub(crate) fn after(clock: &Clock, patience: Duration) -> Self {
        Self {
            by: clock.after(patience),
            patience,
        }
    }
}

impl Connections {
    /// Adds a connection, which is `closing` if it came in too late for more than one request. Its task gives the key back to [`Connections::leave`] when it ends.
    pub(crate) fn enter(
        &self,
        local: SocketAddr,
        peer: SocketAddr,
        closing: Option<Closing>,
    ) -> (usize, Rc<Connection>) {
        let connection = Rc::new(Connection {
            local,
            peer,
            peer_text: peer.ip().to_canonical().to_string().into(),
            timer: Timer::default(),
            closing: Cell::new(closing),
        });
        let key = self.open.borrow_mut().insert(connection.clone());
        (key, connection)
    }

    pub(crate) fn leave(&self, key: usize) {
        if let Some(connection) = self.open.borrow_mut().try_remove(key) {
            connection.timer.finish();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.borrow().is_empty()
    }

    /// Asks connections to end after the request under way. Where there is none, a last one may come: it could be on its
    /// way, and would fail.
    pub(crate) fn close_idle(&self, closing: Closing, which: impl Fn(&Connection) -> bool) {
        for (_, connection) in self.open.borrow().iter() {
            if which(connection) {
                connection.closing.set(Some(closing));
                connection.timer.wake();
            }
        }
    }

    /// Lets all of them look at what has changed.
    pub(crate) fn wake(&self) {
        for (_, connection) in self.open.borrow().iter() {
            connection.timer.wake();
        }
    }
}

impl Connection {
    /// The address that it came in by.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether the request under way, or the next one, is the last.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get().is_some()
    }

    pub(crate) fn closing(&self) -> Option<Closing> {
        self.closing.get()
    }

    /// Until when that last one may come.
    pub(crate) fn closing_by(&self) -> Option<Deadline> {
        self.closing.get().map(|closing| closing.by)
    }

    /// An answer has ended that had begun before this connection was to end: its client can't know of it, so that another
    /// request may be on its way as if the end were decided only now.
    pub(crate) fn was_not_told(&self, clock: &Clock) {
        if let Some(closing) = self.closing.get() {
            self.closing
                .set(Some(Closing::after(clock, closing.patience)));
        }
    }
}
