//! A TCP connection to an endpoint.

use std::{io, net::SocketAddr};

use tokio::net::TcpStream;

/// Connects.
///
/// # Errors
/// It is refused, or there is no way there.
pub(crate) async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}
