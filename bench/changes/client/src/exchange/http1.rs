//! HTTP/1.1, one request after the other.

use std::fmt;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{ANSWER_BYTES, Answer, Ask};
use crate::{
    dial::Wire,
    fault::{Failure, Fault},
};

/// A connection.
pub(crate) struct Http1 {
    stream: Box<dyn Wire>,
    buffer: Vec<u8>,
}

/// Of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) length: Option<usize>,
    pub(crate) close: bool,
    pub(crate) fields: Vec<(String, String)>,
    /// Its own bytes.
    bytes: usize,
}

impl fmt::Debug for Http1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http1").finish_non_exhaustive()
    }
}

impl Http1 {
    pub(crate) fn new(stream: Box<dyn Wire>) -> Self {
        Self {
            stream,
            buffer: Vec::with_capacity(4096),
        }
    }

    pub(crate) async fn send(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        write(&mut self.stream, &request(ask)).await?;
        self.buffer.clear();
        loop {
            if let Some(answer) = parse(&self.buffer)? {
                return Ok(answer);
            }
            if self.buffer.len() > ANSWER_BYTES {
                return Err(Failure::malformed("an answer that is too long"));
            }
            fill(&mut self.stream, &mut self.buffer).await?;
        }
    }
}

/// Reads until a head is here; what came behind it stays in the buffer.
pub(crate) async fn read_head(
    stream: &mut Box<dyn Wire>,
    buffer: &mut Vec<u8>,
) -> Result<Head, Failure> {
    loop {
        if let Some(head) = head(buffer)? {
            buffer.drain(..head.bytes);
            return Ok(head);
        }
        if buffer.len() > ANSWER_BYTES {
            return Err(Failure::malformed("a head that is too long"));
        }
        fill(stream, buffer).await?;
    }
}

async fn write(stream: &mut Box<dyn Wire>, bytes: &[u8]) -> Result<(), Failure> {
    let written = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    written.await.map_err(|error| Failure::io("send", &error))
}

async fn fill(stream: &mut Box<dyn Wire>, buffer: &mut Vec<u8>) -> Result<(), Failure> {
    match stream.read_buf(buffer).await {
        Ok(1..) => Ok(()),
        Ok(0) => Err(Failure::new(
            Fault::Truncated,
            format!("the connection ended after {} bytes", buffer.len()),
        )),
        Err(error) => Err(Failure::io("read", &error)),
    }
}

fn request(ask: &Ask) -> Vec<u8> {
    let Ask { host, path, body } = ask;
    match body {
        None => format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        Some(body) => format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    }
    .into_bytes()
}

/// The head, when it is whole.
fn head(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let wrong = |_| Failure::malformed(String::from_utf8_lossy(&bytes[..end]));
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| wrong(()))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let mut head = Head {
        status: status
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| wrong(()))?,
        length: None,
        close: false,
        fields: Vec::new(),
        bytes: end + 4,
    };
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| wrong(()))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = Some(value.parse().map_err(|_| wrong(()))?);
        }
        head.close |=
            name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close");
        head.fields.push((name.to_owned(), value.to_owned()));
    }
    Ok(Some(head))
}

/// An answer with a Content-Length, when it is whole.
fn parse(bytes: &[u8]) -> Result<Option<Answer>, Failure> {
    let Some(head) = head(bytes)? else {
        return Ok(None);
    };
    let Some(length) = head.length else {
        return Err(Failure::malformed("an answer without Content-Length"));
    };
    let body = &bytes[head.bytes..];
    if body.len() > length {
        return Err(Failure::malformed("more bytes than Content-Length says"));
    }
    if body.len() < length {
        return Ok(None);
    }
    Ok(Some(Answer {
        status: head.status,
        body: String::from_utf8_lossy(body).into_owned(),
        close: head.close,
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
        check("nonsense\r\n\r\n", "wrong");
    }
}
