//! `tidegate routes`: what is served, one line for each rule, and how it does.

mod health;
mod table;

use self::health::Health;
use crate::{admin_client::ask_json, failure::Failure, gateway::default_admin, remote::Remote};
use clap::Args;
use serde_json::Value;
use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
};
use tidegate_compile::Kind;

/// List what is served, and how it does
#[derive(Debug, Args)]
#[command(
    long_about = "List what is served, and how it does: one line for each rule of each route.\n\n\
    The state is what the gateway has written into the status of routes and Gateways. How endpoints do is asked of the \
    gateway on this machine, by its admin listener; where there is none, that column is left out."
)]
pub(crate) struct RoutesArgs {
    /// Only this namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The kubeconfig; that of a `tidegate up` in this directory, or the one that kubectl would use, by default
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The gateway's admin listener; 127.0.0.1:19901 by default
    #[arg(long, value_name = "ADDR:PORT")]
    admin: Option<SocketAddr>,
}

/// Runs the whole command; yields the exit code.
pub(crate) fn run(arguments: &RoutesArgs) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let text = runtime.block_on(list(arguments))?;
    // Where nobody reads it, there is nobody to tell.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    Ok(0)
}

async fn list(arguments: &RoutesArgs) -> Result<String, Failure> {
    let remote = Remote::connect(arguments.kubeconfig.clone()).await?;
    let namespace = arguments.namespace.as_deref();
    let routes = remote.list(Kind::HttpRoute, namespace).await?;
    if routes.is_empty() {
        return Ok(match namespace {
            Some(namespace) => format!("No routes found in namespace {namespace}\n"),
            None => "No routes found\n".to_owned(),
        });
    }
    // A route may hang on a Gateway of another namespace.
    let gateways = remote.list(Kind::Gateway, None).await?;
    let config = config(arguments).await?;
    let health = config.as_ref().map(Health::read);
    let rows: Vec<_> = routes
        .iter()
        .flat_map(|route| table::rows(route, &gateways, health.as_ref()))
        .collect();
    Ok(table::render(&rows))
}

/// What the gateway says that it serves. Where nobody answers, there may be none on this machine, unless one was named.
async fn config(arguments: &RoutesArgs) -> Result<Option<Value>, Failure> {
    let admin = arguments.admin.unwrap_or_else(default_admin);
    match ask_json(admin, "/config").await {
        Ok(config) => Ok(Some(config)),
        Err(error) if arguments.admin.is_some() => Err(Failure::error(error)),
        Err(error) => {
            // Where nobody reads it, the table is all the same.
            let _ = writeln!(
                io::stderr().lock(),
                "note: nothing is known of endpoints: {error}"
            );
            Ok(None)
        }
    }
}
