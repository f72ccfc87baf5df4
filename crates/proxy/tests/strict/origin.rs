//! An origin that remembers every request as it came, and answers what it is told.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::{
    escape::Step,
    wire::{complaint, dechunk, field, find, text},
};

const PAUSE: Duration = Duration::from_millis(25);

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether it came whole.
    pub(crate) whole: bool,
    pub(crate) complaint: Option<&'static str>,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<Seen>,
    /// What is done for a request to `/case`.
    script: Vec<Step>,
    /// Scripts that are being played.
    busy: usize,
    /// How many cases are over.
    over: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Seen {
    /// Method and target.
    pub(crate) fn line(&self) -> &str {
        let line = self.head.split("\r\n").next().unwrap_or_default();
        line.strip_suffix(" HTTP/1.1").unwrap_or(line)
    }
}

impl Origin {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = Self {
            address: listener.local_addr().expect("its address"),
            state: Arc::default(),
        };
        let own = origin.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let own = own.clone();
                thread::spawn(move || own.serve(stream));
            }
        });
        origin
    }

    /// What was asked since the last call.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().expect("unpoisoned").seen)
    }

    /// A case is over: what breaks off of it only now is of no interest.
    pub(crate) fn next_case(&self) {
        self.state.lock().expect("unpoisoned").over += 1;
    }

    pub(crate) fn cases_over(&self) -> usize {
        self.state.lock().expect("unpoisoned").over
    }

    pub(crate) fn script(&self, script: Vec<Step>) {
        self.state.lock().expect("unpoisoned").script = script;
    }

    /// Returns when no script is being played any more.
    pub(crate) fn rest(&self) {
        let deadline = Instant::now() + Duration::from_secs(2);
        while self.state.lock().expect("unpoisoned").busy > 0 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let (mut bytes, mut part) = (Vec::new(), [0; 16 * 1024]);
        let (mut answered, mut case) = (false, 0);
        loop {
            let found = message(&bytes);
            if let Some((seen, None)) = &found
                && self.is_early(seen)
                && !answered
            {
                answered = true;
                if !self.play(&mut stream) {
                    break;
                }
            }
            if let Some((seen, Some(length))) = found {
                bytes.drain(..length);
                if !self.answer(&mut stream, seen, answered) {
                    return;
                }
                answered = false;
                continue;
            }
            match stream.read(&mut part) {
                Ok(count @ 1..) => {
                    if bytes.is_empty() {
                        case = self.cases_over();
                    }
                    bytes.extend_from_slice(&part[..count]);
                }
                _ => break,
            }
        }
        let head = text(&bytes);
        // What says of which case it is may even have arrived late.
        let case = field(&head, "x-case").map_or(case, |own| own.parse().unwrap_or(case));
        if !bytes.is_empty() && case == self.cases_over() {
            // What is no whole request was forwarded all the same.
            self.remember(Seen {
                complaint: None,
                head,
                body: Vec::new(),
                whole: false,
            });
        }
    }

    fn remember(&self, seen: Seen) {
        self.state.lock().expect("unpoisoned").seen.push(seen);
    }

    fn is_early(&self, seen: &Seen) -> bool {
        let script = &self.state.lock().expect("unpoisoned").script;
        seen.head.contains(" /case ") && script.first() == Some(&Step::Early)
    }

    /// False when the connection is over.
    fn answer(&self, stream: &mut TcpStream, seen: Seen, answered: bool) -> bool {
        let line = seen.line().to_owned();
        if line.ends_with(" /case") {
            let early = self.is_early(&seen);
            self.remember(seen);
            return early && answered || self.play(stream);
        }
        self.remember(seen);
        let (method, path) = line.split_once(' ').unwrap_or_default();
        let body = if method == "HEAD" { "" } else { path };
        let length = path.len();
        let answer =
            format!("HTTP/1.1 200 OK\r\nX-For: {line}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).is_ok()
    }

    fn play(&self, stream: &mut TcpStream) -> bool {
        let script = {
            let mut state = self.state.lock().expect("unpoisoned");
            state.busy += 1;
            state.script.clone()
        };
        let goes_on = script.iter().all(|step| perform(stream, step));
        self.state.lock().expect("unpoisoned").busy -= 1;
        goes_on
    }
}

/// False when the connection is over.
fn perform(stream: &mut TcpStream, step: &Step) -> bool {
    match step {
        Step::Send(bytes) => stream.write_all(bytes).is_ok(),
        Step::Pause => {
            thread::sleep(PAUSE);
            true
        }
        Step::Shut => stream.shutdown(Shutdown::Write).is_ok(),
        Step::Close => {
            let _ = stream.shutdown(Shutdown::Both);
            false
        }
        Step::Reset => {
            let _ = socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
            false
        }
        Step::Early => true,
    }
}

/// The first message, as soon as its head is there, and how long it is, if it is whole.
fn message(bytes: &[u8]) -> Option<(Seen, Option<usize>)> {
    let end = find(bytes, b"\r\n\r\n", 0)? + 4;
    let head = text(&bytes[..end]);
    let body = match (
        field(&head, "transfer-encoding"),
        field(&head, "content-length"),
    ) {
        (Some(_), _) => dechunk(bytes, end),
        (None, Some(length)) => {
            let stop = end.saturating_add(length.parse().unwrap_or(usize::MAX));
            bytes.get(end..stop).map(|body| (body.to_vec(), stop))
        }
        (None, None) => Some((Vec::new(), end)),
    };
    let (body, length) = match body {
        Some((body, length)) => (body, Some(length)),
        None => (Vec::new(), None),
    };
    let seen = Seen {
        complaint: complaint(&bytes[..end], true),
        head,
        body,
        whole: true,
    };
    Some((seen, length))
}
