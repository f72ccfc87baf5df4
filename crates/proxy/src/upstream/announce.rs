//! The PROXY protocol towards endpoints: who the client of a connection is, before its first byte.
//!
//! What was said of one client must not be believed of another: such a connection carries one request and is not kept.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tidegate_http::{ProxyHeader, ProxyVersion, write_proxy};
use tidegate_routing::ProxyProtocol;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::connections::Connection;

/// Whom a connection is for. Without a client it is the gateway's own: for probes and mirrors.
pub(super) fn whom(client: Option<&Connection>) -> ProxyHeader {
    client.map_or(ProxyHeader::Local, |client| {
        header(client.peer(), client.local())
    })
}

/// Writes the header.
///
/// # Errors
/// The connection is broken.
pub(crate) async fn announce(
    tcp: &mut TcpStream,
    version: ProxyProtocol,
    header: ProxyHeader,
) -> io::Result<()> {
    let version = match version {
        ProxyProtocol::V1 => ProxyVersion::V1,
        ProxyProtocol::V2 => ProxyVersion::V2,
    };
    let mut bytes = Vec::with_capacity(128);
    write_proxy(version, &header, &mut bytes);
    tcp.write_all(&bytes).await
}

/// `local` is the listener's address. Where that is any address, or one of another family, only its port is known.
fn header(peer: SocketAddr, local: SocketAddr) -> ProxyHeader {
    let (source, at) = (peer.ip().to_canonical(), local.ip().to_canonical());
    let destination = match source {
        IpAddr::V4(_) if !at.is_ipv4() => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) if !at.is_ipv6() => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => at,
    };
    ProxyHeader::Stream {
        source: SocketAddr::new(source, peer.port()),
        destination: SocketAddr::new(destination, local.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::header;
    use tidegate_http::ProxyHeader;

    #[test]
    fn both_addresses_are_of_one_family() {
        for (peer, local, expect) in [
            ("192.0.2.7:1", "192.0.2.1:80", "192.0.2.7:1 192.0.2.1:80"),
            ("[::ffff:192.0.2.7]:1", "[::]:80", "192.0.2.7:1 0.0.0.0:80"),
            ("[2001:db8::7]:1", "[::]:80", "[2001:db8::7]:1 [::]:80"),
            // A balancer's client may be of another family than the balancer.
            ("[2001:db8::7]:1", "192.0.2.1:80", "[2001:db8::7]:1 [::]:80"),
        ] {
            let parse = |text: &str| text.parse().expect("an address");
            let ProxyHeader::Stream {
                source,
                destination,
            } = header(parse(peer), parse(local))
            else {
                panic!("a client was given");
            };
            assert_eq!(format!("{source} {destination}"), expect);
        }
    }
}
