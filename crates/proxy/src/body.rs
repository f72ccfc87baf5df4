//! Where a message's body ends, as its bytes come into a buffer. Bytes in, verdicts out: no IO.

use tidegate_http::{BodyDecoder, BodyError, BodyLimits, Fields, Framing};

use crate::buffer::Buffer;

/// The rest of one body.
#[derive(Debug)]
pub(crate) struct Body {
    decoder: BodyDecoder,
    /// Bytes at the front of the buffer that are data and that nobody has taken yet.
    data: usize,
    /// Bytes of framing behind them.
    framing: usize,
}

/// What the bytes at hand are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// So many bytes at the front of the buffer are data. 1 or more.
    Data(usize),
    /// More must be read first.
    More,
    End,
}

impl Body {
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            decoder: BodyDecoder::new(framing, BodyLimits::default()),
            data: 0,
            framing: 0,
        }
    }

    /// Reads framing from the front of the buffer, up to the next data.
    pub(crate) fn next(&mut self, buffer: &mut Buffer) -> Result<Next, BodyError> {
        loop {
            if self.data > 0 {
                return Ok(Next::Data(self.data));
            }
            if self.decoder.is_finished() {
                return Ok(Next::End);
            }
            if buffer.is_empty() {
                return Ok(Next::More);
            }
            let piece = self.decoder.decode(buffer.filled())?;
            buffer.consume(piece.data.start);
            self.data = piece.data.len();
            self.framing = piece.consumed - piece.data.end;
            if self.data == 0 {
                buffer.consume(std::mem::take(&mut self.framing));
                if piece.consumed == 0 && !piece.finished {
                    return Ok(Next::More);
                }
            }
        }
    }

    /// Takes so many bytes of data from the front.
    pub(crate) fn take(&mut self, count: usize, buffer: &mut Buffer) {
        debug_assert!(count <= self.data);
        buffer.consume(count);
        self.data -= count;
        if self.data == 0 {
            buffer.consume(std::mem::take(&mut self.framing));
        }
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// The body isn't whole.
    pub(crate) fn closed(&mut self) -> Result<(), BodyError> {
        self.decoder.end_of_input()
    }

    /// Whether all has come, and was taken.
    pub(crate) fn is_ended(&self) -> bool {
        self.data == 0 && self.decoder.is_finished()
    }

    pub(crate) fn trailers(&self) -> Option<&Fields> {
        self.decoder.trailers()
    }
}

#[cfg(test)]
mod tests {
    use tidegate_http::Framing;

    use super::{Body, Next};
    use crate::buffer::{Buffer, Pool};

    /// Feeds `input` in pieces of `size` bytes; returns the data, and what is left in the buffer.
    fn read(framing: Framing, input: &[u8], size: usize) -> Option<(String, String)> {
        let pool = Pool::default();
        let (mut body, mut buffer) = (Body::new(framing), Buffer::default());
        let (mut data, mut parts) = (Vec::new(), input.chunks(size));
        loop {
            match body.next(&mut buffer).ok()? {
                Next::Data(count) => {
                    data.extend_from_slice(&buffer.filled()[..count]);
                    body.take(count, &mut buffer);
                }
                Next::End => break,
                Next::More => match parts.next() {
                    Some(part) => {
                        buffer.space(&pool)[..part.len()].copy_from_slice(part);
                        buffer.added(part.len());
                    }
                    None => {
                        body.closed().ok()?;
                    }
                },
            }
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((text(&data), text(buffer.filled())))
    }

    fn check(framing: Framing, input: &str, expect: Option<(&str, &str)>) {
        for size in [1, 3, 1000] {
            let got = read(framing, input.as_bytes(), size);
            let data = got.as_ref().map(|(data, _)| data.as_str());
            assert_eq!(data, expect.map(|(data, _)| data), "{input} by {size}");
            if size == 1000 {
                let rest = got.as_ref().map(|(_, rest)| rest.as_str());
                assert_eq!(rest, expect.map(|(_, rest)| rest), "{input}");
            }
        }
    }

    #[test]
    fn bodies_end_where_their_framing_says() {
        check(Framing::None, "next", Some(("", "")));
        check(Framing::Length(3), "abcnext", Some(("abc", "next")));
        check(Framing::Length(3), "ab", None);
        check(Framing::UntilClose, "abc", Some(("abc", "")));
        check(
            Framing::Chunked,
            "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nnext",
            Some(("abcde", "next")),
        );
        check(Framing::Chunked, "3\r\nabc\r\n", None);
        check(Framing::Chunked, "x\r\nabc\r\n", None);
    }
}
