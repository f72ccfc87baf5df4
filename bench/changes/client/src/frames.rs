//! WebSocket frames (RFC 6455 §5), as far as an echo needs them: none is fragmented.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The key of RFC 6455's example, and what accepts it.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// What clients mask with: the same for all, as nobody here looks for patterns.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// No frame here is longer.
const PAYLOAD_BYTES: usize = 64 << 10;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Binary,
    Close,
}

/// Who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Client,
    Server,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: Opcode,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// As it goes over the wire.
    pub(crate) fn encode(&self, from: From) -> Vec<u8> {
        let opcode = match self.opcode {
            Opcode::Binary => 0x2,
            Opcode::Close => 0x8,
        };
        let mask_bit = if from == From::Client { 0x80 } else { 0 };
        let mut bytes = vec![0x80 | opcode];
        match (
            u8::try_from(self.payload.len()),
            u16::try_from(self.payload.len()),
        ) {
            (Ok(length @ ..126), _) => bytes.push(mask_bit | length),
            (_, Ok(length)) => {
                bytes.push(mask_bit | 126);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend_from_slice(&(self.payload.len() as u64).to_be_bytes());
            }
        }
        match from {
            From::Server => bytes.extend_from_slice(&self.payload),
            From::Client => {
                bytes.extend_from_slice(&MASK);
                bytes.extend(masked(&self.payload, MASK));
            }
        }
        bytes
    }

    /// The next frame; none where the other side has ended between two frames.
    pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut first = [0; 1];
        if stream.read(&mut first).await? == 0 {
            return Ok(None);
        }
        let opcode = match first[0] {
            0x82 => Opcode::Binary,
            0x88 => Opcode::Close,
            other => return Err(unsupported(format!("a frame that begins with {other:#x}"))),
        };
        let second = stream.read_u8().await?;
        let length = match second & 0x7f {
            126 => u64::from(stream.read_u16().await?),
            127 => stream.read_u64().await?,
            short => u64::from(short),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > PAYLOAD_BYTES {
            return Err(unsupported(format!("a frame of {length} bytes")));
        }
        let mut mask = [0; 4];
        if second & 0x80 != 0 {
            stream.read_exact(&mut mask).await?;
        }
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await?;
        Ok(Some(Self {
            opcode,
            payload: masked(&payload, mask).collect(),
        }))
    }
}

fn masked(bytes: &[u8], mask: [u8; 4]) -> impl Iterator<Item = u8> {
    let key = mask.into_iter().cycle();
    bytes.iter().zip(key).map(|(byte, key)| byte ^ key)
}

fn unsupported(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, words)
}

#[cfg(test)]
mod tests {
    use super::{Frame, From, Opcode};

    async fn check(length: usize, from: From, bytes: usize) {
        let frame = Frame {
            opcode: Opcode::Binary,
            payload: crate::content::at(0, length).collect(),
        };
        let encoded = frame.encode(from);
        assert_eq!(encoded.len(), bytes, "{length} {from:?}");
        let mut wire = &encoded[..];
        let read = Frame::read(&mut wire).await.expect("a frame");
        assert_eq!(read, Some(frame), "{length} {from:?}");
        let end = Frame::read(&mut wire).await.expect("the end");
        assert_eq!(end, None);
        let cut = Frame::read(&mut &encoded[..encoded.len() - 1]).await;
        assert!(cut.is_err(), "{length} {from:?}");
    }

    #[tokio::test]
    async fn frames_come_back_as_they_were() {
        check(1, From::Client, 2 + 4 + 1).await;
        check(125, From::Server, 2 + 125).await;
        check(126, From::Client, 2 + 2 + 4 + 126).await;
        check(60_000, From::Server, 2 + 2 + 60_000).await;
    }
}
