//! A client that sends bytes as they are, and reads answers one by one.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use crate::{
    escape::Step,
    wire::{complaint, dechunk, field, find, text},
};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// Long enough for what was sent to be read alone.
const PAUSE: Duration = Duration::from_millis(25);

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether its end could be seen, and is no accident.
    pub(crate) whole: bool,
    pub(crate) complaint: Option<&'static str>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Answer(Answer),
    Closed,
    /// Nothing for so long that it counts as a hang.
    Hangs,
}

pub(crate) struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
    closed: bool,
    reset: bool,
}

/// How bytes are cut on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Whole,
    /// One by one; of what is long, pieces of an odd size.
    Bytes,
    /// Once, in the middle, with a pause.
    Half,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_nodelay(true).expect("set");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.set_write_timeout(Some(PATIENCE)).expect("set");
        Self {
            stream,
            bytes: Vec::new(),
            closed: false,
            reset: false,
        }
    }

    /// Sends bytes. A proxy that has refused already may have closed.
    pub(crate) fn send(&mut self, bytes: &[u8], cut: Cut) {
        match cut {
            Cut::Whole => {
                let _ = self.stream.write_all(bytes);
            }
            Cut::Bytes => {
                let size = if bytes.len() < 2_000 { 1 } else { 997 };
                for part in bytes.chunks(size) {
                    if self.stream.write_all(part).is_err() {
                        return;
                    }
                }
            }
            Cut::Half => {
                let (first, second) = bytes.split_at(bytes.len() / 2);
                let _ = self.stream.write_all(first);
                thread::sleep(PAUSE / 10);
                let _ = self.stream.write_all(second);
            }
        }
    }

    /// Plays a client's part.
    pub(crate) fn play(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Send(bytes) => self.send(bytes, Cut::Whole),
                Step::Pause => thread::sleep(PAUSE),
                Step::Shut => self.finish_sending(),
                Step::Close | Step::Reset => {
                    let _ = self.stream.shutdown(Shutdown::Both);
                }
                Step::Early => {}
            }
        }
    }

    pub(crate) fn finish_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next answer, a 1xx too; `head` says that it has no body.
    pub(crate) fn reply(&mut self, head: bool) -> Reply {
        loop {
            if let Some(answer) = self.take(head) {
                return Reply::Answer(answer);
            }
            if self.closed {
                return Reply::Closed;
            }
            let mut part = [0; 16 * 1024];
            match self.stream.read(&mut part) {
                Ok(count @ 1..) => self.bytes.extend_from_slice(&part[..count]),
                Ok(0) => self.closed = true,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Reply::Hangs;
                }
                Err(_) => (self.closed, self.reset) = (true, true),
            }
        }
    }

    /// Bytes that follow an answer, in a tunnel.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.bytes);
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }

    /// The first answer of what is there, if it is whole, or all there will be.
    fn take(&mut self, head: bool) -> Option<Answer> {
        let end = find(&self.bytes, b"\r\n\r\n", 0)? + 4;
        let head_text = text(&self.bytes[..end]);
        let wrong = complaint(&self.bytes[..end], false);
        let status = head_text.get(9..12).and_then(|digits| digits.parse().ok());
        let rest = &self.bytes[end..];
        let body = match status {
            _ if head => Some((Vec::new(), 0)),
            Some(100..=199 | 204 | 304) => Some((Vec::new(), 0)),
            _ if field(&head_text, "transfer-encoding").is_some() => dechunk(rest, 0),
            _ => match field(&head_text, "content-length").map(str::parse) {
                Some(length) => {
                    let length: usize = length.unwrap_or_default();
                    rest.get(..length).map(|body| (body.to_vec(), length))
                }
                None => (self.closed && !self.reset).then(|| (rest.to_vec(), rest.len())),
            },
        };
        if body.is_none() && !self.closed {
            return None;
        }
        let whole = body.is_some();
        let (body, length) = body.unwrap_or_else(|| (rest.to_vec(), rest.len()));
        self.bytes.drain(..end + length);
        Some(Answer {
            status: status.unwrap_or(0),
            head: head_text,
            body,
            whole,
            complaint: wrong,
        })
    }
}
