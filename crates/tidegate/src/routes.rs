//! `tidegate routes`: what is served, one line for each rule, and how it does.

mod table;

use self::table::Row;
use crate::{failure::Failure, remote::Remote};
use clap::Args;
use std::{
    io::{self, Write},
    path::PathBuf,
};
use tidegate_compile::Kind;

/// List what is served, and how it does
#[derive(Debug, Args)]
#[command(
    long_about = "List what is served, and how it does: one line for each rule of each route.\n\n\
    The state is what the gateway has written into the status of routes and Gateways."
)]
pub(crate) struct RoutesArgs {
    /// Only this namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The kubeconfig; that of a `tidegate up` in this directory, or the one that kubectl would use, by default
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Runs the whole command; yields the exit code.
pub(crate) fn run(arguments: &RoutesArgs) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let rows = runtime.block_on(rows(arguments))?;
    let text = if rows.is_empty() {
        "No routes found\n".to_owned()
    } else {
        table::render(&rows)
    };
    // Where nobody reads it, there is nobody to tell.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    Ok(0)
}

async fn rows(arguments: &RoutesArgs) -> Result<Vec<Row>, Failure> {
    let remote = Remote::connect(arguments.kubeconfig.clone()).await?;
    let namespace = arguments.namespace.as_deref();
    let routes = remote.list(Kind::HttpRoute, namespace).await?;
    // A route may hang on a Gateway of another namespace.
    let gateways = remote.list(Kind::Gateway, None).await?;
    Ok(routes
        .iter()
        .flat_map(|route| table::rows(route, &gateways))
        .collect())
}
