//! Frames as bytes, and what comes back as words. Fields are sent as literals, never indexed and never compressed.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::escape::unescape;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(8);
const FRAME_BYTES_MAX: usize = 16_384;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn integer(mut number: usize, out: &mut Vec<u8>) {
    let byte = |number: usize| u8::try_from(number).expect("a byte");
    if number < 127 {
        return out.push(byte(number));
    }
    out.push(127);
    number -= 127;
    while number >= 128 {
        out.push(byte(number % 128 + 128));
        number /= 128;
    }
    out.push(byte(number));
}

/// A block of fields from words like `name=value`; `req` is a plain GET of `/a`.
pub(crate) fn block(words: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in words {
        if *word == "req" {
            let usual = [":method=GET", ":scheme=http", ":authority=a", ":path=/a"];
            out.extend(block(&usual));
            continue;
        }
        // A pseudo-header's colon is part of its name.
        let (name, value) = word.split_once('=').expect("a field");
        out.push(0);
        for text in [name, value] {
            let text = unescape(text);
            integer(text.len(), &mut out);
            out.extend_from_slice(&text);
        }
    }
    out
}

/// HEADERS, with CONTINUATION where one frame is too small.
fn headers(kind: u8, stream: u32, end: bool, whole: bool, block: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let count = block.chunks(FRAME_BYTES_MAX).count().max(1);
    for index in 0..count {
        let part = block.chunks(FRAME_BYTES_MAX).nth(index).unwrap_or_default();
        let kind = if index == 0 { kind } else { CONTINUATION };
        let mut flags = if whole && index + 1 == count {
            END_HEADERS
        } else {
            0
        };
        if end && index == 0 {
            flags |= END_STREAM;
        }
        out.extend(frame(kind, flags, stream, part));
    }
    out
}

/// Frames from a line: see `frames.txt`.
pub(crate) fn frames(line: &str) -> Vec<u8> {
    line.split(" ; ").flat_map(one).collect()
}

fn one(text: &str) -> Vec<u8> {
    let words: Vec<&str> = text.split(' ').collect();
    let number = |index: usize| -> u32 {
        let word = words.get(index).unwrap_or(&"0");
        word.parse().expect("a number")
    };
    let has = |flag: &str| words.get(2..).is_some_and(|rest| rest.contains(&flag));
    let rest: Vec<&str> = words
        .iter()
        .skip(2)
        .copied()
        .filter(|word| !["end", "part"].contains(word))
        .collect();
    match words[0] {
        "H" => headers(HEADERS, number(1), has("end"), !has("part"), &block(&rest)),
        "C" => headers(CONTINUATION, number(1), false, !has("part"), &block(&rest)),
        "D" => {
            let flags = if has("end") { END_STREAM } else { 0 };
            let data = unescape(&rest.concat());
            let parts = data.chunks(FRAME_BYTES_MAX);
            if data.is_empty() {
                return frame(DATA, flags, number(1), &[]);
            }
            let last = parts.len() - 1;
            let flags = |index| if index == last { flags } else { 0 };
            parts
                .enumerate()
                .flat_map(|(index, part)| frame(DATA, flags(index), number(1), part))
                .collect()
        }
        "R" => frame(RESET, 0, number(1), &number(2).to_be_bytes()),
        "W" => frame(WINDOW_UPDATE, 0, number(1), &number(2).to_be_bytes()),
        "S" => {
            let mut payload = u16::try_from(number(1))
                .expect("short")
                .to_be_bytes()
                .to_vec();
            payload.extend(number(2).to_be_bytes());
            frame(SETTINGS, 0, 0, &payload)
        }
        "F" => {
            let byte = |index| u8::try_from(number(index)).expect("a byte");
            let payload = unescape(words.get(4).unwrap_or(&""));
            frame(byte(1), byte(2), number(3), &payload)
        }
        "B" => unescape(words[1]),
        other => panic!("no such frame: {other}"),
    }
}

/// What happened on a stream, or to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Status {
        stream: u32,
        status: u16,
        end: bool,
    },
    Data {
        stream: u32,
        data: Vec<u8>,
        end: bool,
    },
    Reset {
        stream: u32,
        code: u32,
    },
    Goodbye {
        code: u32,
    },
    Closed,
    Hangs,
}

