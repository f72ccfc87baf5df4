//! An origin that speaks HTTP/1.1.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::sleep,
};

use super::{Busy, DOWNLOAD, SLOW, SLOW_PARTS, SLOW_PAUSE, SOCKET, UPLOAD, received};
use crate::{
    content,
    frames::{ACCEPT, Frame, From, Opcode},
};

/// A request without its body.
struct Asked {
    path: String,
    framing: Framing,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

/// Answers requests until the connection ends.
pub(super) async fn serve(stream: TcpStream, name: &str, busy: &Busy) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    while let Some(asked) = read_head(&mut stream).await? {
        busy.with(answer(&mut stream, name, &asked)).await?;
    }
    Ok(())
}

async fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Asked>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut framing = Framing::Length(0);
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else {
            return Ok(Some(Asked { path, framing }));
        };
        if name.eq_ignore_ascii_case("content-length") {
            framing = Framing::Length(value.trim().parse().map_err(wrong)?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        }
    }
}

async fn answer(stream: &mut BufReader<TcpStream>, name: &str, asked: &Asked) -> io::Result<()> {
    if asked.path == SOCKET {
        return echo(stream).await;
    }
    let body = read_body(stream, asked.framing).await?;
    if asked.path == UPLOAD {
        let told = match content::is_at(0, &body) {
            true => received(body.len()),
            false => format!("{} bytes, and not as they should be", body.len()),
        };
        return slowly(stream, [told.into_bytes()].into_iter(), Duration::ZERO).await;
    }
    if let Some(wanted) = asked.path.strip_prefix(DOWNLOAD) {
        let mut numbers = wanted.split('/').map(str::parse::<usize>);
        let mut number = || numbers.next().unwrap_or(Ok(0)).map_err(wrong);
        let (parts, bytes, pause_ms) = (number()?, number()?, number()?);
        let parts = (0..parts).map(|part| content::at(part * bytes, bytes).collect());
        return slowly(stream, parts, Duration::from_millis(pause_ms as u64)).await;
    }
    let times = if asked.path == SLOW { SLOW_PARTS } else { 1 };
    let names = std::iter::repeat_n(name.as_bytes().to_vec(), times);
    slowly(stream, names, SLOW_PAUSE).await
}

async fn read_body(stream: &mut BufReader<TcpStream>, framing: Framing) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    match framing {
        Framing::Length(length) => {
            body.resize(length, 0);
            stream.read_exact(&mut body).await?;
        }
        Framing::Chunked => loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let length = usize::from_str_radix(line.trim(), 16).map_err(wrong)?;
            let begin = body.len();
            body.resize(begin + length, 0);
            stream.read_exact(&mut body[begin..]).await?;
            stream.read_line(&mut line).await?;
            if length == 0 {
                break;
            }
        },
    }
    Ok(body)
}

/// An answer in equal parts, with a pause before each but the first.
async fn slowly(
    stream: &mut BufReader<TcpStream>,
    mut parts: impl ExactSizeIterator<Item = Vec<u8>> + Send,
    pause: Duration,
) -> io::Result<()> {
    let count = parts.len();
    let first = parts.next().unwrap_or_default();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        first.len() * count
    );
    stream
        .write_all(&[head.as_bytes(), &first[..]].concat())
        .await?;
    for part in parts {
        sleep(pause).await;
        stream.write_all(&part).await?;
    }
    stream.flush().await
}

/// Sends frames back, until there was a goodbye.
async fn echo(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    while let Some(frame) = Frame::read(stream).await? {
        stream.write_all(&frame.encode(From::Server)).await?;
        if frame.opcode == Opcode::Close {
            break;
        }
    }
    // The connection has no further request.
    Err(io::ErrorKind::ConnectionAborted.into())
}

fn wrong(error: std::num::ParseIntError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
