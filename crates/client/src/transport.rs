//! The connections to one server with one set of credentials.
//!
//! Watches have a pool of their own, so that nothing else ever waits behind them. Knows requests and
//! bodies as bytes; knows neither who sends them nor what is in them.

mod connection;
mod connector;
mod pool;

use std::sync::Arc;

use bytes::Bytes;
use http::Request;

pub(crate) use self::connection::{Lease, Reply};
use self::{connector::Connector, pool::Pool};
use crate::{
    error::ClientError,
    options::{ClientOptions, Purpose},
};

/// How often a request may move to another connection. Each move means that it was not sent.
const ATTEMPTS_MAX: usize = 4;

/// Two pools of connections to one server.
pub(crate) struct Transport {
    watches: Arc<Pool>,
    calls: Arc<Pool>,
    server: String,
}

impl Transport {
    /// Prepares TLS; opens no connection. Reads certificates and may run a credential plugin.
    pub(crate) fn prepare(
        config: kube::Config,
        options: &ClientOptions,
    ) -> Result<Self, ClientError> {
        let connector = Arc::new(Connector::new(config, options)?);
        let server = connector.server().to_owned();
        let watches = Pool::new(Arc::clone(&connector));
        let calls = Pool::new(connector);
        Ok(Self {
            watches: Arc::new(watches),
            calls: Arc::new(calls),
            server,
        })
    }

    /// Scheme, host and port, for messages.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Sends a request and waits for the head of the answer. A request that certainly reached no
    /// server moves to another connection; so does, once, a GET whose reused connection broke.
    pub(crate) async fn send(
        &self,
        request: &Request<Bytes>,
        purpose: Purpose,
    ) -> Result<Reply, ClientError> {
        let pool = if purpose == Purpose::Watch {
            &self.watches
        } else {
            &self.calls
        };
        let mut broke_before = false;
        for _ in 1..ATTEMPTS_MAX {
            let connection = pool.take().await?;
            let reused = connection.reused();
            match connection.send(request.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(failure) if failure.unsent => {
                    tracing::debug!("connection ended before the request was sent")
                }
                Err(failure) if reused && !broke_before && request.method().is_safe() => {
                    tracing::debug!(error = %failure.error, "reused connection broke; sending once more");
                    broke_before = true;
                }
                Err(failure) => return Err(ClientError::interrupted(&self.server, failure.error)),
            }
        }
        let connection = pool.take().await?;
        connection
            .send(request.clone())
            .await
            .map_err(|failure| ClientError::interrupted(&self.server, failure.error))
    }
}
