//! One connection of the load generator: a socket, TLS or none, HTTP/1.1 or HTTP/2, and the requests under way.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use anyhow::{Context as _, bail, ensure};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, pki_types::ServerName};

use crate::{
    events::Interest,
    http1,
    http2::{self, Http2},
    requests::{Requests, Route},
};

/// A request that is under way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    /// Its stream of HTTP/2; 0 of HTTP/1.
    stream: u32,
    due: u64,
}

/// An answer that came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    /// When its request was due.
    pub(crate) due: u64,
    pub(crate) length: usize,
}

#[derive(Debug)]
enum Protocol {
    One(http1::Reader),
    Two(Http2),
}

/// What is known beforehand of all connections of a run.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) http2: bool,
}

/// A connection, made or being made.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    protocol: Protocol,
    out: Vec<u8>,
    sent: usize,
    flights: Vec<Flight>,
    pub(crate) registered: Interest,
}

impl Connection {
    /// Begins to connect. `name` is the host that TLS is told.
    pub(crate) fn open(target: &Target, name: &str) -> anyhow::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        match connect(&socket, &target.address) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let tls = match &target.tls {
            None => None,
            Some(config) => {
                let name = ServerName::try_from(name.to_owned())?;
                Some(Box::new(ClientConnection::new(config.clone(), name)?))
            }
        };
        let mut out = Vec::new();
        let protocol = if target.http2 {
            Protocol::Two(Http2::new(tls.is_some(), &mut out))
        } else {
            Protocol::One(http1::Reader::default())
        };
        Ok(Self {
            socket: socket.into(),
            tls,
            protocol,
            out,
            sent: 0,
            flights: Vec::new(),
            registered: Interest::Read,
        })
    }

    /// Adds a request; `flush` sends it.
    pub(crate) fn request(&mut self, requests: &Requests, route: Route, due: u64) {
        let stream = match &mut self.protocol {
            Protocol::One(_) => {
                requests.http1(route, &mut self.out);
                0
            }
            Protocol::Two(http2) => http2.request(requests, route, &mut self.out),
        };
        self.flights.push(Flight { stream, due });
    }

    /// How many requests wait for their answers.
    pub(crate) fn flights(&self) -> usize {
        self.flights.len()
    }

    /// Whether TLS went on with an earlier session; none before it is known.
    pub(crate) fn resumed(&self) -> Option<bool> {
        let kind = self.tls.as_ref()?.handshake_kind()?;
        Some(kind == HandshakeKind::Resumed)
    }

    /// Whether there is something that the socket didn't take yet.
    pub(crate) fn wanted(&self) -> Interest {
        let waiting = match &self.tls {
            None => self.sent < self.out.len(),
            Some(tls) => tls.wants_write(),
        };
        if waiting {
            Interest::ReadWrite
        } else {
            Interest::Read
        }
    }

    /// Sends what there is to send, as far as the socket takes it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            None => {
                while self.sent < self.out.len() {
                    match self.socket.write(&self.out[self.sent..]) {
                        Ok(n) => self.sent += n,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                        Err(error) => return Err(error),
                    }
                }
            }
            Some(tls) => {
                tls.writer().write_all(&self.out)?;
                while tls.wants_write() {
                    match tls.write_tls(&mut self.socket) {
                        Ok(_) => {}
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(())
    }

    /// Reads what there is, and adds the answers that ended. An error ends the connection.
    pub(crate) fn read(
        &mut self,
        scratch: &mut [u8],
        finished: &mut Vec<Finished>,
    ) -> anyhow::Result<()> {
        loop {
            let (n, more) = match &mut self.tls {
                None => match self.socket.read(scratch) {
                    Ok(n) => (n, n == scratch.len()),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                    Err(error) => return Err(error.into()),
                },
                Some(tls) => match read_tls(tls, &mut self.socket, scratch)? {
                    Some(n) => (n, true),
                    None => return Ok(()),
                },
            };
            ensure!(n > 0, "closed by the proxy");
            self.take(&scratch[..n], finished)?;
            if !more {
                return Ok(());
            }
        }
    }

    fn take(&mut self, bytes: &[u8], finished: &mut Vec<Finished>) -> anyhow::Result<()> {
        match &mut self.protocol {
            Protocol::One(reader) => {
                let mut lengths = Vec::new();
                reader.take(bytes, &mut lengths)?;
                for length in lengths {
                    ensure!(!self.flights.is_empty(), "an answer to no request");
                    let Flight { due, .. } = self.flights.remove(0);
                    finished.push(Finished { due, length });
                }
            }
            Protocol::Two(http2) => {
                let mut answers = Vec::new();
                http2.take(bytes, &mut answers, &mut self.out)?;
                for http2::Answer { stream, length } in answers {
                    let place = self
                        .flights
                        .iter()
                        .position(|flight| flight.stream == stream);
                    let place = place.context("an answer to no request")?;
                    let Flight { due, .. } = self.flights.swap_remove(place);
                    finished.push(Finished { due, length });
                }
                self.flush()?;
            }
        }
        Ok(())
    }
}

/// Some plaintext; none if there isn't any now, zero at the end.
fn read_tls(
    tls: &mut ClientConnection,
    socket: &mut TcpStream,
    scratch: &mut [u8],
) -> anyhow::Result<Option<usize>> {
    loop {
        match tls.reader().read(scratch) {
            Ok(n) => return Ok(Some(n)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        match tls.read_tls(socket) {
            Ok(0) => return Ok(Some(0)),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = tls.process_new_packets() {
            bail!("TLS: {error}");
        }
        while tls.wants_write() {
            match tls.write_tls(socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
}
