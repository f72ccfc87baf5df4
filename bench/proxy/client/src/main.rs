//! The load generator and the origin of the proxies' benchmark.
//!
//! Both are one thread on plain sockets that does little besides: they share a core, and must not be what limits the
//! proxy on the other one. The runner (`bench/proxy/run.py`) reads what they print.

mod connection;
mod events;
mod http1;
mod http2;
mod load;
mod origin;
mod requests;
mod tls;

use std::net::SocketAddr;

use clap::Parser;

#[derive(Parser)]
#[command(about = "The load generator and the origin of the proxies' benchmark")]
enum Command {
    /// Answers requests for `…/SIZE`.
    Origin {
        #[arg(required = true)]
        addresses: Vec<SocketAddr>,
    },
    /// Sends requests, and says what came of them.
    Load(load::Options),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Origin { addresses } => origin::serve(&addresses),
        Command::Load(options) => load::run(options),
    }
}
