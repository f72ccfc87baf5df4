//! The origin: answers `…/SIZE` with so many bytes, over HTTP/1.1 with keep-alive, and costs as little as it can.
//!
//! It trusts its clients (proxies under measurement) and refuses what it doesn't know, so that the load generator sees it.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    rc::Rc,
};

use memchr::memmem;

use crate::events::{Events, Interest};

/// Tokens up to this one are listeners'.
const LISTENERS: u64 = 1000;
const LARGEST_BODY: usize = 1 << 20;

/// Listens and serves until it is killed; says so once it is ready.
#[expect(clippy::print_stdout, reason = "the runner reads it")]
pub(crate) fn serve(addresses: &[SocketAddr]) -> anyhow::Result<()> {
    let mut events = Events::new()?;
    let mut origin = Origin::default();
    for (&address, token) in addresses.iter().zip(0..LISTENERS) {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        rustix::net::listen(&listener, 4096)?;
        events.add(&listener, token)?;
        origin.listeners.push(listener);
    }
    println!("LISTENING");
    let mut ready = Vec::new();
    loop {
        events.wait(&mut ready)?;
        for token in ready.drain(..) {
            if token < LISTENERS {
                origin.accept(token, &events)?;
            } else {
                origin.turn(token, &events)?;
            }
        }
    }
}

#[derive(Default)]
struct Origin {
    listeners: Vec<TcpListener>,
    connections: HashMap<u64, Connection>,
    accepted: u64,
    answers: Answers,
    scratch: Scratch,
}

struct Scratch(Vec<u8>);

impl Default for Scratch {
    fn default() -> Self {
        Self(vec![0; 128 * 1024])
    }
}

impl Origin {
    fn accept(&mut self, token: u64, events: &Events) -> io::Result<()> {
        loop {
            let listener = &self.listeners[usize::try_from(token).unwrap_or_default()];
            let socket = match listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            self.accepted += 1;
            let token = LISTENERS + self.accepted;
            events.add(&socket, token)?;
            self.connections.insert(token, Connection::new(socket));
        }
    }

    fn turn(&mut self, token: u64, events: &Events) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&token) else {
            return Ok(());
        };
        let alive = connection
            .advance(&mut self.scratch.0, &mut self.answers)
            .is_ok_and(|alive| alive);
        if !alive {
            self.connections.remove(&token);
            return Ok(());
        }
        let wanted = connection.interest();
        if wanted != connection.registered {
            connection.registered = wanted;
            events.change(&connection.socket, token, wanted)?;
        }
        Ok(())
    }
}

struct Connection {
    socket: TcpStream,
    registered: Interest,
    /// The beginning of a head that isn't whole yet.
    partial: Vec<u8>,
    /// Of the body of the request that is answered when it is read.
    body_left: usize,
    next: Option<Rc<[u8]>>,
    out: Option<(Rc<[u8]>, usize)>,
    close: bool,
}

