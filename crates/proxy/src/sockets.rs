//! Listening sockets: several for one address, among which the kernel spreads connections.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Connections that wait to be accepted, for one socket. The kernel's own limit (`somaxconn`) may be less.
const BACKLOG: i32 = 4096;

/// `count` sockets on `address`: first those of `inherited` that are bound to it (all of them, even if there are more),
/// then new ones.
///
/// # Errors
/// The address can't be had.
pub(crate) fn open(
    address: SocketAddr,
    count: usize,
    inherited: &mut Vec<TcpListener>,
) -> io::Result<Vec<TcpListener>> {
    let mut sockets: Vec<TcpListener> = inherited
        .extract_if(.., |socket| {
            socket.local_addr().is_ok_and(|own| own == address)
        })
        .collect();
    for socket in &sockets {
        socket.set_nonblocking(true)?;
    }
    while sockets.len() < count {
        sockets.push(listen(address)?);
    }
    Ok(sockets)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        Some(Protocol::TCP),
    )?;
    // After a restart, connections of the old process may still be closing.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::open;

    #[test]
    fn sockets_of_one_address_are_shared_and_inherited() {
        let first = open(([127, 0, 0, 1], 0).into(), 1, &mut Vec::new()).expect("a free port");
        let address = first[0].local_addr().expect("an address");
        let mut inherited = first;
        let sockets = open(address, 3, &mut inherited).expect("three sockets");
        assert_eq!(sockets.len(), 3);
        assert!(inherited.is_empty());
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        assert!(open(([192, 0, 2, 1], 80).into(), 1, &mut Vec::new()).is_err());
    }
}
