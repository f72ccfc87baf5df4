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

use crate::server::{Options, Server, StartError};

/// Starts a server that keeps everything in memory and listens on a free port of loopback.
///
/// # Errors
///
/// If no port is free or no key can be made.
pub async fn start() -> Result<Server, StartError> {
    Server::start(Options::default()).await
}