impl Connection {
    fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            registered: Interest::Read,
            partial: Vec::new(),
            body_left: 0,
            next: None,
            out: None,
            close: false,
        }
    }

    fn interest(&self) -> Interest {
        if self.out.is_some() {
            Interest::ReadWrite
        } else {
            Interest::Read
        }
    }

    /// Reads and writes what there is; false once the connection is done with.
    fn advance(&mut self, scratch: &mut [u8], answers: &mut Answers) -> io::Result<bool> {
        if self.out.is_some() {
            self.write()?;
            return Ok(self.out.is_some() || !self.close);
        }
        loop {
            let n = match self.socket.read(scratch) {
                Ok(0) => return Ok(false),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            self.take(&scratch[..n], answers)?;
            if self.close && self.out.is_none() && self.next.is_none() {
                return Ok(false);
            }
            if n < scratch.len() {
                return Ok(true);
            }
        }
    }

    fn take(&mut self, mut bytes: &[u8], answers: &mut Answers) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let n = self.body_left.min(bytes.len());
                self.body_left -= n;
                bytes = &bytes[n..];
            } else if self.partial.is_empty() && ends(bytes).is_some() {
                let end = ends(bytes).unwrap_or(bytes.len());
                self.head(&bytes[..end], answers);
                bytes = &bytes[end..];
            } else {
                let before = self.partial.len();
                self.partial.extend_from_slice(bytes);
                let Some(end) = ends(&self.partial) else {
                    return Ok(());
                };
                let head = std::mem::take(&mut self.partial);
                self.head(&head[..end], answers);
                bytes = &bytes[end - before..];
            }
            if self.body_left == 0
                && let Some(answer) = self.next.take()
            {
                self.out = Some((answer, 0));
                self.write()?;
            }
        }
        Ok(())
    }

    fn head(&mut self, head: &[u8], answers: &mut Answers) {
        let request = Request::read(head);
        self.body_left = request.body;
        self.close |= request.close;
        self.next = Some(answers.of(request.size));
    }

    fn write(&mut self) -> io::Result<()> {
        let Some((answer, done)) = &mut self.out else {
            return Ok(());
        };
        while *done < answer.len() {
            match self.socket.write(&answer[*done..]) {
                Ok(n) => *done += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.out = None;
        Ok(())
    }
}

/// Where a head ends.
fn ends(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// What matters of a request.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    /// Of the answer; none if the request isn't understood.
    size: Option<usize>,
    body: usize,
    close: bool,
}

impl Request {
    fn read(head: &[u8]) -> Self {
        let mut lines = head
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::trim_ascii_end);
        let mut words = lines.next().unwrap_or_default().split(|&byte| byte == b' ');
        let target = words.nth(1).unwrap_or_default();
        let mut request = Self {
            size: number(target.rsplit(|&byte| byte == b'/').next()),
            body: 0,
            close: words.next() != Some(b"HTTP/1.1"),
        };
        for line in lines {
            let Some(colon) = memchr::memchr(b':', line) else {
                continue;
            };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                request.body = number(Some(value)).unwrap_or_default();
            } else if name.eq_ignore_ascii_case(b"connection") {
                request.close |= value.eq_ignore_ascii_case(b"close");
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                request.size = None;
                request.close = true;
            }
        }
        request.size = request.size.filter(|&size| size <= LARGEST_BODY);
        request
    }
}

fn number(text: Option<&[u8]>) -> Option<usize> {
    std::str::from_utf8(text?).ok()?.parse().ok()
}

/// Answers as bytes, made once for each size.
#[derive(Default)]
struct Answers(HashMap<Option<usize>, Rc<[u8]>>);

impl Answers {
    fn of(&mut self, size: Option<usize>) -> Rc<[u8]> {
        let made = self.0.entry(size).or_insert_with(|| {
            let status = if size.is_some() { "200 OK" } else { "501 Not Implemented" };
            let length = size.unwrap_or_default();
            let mut bytes = format!(
                "HTTP/1.1 {status}\r\nserver: origin\r\ndate: Wed, 25 Nov 2026 12:00:00 GMT\r\n\
                 content-type: application/octet-stream\r\ncache-control: no-store\r\ncontent-length: {length}\r\n\r\n"
            )
            .into_bytes();
            bytes.resize(bytes.len() + length, b'x');
            bytes.into()
        });
        made.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, Request};

    fn check(head: &str, size: Option<usize>, body: usize, close: bool) {
        let expected = Request { size, body, close };
        assert_eq!(Request::read(head.as_bytes()), expected, "{head:?}");
    }

    #[test]
    fn requests() {
        check(
            "GET /p/1024 HTTP/1.1\r\nhost: a\r\n\r\n",
            Some(1024),
            0,
            false,
        );
        check("GET /1 HTTP/1.0\r\n\r\n", Some(1), 0, true);
        check(
            "GET /1 HTTP/1.1\r\nConnection: Close\r\n\r\n",
            Some(1),
            0,
            true,
        );
        check(
            "POST /1 HTTP/1.1\r\nContent-Length: 7\r\n\r\n",
            Some(1),
            7,
            false,
        );
        check(
            "POST /1 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            None,
            0,
            true,
        );
        check("GET /no-number HTTP/1.1\r\n\r\n", None, 0, false);
        check("GET /9999999999 HTTP/1.1\r\n\r\n", None, 0, false);
    }

    #[test]
    fn answers_have_their_length() {
        let mut answers = Answers::default();
        let answer = answers.of(Some(10));
        assert!(answer.ends_with(b"content-length: 10\r\n\r\nxxxxxxxxxx"));
        assert!(answers.of(None).starts_with(b"HTTP/1.1 501 "));
    }
}
