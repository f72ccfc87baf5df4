//! A service that says who it is and what it was asked, one that keeps what it was sent, and the plainest client.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Answers `NAME METHOD PATH` to everything, for as long as the process lives.
#[derive(Debug)]
pub(crate) struct Origin(SocketAddr);

impl Origin {
    pub(crate) fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream, name));
            }
        });
        Self(address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0
    }
}

/// One request after the other; none of them has a body.
fn serve(mut stream: TcpStream, name: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let line = text.lines().next().unwrap_or_default();
        let body = format!("{name} {}", line.trim_end_matches(" HTTP/1.1"));
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
        head.clear();
    }
}

/// Answers 200 to everything, one request a connection, and keeps what was sent.
#[derive(Debug)]
pub(crate) struct Recorder {
    address: SocketAddr,
    heard: Receiver<String>,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, heard) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || record(stream, &sender));
            }
        });
        Self { address, heard }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first request, head and body, with these words, among those that no one has asked for.
    #[track_caller]
    pub(crate) fn heard(&self, words: &str) -> String {
        loop {
            let request = self.heard.recv_timeout(PATIENCE);
            let request = request.unwrap_or_else(|_| panic!("nothing with {words:?}"));
            if request.contains(words) {
                return request;
            }
        }
    }
}

fn record(mut stream: TcpStream, heard: &Sender<String>) {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with("\r\n\r\n") {
        if !stream.read(&mut byte).is_ok_and(|read| read == 1) {
            return;
        }
        text.push(char::from(byte[0]));
    }
    let lower = text.to_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |digits| digits.parse().expect("a length"))];
    if stream.read_exact(&mut body).is_ok() {
        text.push_str(&String::from_utf8_lossy(&body));
        // Whoever has gone away wants no answer; a test that has ended wants no request.
        let _ = heard.send(text);
        let _ =
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
}

/// Status and body of one request on a connection of its own.
pub(crate) fn get(at: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    get_host(at, path, &at.to_string())
}

/// The same with another `Host`.
pub(crate) fn get_host(at: SocketAddr, path: &str, host: &str) -> io::Result<(u16, String)> {
    get_fields(at, path, &format!("host: {host}"))
}

/// The same with these fields, each with a line of its own.
pub(crate) fn get_fields(at: SocketAddr, path: &str, fields: &str) -> io::Result<(u16, String)> {
    let fields = fields.replace('\n', "\r\n");
    let mut stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\n{fields}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.get(9..12).and_then(|digits| digits.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no answer but {answer:?}")))?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.to_owned()))
}
