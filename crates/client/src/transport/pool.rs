//! The connections that serve one purpose.
//!
//! Over HTTP/2 requests share connections up to a number of streams, then another is opened, one at
//! a time. Over HTTP/1.1 each running request has its own. Nothing new goes onto a connection that
//! is dead, told to go away, or full.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    connection::{Connection, Http1, Http2},
    connector::Connector,
};
use crate::error::ClientError;

/// Servers and load balancers close idle connections at 60 s or later.
const IDLE_AGE_MAX: Duration = Duration::from_secs(50);
const IDLE_COUNT_MAX: usize = 8;

/// Connections of one purpose.
pub(crate) struct Pool {
    connector: Arc<Connector>,
    shelf: Mutex<Shelf>,
    /// Held while an HTTP/2 connection is opened, so that a burst of requests opens one.
    opening: tokio::sync::Mutex<()>,
    /// The server has shown that it does not speak HTTP/2, so openings need not wait for each other.
    plain: AtomicBool,
}

#[derive(Default)]
struct Shelf {
    shared: Vec<Arc<Http2>>,
    idle: Vec<(Http1, Instant)>,
}

impl Pool {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        let plain = AtomicBool::new(connector.server().starts_with("http:"));
        Self {
            connector,
            shelf: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            plain,
        }
    }

    /// The right to send one request, on an old or a new connection.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Connection, ClientError> {
        if let Some(connection) = self.reuse().await {
            return Ok(connection);
        }
        if self.plain.load(Ordering::Acquire) {
            return self.open().await;
        }
        let _opening = self.opening.lock().await;
        match self.reuse().await {
            Some(connection) => Ok(connection),
            None => self.open().await,
        }
    }

    /// Keeps an HTTP/1.1 connection whose answer is over.
    pub(super) fn put_back(&self, connection: Http1) {
        let mut shelf = self.shelf();
        shelf
            .idle
            .retain(|(idle, since)| idle.is_open() && since.elapsed() < IDLE_AGE_MAX);
        if connection.is_open() && shelf.idle.len() < IDLE_COUNT_MAX {
            shelf.idle.push((connection, Instant::now()));
        }
    }

    async fn reuse(&self) -> Option<Connection> {
        if let Some((shared, slot)) = self.shelf().slot() {
            return Some(Connection::Http2 {
                shared,
                slot,
                reused: true,
            });
        }
        loop {
            let (mut own, since) = self.shelf().idle.pop()?;
            if since.elapsed() < IDLE_AGE_MAX && own.ready().await {
                return Some(Connection::Http1 { own, reused: true });
            }
        }
    }

    async fn open(self: &Arc<Self>) -> Result<Connection, ClientError> {
        let limit = self.connector.options.connect_timeout;
        let opened = tokio::time::timeout(limit, self.open_unlimited()).await;
        opened.unwrap_or_else(|_| {
            Err(ClientError::ConnectTimeout {
                server: self.connector.server().to_owned(),
                limit,
            })
        })
    }

    async fn open_unlimited(self: &Arc<Self>) -> Result<Connection, ClientError> {
        let failed =
            |error: hyper::Error| ClientError::connecting(self.connector.server(), error.into());
        let (stream, http2) = self.connector.open().await?;
        self.plain.store(!http2, Ordering::Release);
        if http2 {
            let shared = Http2::open(stream, &self.connector.options)
                .await
                .map_err(failed)?;
            let shared = Arc::new(shared);
            let slot = shared.slot().expect("invariant: a new connection has room");
            self.shelf().shared.push(Arc::clone(&shared));
            Ok(Connection::Http2 {
                shared,
                slot,
                reused: false,
            })
        } else {
            let own = Http1::open(stream, Arc::downgrade(self))
                .await
                .map_err(failed)?;
            Ok(Connection::Http1 { own, reused: false })
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    /// A slot on the fullest connection with room, so that the others can run empty and be closed.
    fn slot(&mut self) -> Option<(Arc<Http2>, super::connection::Slot)> {
        self.shared.retain(|connection| connection.is_open());
        self.shared
            .sort_by_key(|connection| std::cmp::Reverse(connection.streams()));
        let found = self
            .shared
            .iter()
            .find_map(|shared| Some((Arc::clone(shared), shared.slot()?)));
        let mut empty = 0;
        self.shared.retain(|connection| {
            empty += usize::from(connection.streams() == 0);
            connection.streams() > 0 || empty <= 1
        });
        found
    }
}
