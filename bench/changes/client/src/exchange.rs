//! One client connection that sends GETs and reads whole answers, strictly.

use std::{io, net::SocketAddr};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// No answer here is longer.
const ANSWER_BYTES: usize = 64 << 10;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// The server ends the connection after this answer.
    pub close: bool,
}

/// A connection that is kept.
#[derive(Debug)]
pub struct Exchange {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Exchange {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends a GET and waits for its answer.
    pub async fn get(&mut self, host: &str, path: &str) -> anyhow::Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        self.stream
            .write_all(request.as_bytes())
            .await
            .context("send")?;
        self.buffer.clear();
        loop {
            if let Some(answer) = parse(&self.buffer)? {
                return Ok(answer);
            }
            if self.buffer.len() > ANSWER_BYTES {
                bail!("an answer of more than {ANSWER_BYTES} bytes");
            }
            if self
                .stream
                .read_buf(&mut self.buffer)
                .await
                .context("read")?
                == 0
            {
                bail!(
                    "the connection ended after {} bytes of an answer",
                    self.buffer.len()
                );
            }
        }
    }
}

/// An answer with a Content-Length, when it is whole.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end])?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .context("no status")?
        .parse()?;
    let mut length = None;
    let mut close = false;
    for line in lines {
        let (name, value) = line.split_once(':').context("a line without a colon")?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.parse::<usize>()?);
        }
        close |= name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close");
    }
    let length = length.context("an answer without Content-Length")?;
    let body = &bytes[end + 4..];
    if body.len() > length {
        bail!("more bytes than Content-Length says");
    }
    if body.len() < length {
        return Ok(None);
    }
    Ok(Some(Answer {
        status,
        body: String::from_utf8_lossy(body).into_owned(),
        close,
    }))
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(bytes: &str, expect: &str) {
        let found = match parse(bytes.as_bytes()) {
            Ok(Some(answer)) => format!("{} {} {}", answer.status, answer.body, answer.close),
            Ok(None) => "more".to_owned(),
            Err(_) => "wrong".to_owned(),
        };
        assert_eq!(found, expect, "{bytes:?}");
    }

    #[test]
    fn answers_are_read_whole() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
            "200 ab false",
        );
        check(
            "HTTP/1.1 503 No\r\ncontent-length: 0\r\nConnection: close\r\n\r\n",
            "503  true",
        );
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", "more");
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "more");
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", "wrong");
        check("HTTP/1.1 200 OK\r\n\r\nabc", "wrong");
    }
}