pub(crate) struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Connection {
    /// After both sides' SETTINGS. The window of new streams is what the client says.
    pub(crate) fn open(address: SocketAddr, window: u32) -> Self {
        let mut connection = Self::cold(address);
        connection.send(PREFACE);
        let mut settings = vec![0, 1, 0, 0, 0, 0, 0, 4];
        settings.extend(window.to_be_bytes());
        connection.send(&frame(SETTINGS, 0, 0, &settings));
        while let Some((kind, flags, ..)) = connection.frame() {
            if kind == SETTINGS && flags == 0 {
                break;
            }
        }
        connection.send(&frame(SETTINGS, 1, 0, &[]));
        connection
    }

    /// Nothing was said yet.
    pub(crate) fn cold(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_nodelay(true).expect("set");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.set_write_timeout(Some(PATIENCE)).expect("set");
        Self {
            stream,
            bytes: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next frame: kind, flags, stream, payload. `None` at the end, and in a hang, which `event` tells apart.
    fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        loop {
            if let [a, b, c, kind, flags, stream @ ..] = &self.bytes[..]
                && let Some(id) = stream.first_chunk::<4>()
            {
                let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
                if let Some(payload) = self.bytes.get(9..9 + length) {
                    let found = (*kind, *flags, u32::from_be_bytes(*id), payload.to_vec());
                    self.bytes.drain(..9 + length);
                    return Some(found);
                }
            }
            let mut part = [0; 16 * 1024];
            match self.stream.read(&mut part) {
                Ok(count @ 1..) => self.bytes.extend_from_slice(&part[..count]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    self.bytes = b"hang".to_vec();
                    return None;
                }
                _ => return None,
            }
        }
    }

    /// The next thing that matters.
    pub(crate) fn event(&mut self) -> Event {
        loop {
            let Some((kind, flags, stream, payload)) = self.frame() else {
                let hangs = self.bytes == b"hang";
                return if hangs { Event::Hangs } else { Event::Closed };
            };
            let end = flags & END_STREAM != 0;
            let code = |at: usize| {
                let bytes = payload.get(at..).and_then(<[u8]>::first_chunk::<4>);
                bytes.map_or(u32::MAX, |bytes| u32::from_be_bytes(*bytes))
            };
            match kind {
                DATA => {
                    let data = payload;
                    return Event::Data { stream, data, end };
                }
                HEADERS => {
                    let status = status(&payload);
                    return Event::Status {
                        stream,
                        status,
                        end,
                    };
                }
                RESET => {
                    let code = code(0);
                    return Event::Reset { stream, code };
                }
                GOAWAY => return Event::Goodbye { code: code(4) },
                _ => {}
            }
        }
    }
}

/// `:status`, which stands first. 0 for trailers.
fn status(mut block: &[u8]) -> u16 {
    while let [0x20..=0x3f, rest @ ..] = block {
        block = rest;
    }
    match block {
        [index @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(index - 0x88)],
        // A literal with the name of `:status`, digits plain or compressed.
        [0x08 | 0x48 | 0x18, 3, digits @ ..] => digits[..3]
            .iter()
            .fold(0, |number, digit| number * 10 + u16::from(digit - b'0')),
        [0x08 | 0x48 | 0x18, length, digits @ ..] if length & 0x80 != 0 => {
            compressed_digits(&digits[..usize::from(length & 0x7f)])
        }
        _ => 0,
    }
}

/// Three digits in the code of RFC 7541, appendix B.
fn compressed_digits(bytes: &[u8]) -> u16 {
    let bit = |at: usize| u16::from(bytes.get(at / 8).unwrap_or(&0) >> (7 - at % 8) & 1);
    let (mut at, mut number) = (0, 0);
    for _ in 0..3 {
        let five = (at..at + 5).fold(0, |code, at| code << 1 | bit(at));
        let digit = match five {
            0..=2 => {
                at += 5;
                five
            }
            _ => {
                let six = five << 1 | bit(at + 5);
                at += 6;
                six - 0b01_1001 + 3
            }
        };
        number = number * 10 + digit;
    }
    number
}
