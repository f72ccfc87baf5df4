//! A server for tests: in memory, in milliseconds, with faults to order.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = tidegate_apiserver::test::start().await?;
//! let kubeconfig = server.admin_kubeconfig()?;
//! // … run a controller against it …
//! server.fault_drop_watches();
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

use crate::{
    ids,
    server::{Options, StartError},
};
use std::ops::Deref;

/// A [`Server`](crate::Server) in memory, and a token for it.
#[derive(Debug)]
pub struct Server {
    server: crate::Server,
    token: String,
}

/// Starts a server that keeps everything in memory and listens on a free port of loopback.
///
/// # Errors
///
/// If no port is free or no key can be made.
pub async fn start() -> Result<Server, StartError> {
    start_with(Options::default()).await
}

/// Starts a server with options of the caller's.
///
/// # Errors
///
/// See [`StartError`].
pub async fn start_with(mut options: Options) -> Result<Server, StartError> {
    let token = ids::uid();
    options.admin_token = Some(token.clone().into());
    let server = crate::Server::start(options).await?;
    Ok(Server { server, token })
}

impl Server {
    /// A bearer token of the administrator.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Stops it.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Deref for Server {
    type Target = crate::Server;

    fn deref(&self) -> &crate::Server {
        &self.server
    }
}
