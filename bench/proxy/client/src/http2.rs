//! HTTP/2 from the client's side, as little as a load generator needs: frames, no dynamic table of answers, no priority.

use anyhow::{bail, ensure};

use crate::requests::{Requests, Route};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 0x1;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// Each stream's window: more than any answer has.
const STREAM_WINDOW: u32 = 16 << 20;
/// The connection's window is filled up again after so many bytes.
const REFILL: u32 = 1 << 29;

/// One connection's state.
#[derive(Debug)]
pub(crate) struct Http2 {
    https: bool,
    next_stream: u32,
    /// Streams that wait for their ends: bytes so far, and whether their status was good.
    open: Vec<Open>,
    partial: Vec<u8>,
    received: u32,
}

#[derive(Debug)]
struct Open {
    stream: u32,
    length: usize,
    good: bool,
}

/// An answer that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) stream: u32,
    pub(crate) length: usize,
}

impl Http2 {
    /// Begins a connection.
    pub(crate) fn new(https: bool, out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut settings = vec![0, 2, 0, 0, 0, 0, 0, 4];
        settings.extend_from_slice(&STREAM_WINDOW.to_be_bytes());
        frame(SETTINGS, 0, 0, &settings, out);
        frame(WINDOW_UPDATE, 0, 0, &(REFILL * 2).to_be_bytes(), out);
        Self {
            https,
            next_stream: 1,
            open: Vec::new(),
            partial: Vec::new(),
            received: 0,
        }
    }

    /// Adds a request's frames; yields its stream.
    pub(crate) fn request(&mut self, requests: &Requests, route: Route, out: &mut Vec<u8>) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        let mut block = Vec::with_capacity(64);
        requests.hpack(route, self.https, stream == 1, &mut block);
        frame(HEADERS, END_STREAM | END_HEADERS, stream, &block, out);
        self.open.push(Open {
            stream,
            length: 0,
            good: false,
        });
        stream
    }

    /// Takes bytes; adds the answers that end with them, and what must be said to the peer.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        finished: &mut Vec<Answer>,
        out: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend_from_slice(bytes);
        let mut rest = partial.as_slice();
        while let Some((head, after)) = rest.split_first_chunk::<9>() {
            let length =
                usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let Some((payload, after)) = after.split_at_checked(length) else {
                break;
            };
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & (u32::MAX >> 1);
            self.frame(head[3], head[4], stream, payload, out)?;
            if head[4] & END_STREAM != 0 && matches!(head[3], DATA | HEADERS) {
                finished.push(self.end(stream)?);
            }
            rest = after;
        }
        let used = partial.len() - rest.len();
        partial.drain(..used);
        self.partial = partial;
        Ok(())
    }

    fn frame(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        match kind {
            DATA => {
                self.received += u32::try_from(payload.len())?;
                if self.received >= REFILL {
                    frame(WINDOW_UPDATE, 0, 0, &self.received.to_be_bytes(), out);
                    self.received = 0;
                }
                self.of(stream)?.length += unpadded(flags & !PRIORITY, payload)?.len();
            }
            HEADERS => {
                let good = is_200(unpadded(flags, payload)?);
                // Trailers have no status.
                let open = self.of(stream)?;
                open.good |= good;
                ensure!(open.good, "answered something other than 200");
            }
            SETTINGS if flags & ACK == 0 => {
                for setting in payload.chunks_exact(6) {
                    let value =
                        u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
                    ensure!(
                        setting[..2] != [0, 1] || value >= 256,
                        "a header table of {value} bytes is too small for this client"
                    );
                }
                frame(SETTINGS, ACK, 0, &[], out);
            }
            PING if flags & ACK == 0 => frame(PING, ACK, 0, payload, out),
            RST_STREAM => bail!("stream reset: {payload:?}"),
            GOAWAY => bail!("connection ended: {payload:?}"),
            _ => {}
        }
        Ok(())
    }

    fn of(&mut self, stream: u32) -> anyhow::Result<&mut Open> {
        let found = self.open.iter_mut().find(|open| open.stream == stream);
        found.ok_or_else(|| anyhow::anyhow!("frames for stream {stream}, which isn't open"))
    }

    fn end(&mut self, stream: u32) -> anyhow::Result<Answer> {
        let length = self.of(stream)?.length;
        self.open.retain(|open| open.stream != stream);
        Ok(Answer { stream, length })
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    out.extend_from_slice(&[length[1], length[2], length[3], kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The payload without padding and priority.
fn unpadded(flags: u8, payload: &[u8]) -> anyhow::Result<&[u8]> {
    let mut rest = payload;
    let mut padding = 0;
    if flags & PADDED != 0 {
        let Some((&length, after)) = rest.split_first() else {
            bail!("padding is missing");
        };
        (padding, rest) = (usize::from(length), after);
    }
    if flags & PRIORITY != 0 {
        rest = rest.get(5..).unwrap_or_default();
    }
    Ok(&rest[..rest.len().saturating_sub(padding)])
}

/// Whether a header block begins with `:status: 200`, after updates of the table's size.
fn is_200(block: &[u8]) -> bool {
    let mut rest = block;
    while let Some((&first, after)) = rest.split_first() {
        if first & 0xe0 != 0x20 {
            return first == 0x88;
        }
        rest = after;
        if first == 0x3f {
            let more = rest.iter().take_while(|&&byte| byte & 0x80 != 0).count();
            rest = rest.get(more + 1..).unwrap_or_default();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Answer, DATA, END_STREAM, HEADERS, Http2, PADDED, SETTINGS, frame, is_200};
    use crate::requests::Requests;

    #[test]
    fn status() {
        assert!(is_200(&[0x88, 1, 2]));
        assert!(is_200(&[0x3f, 0xe1, 0x1f, 0x88]));
        assert!(is_200(&[0x20, 0x88]));
        assert!(!is_200(&[0x8d]));
        assert!(!is_200(&[]));
    }

    #[test]
    fn answers_in_pieces_of_every_size() {
        let requests = Requests {
            hosts: 1,
            paths: 1,
            size: 5,
            body: 0,
            connect: false,
        };
        let mut bytes = Vec::new();
        frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100], &mut bytes);
        for stream in [3, 1] {
            frame(HEADERS, 4, stream, &[0x88], &mut bytes);
            frame(DATA, PADDED, stream, b"\x02hel..", &mut bytes);
        }
        for stream in [1, 3] {
            frame(DATA, END_STREAM, stream, b"lo", &mut bytes);
        }
        for piece in 1..=bytes.len() {
            let (mut out, mut finished) = (Vec::new(), Vec::new());
            let mut http2 = Http2::new(false, &mut out);
            for n in 0..2 {
                http2.request(&requests, requests.route(n), &mut out);
            }
            out.clear();
            for chunk in bytes.chunks(piece) {
                http2
                    .take(chunk, &mut finished, &mut out)
                    .expect("good frames");
            }
            let answer = |stream| Answer { stream, length: 5 };
            assert_eq!(finished, [answer(1), answer(3)]);
            assert_eq!(out, [0, 0, 0, SETTINGS, 1, 0, 0, 0, 0]);
        }
    }
}
