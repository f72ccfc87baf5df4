//! From a destination to a TCP connection. A name is resolved anew for each connection, and every address that it leads
//! to is looked at: what may not be written into a `Backend` may not come in by DNS either. The very address that was
//! looked at is dialled, so that a second answer can't be another one.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use tidegate_routing::{Destination, is_local};
use tokio::net::{TcpStream, lookup_host};

/// Addresses of one name that are tried; more would only be waited for.
const ADDRESSES_MAX: usize = 8;

/// Connects. `allow_local`: names may lead to loopback, link-local and metadata addresses.
///
/// # Errors
/// It has no address that may be used, or none of them takes the connection.
pub(crate) async fn dial(destination: &Destination, allow_local: bool) -> io::Result<TcpStream> {
    let tcp = match destination {
        Destination::Address(address) => TcpStream::connect(address).await?,
        Destination::Name { host, port } => {
            let found = lookup_host((&**host, *port)).await?;
            TcpStream::connect(&*usable(host, found, allow_local)?).await?
        }
    };
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

fn usable(
    host: &str,
    found: impl Iterator<Item = SocketAddr>,
    allow_local: bool,
) -> io::Result<Vec<SocketAddr>> {
    let allowed = |address: IpAddr| allow_local || !is_local(address);
    let usable = found.filter(|one| allowed(one.ip()));
    let usable: Vec<SocketAddr> = usable.take(ADDRESSES_MAX).collect();
    match usable.is_empty() {
        false => Ok(usable),
        true => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{host} leads to no address that is allowed"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::usable;

    #[test]
    fn what_a_name_may_lead_to() {
        for (found, local, others) in [
            ("198.51.100.7:80", "198.51.100.7:80", "198.51.100.7:80"),
            ("127.0.0.1:80", "127.0.0.1:80", ""),
            (
                "169.254.169.254:80 198.51.100.7:80 [::1]:80 [2001:db8::1]:80",
                "169.254.169.254:80 198.51.100.7:80 [::1]:80 [2001:db8::1]:80",
                "198.51.100.7:80 [2001:db8::1]:80",
            ),
            ("[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", ""),
            ("", "", ""),
        ] {
            for (allow_local, expect) in [(true, local), (false, others)] {
                let found = found.split_whitespace();
                let found = found.map(|one| one.parse().expect("an address"));
                let got = usable("a.example", found, allow_local).unwrap_or_default();
                let got: Vec<String> = got.iter().map(ToString::to_string).collect();
                assert_eq!(got.join(" "), expect);
            }
        }
    }
}
