//! `tidegate explain`: asks a running gateway which listener, route, rule and endpoints would serve a request, and why
//! each other candidate would not.

mod question;
mod text;

use crate::{admin_client::ask_json, failure::Failure, gateway::default_admin};
use clap::Args;
use std::{
    io::{self, Write},
    net::{IpAddr, SocketAddr},
};

/// Say what would become of a request, and why
#[derive(Debug, Args)]
#[command(
    long_about = "Say what would become of a request, and why.\n\n\
    Asks the gateway on this machine, by its admin listener. Nothing is sent to any service.",
    after_long_help = "Examples:\n  \
    tidegate explain http://127.42.0.1:8080/cart -H 'Host: shop.localhost'\n  \
    tidegate explain https://shop.example.com/cart -X POST --address 10.1.0.7"
)]
pub(crate) struct ExplainArgs {
    /// What a client would ask for
    #[arg(value_name = "URL")]
    url: String,
    /// A header of the request; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// The request's method
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    method: String,
    /// The address that the client connects to, where the URL has a name
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// The gateway's admin listener
    #[arg(long, value_name = "ADDR:PORT", default_value_t = default_admin())]
    admin: SocketAddr,
    /// Print the whole answer as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the whole command; yields the exit code: 1 where nothing would be served.
pub(crate) fn run(arguments: &ExplainArgs) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let path = question::path(
        &arguments.url,
        &arguments.method,
        &arguments.header,
        arguments.address,
    );
    let answer = runtime
        .block_on(ask_json(arguments.admin, &path))
        .map_err(Failure::error)?;
    let shown = if arguments.json {
        format!("{answer:#}\n")
    } else {
        text::render(&answer)
    };
    // Where nobody reads it, there is nobody to tell.
    let _ = io::stdout().lock().write_all(shown.as_bytes());
    Ok(0)
}
