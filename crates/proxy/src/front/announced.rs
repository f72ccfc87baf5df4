//! The PROXY protocol: a balancer says who the client is, before the client's first byte.

use std::{io, net::SocketAddr};

use tidegate_http::{ProxyHeader, parse_proxy};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{clock::Timer, counters::Counters, worker::Worker};

/// What is looked at at once: most headers come whole.
const LOOK_BYTES: usize = 536;

/// Why a connection of a balancer is closed without an answer.
#[derive(Debug, thiserror::Error)]
enum HeaderError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Header(#[from] tidegate_http::ProxyError),
    #[error("not in time")]
    Timeout,
}

/// The client behind `peer`: `peer` itself, unless that is a balancer that must say more. `None`: it said nothing that can
/// be believed, so the connection is to be closed.
pub(super) async fn client(
    worker: &Worker,
    stream: &mut TcpStream,
    peer: SocketAddr,
) -> Option<SocketAddr> {
    let sources = &worker.setup.proxy_protocol;
    if !sources.iter().any(|block| block.contains(peer.ip())) {
        return Some(peer);
    }
    let (clock, timer) = (&worker.clock, Timer::default());
    let deadline = clock.after(worker.limits().head_timeout);
    let reading = Box::pin(read(stream));
    let result = clock.limit(&timer, deadline, reading).await;
    match result.unwrap_or(Err(HeaderError::Timeout)) {
        Ok(ProxyHeader::Local) => Some(peer),
        Ok(ProxyHeader::Stream { source, .. }) => Some(source),
        Err(error) => {
            Counters::count(&worker.setup.counters.proxy_headers_refused);
            tracing::debug!(%peer, %error, "no PROXY header");
            None
        }
    }
}

/// Reads the header and not a byte more: looks first, and takes what is surely the header's.
async fn read(stream: &mut TcpStream) -> Result<ProxyHeader, HeaderError> {
    let mut taken: Vec<u8> = Vec::new();
    let mut seen = [0; LOOK_BYTES];
    loop {
        let count = stream.peek(&mut seen).await?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let before = taken.len();
        taken.extend_from_slice(&seen[..count]);
        let parsed = parse_proxy(&taken)?;
        // What is there of a header that isn't whole is the header's alone.
        let own = parsed.map_or(count, |(_, length)| length - before);
        stream.read_exact(&mut seen[..own]).await?;
        if let Some((header, _)) = parsed {
            return Ok(header);
        }
    }
}
