//! Large bodies that take long, up or down, so that everything changes while they are under way.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep},
};

use super::{Reporter, Target, every};
use crate::{
    content,
    dial::Wire,
    exchange::read_head,
    fault::{Failure, Fault, in_time},
    origin,
};

/// Between two parts.
const PAUSE: Duration = Duration::from_millis(50);
const PART_BYTES: usize = 32 << 10;

/// Which way they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Posted in chunks; the origin says what came.
    Up,
    /// An answer with a length.
    Down,
}

/// Bodies to or from one host.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    /// Its host, and how it is reached.
    pub(crate) target: Target,
    pub(crate) direction: Direction,
    /// How long each shall take.
    pub(crate) lasts: Duration,
}

impl Bodies {
    pub(super) async fn run(self, reporter: Reporter) {
        let mut ticks = every(PAUSE);
        while reporter.goes_on() {
            ticks.tick().await;
            let began = Instant::now();
            let moved = match self.direction {
                Direction::Up => self.upload().await,
                Direction::Down => self.download().await,
            };
            reporter.report(began, moved);
        }
    }

    /// Of a download, whose length must be known when it begins.
    fn parts(&self) -> usize {
        usize::try_from(self.lasts.as_millis() / PAUSE.as_millis()).map_or(1, |parts| parts.max(1))
    }

    async fn upload(&self) -> Result<(), Failure> {
        let mut stream = self.target.dial().await?.stream;
        let path = origin::UPLOAD;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            self.target.ask.host
        );
        send(&mut stream, head.as_bytes()).await?;
        let began = Instant::now();
        let mut bytes = 0;
        while began.elapsed() < self.lasts {
            let mut chunk = format!("{PART_BYTES:x}\r\n").into_bytes();
            chunk.extend(content::at(bytes, PART_BYTES));
            bytes += PART_BYTES;
            chunk.extend_from_slice(b"\r\n");
            send(&mut stream, &chunk).await?;
            sleep(PAUSE).await;
        }
        send(&mut stream, b"0\r\n\r\n").await?;
        let told = in_time("answer", read_all(&mut stream)).await?;
        match told == origin::received(bytes).as_bytes() {
            true => Ok(()),
            false => Err(Failure::new(Fault::Body, String::from_utf8_lossy(&told))),
        }
    }

    async fn download(&self) -> Result<(), Failure> {
        let mut stream = self.target.dial().await?.stream;
        let (parts, pause) = (self.parts(), PAUSE.as_millis());
        let path = origin::download(parts, PART_BYTES, pause);
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n",
            self.target.ask.host
        );
        send(&mut stream, head.as_bytes()).await?;
        let mut buffer = Vec::new();
        let head = in_time("answer", read_head(&mut stream, &mut buffer)).await?;
        if head.status != 200 {
            return Err(Failure::new(Fault::Status, head.status.to_string()));
        }
        let length = parts * PART_BYTES;
        if head.length != Some(length) {
            return Err(Failure::new(Fault::Body, format!("{:?}", head.length)));
        }
        let mut at = 0;
        loop {
            if !content::is_at(at, &buffer) {
                return Err(Failure::new(Fault::Body, format!("other bytes at {at}")));
            }
            at += buffer.len();
            if at >= length {
                return Ok(());
            }
            buffer.clear();
            in_time("next part", more(&mut stream, &mut buffer, at)).await?;
        }
    }
}

async fn send(stream: &mut Box<dyn Wire>, bytes: &[u8]) -> Result<(), Failure> {
    in_time("send", async {
        let sent = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        sent.await.map_err(|error| Failure::io("send", &error))
    })
    .await
}

async fn more(stream: &mut Box<dyn Wire>, buffer: &mut Vec<u8>, at: usize) -> Result<(), Failure> {
    match stream.read_buf(buffer).await {
        Ok(1..) => Ok(()),
        Ok(0) => Err(Failure::new(
            Fault::Truncated,
            format!("the body ended after {at} bytes"),
        )),
        Err(error) => Err(Failure::io("read", &error)),
    }
}

/// A short answer's body.
async fn read_all(stream: &mut Box<dyn Wire>) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let head = read_head(stream, &mut body).await?;
    if head.status != 200 {
        return Err(Failure::new(Fault::Status, head.status.to_string()));
    }
    let length = head.length.unwrap_or_default();
    while body.len() < length {
        let at = body.len();
        more(stream, &mut body, at).await?;
    }
    Ok(body)
}
