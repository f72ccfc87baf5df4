//! One client connection that sends requests and reads whole answers, strictly. It forgives nothing: no request is sent
//! twice, and a connection that ends without having said so is an error.

use std::{fmt, future::poll_fn, net::SocketAddr};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use h2::client::SendRequest;
use rustls::pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::tls::Trust;

/// No answer here is longer.
const ANSWER_BYTES: usize = 64 << 10;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The server ends the connection after this answer.
    pub(crate) close: bool,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) host: String,
    pub(crate) path: String,
    /// Sent with POST; without one, it is a GET.
    pub(crate) body: Option<String>,
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection that is kept.
pub(crate) struct Exchange {
    speaks: Protocol,
    /// The server's, where it has shown one.
    pub(crate) certificate: Option<CertificateDer<'static>>,
}

enum Protocol {
    Http1 {
        stream: Box<dyn Wire>,
        buffer: Vec<u8>,
    },
    Http2(SendRequest<Bytes>),
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

impl Ask {
    /// A GET.
    pub(crate) fn get(host: &str, path: &str) -> Self {
        Self {
            host: host.to_owned(),
            path: path.to_owned(),
            body: None,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { host, path, body } = self;
        match body {
            None => format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
            Some(body) => format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        }
        .into_bytes()
    }
}

impl Exchange {
    /// Connects, in clear.
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self::over(tcp(address).await?, None))
    }

    /// Connects with TLS to a name.
    pub(crate) async fn secure(
        address: SocketAddr,
        trust: &Trust,
        name: &str,
    ) -> anyhow::Result<Self> {
        let stream = trust.connect(tcp(address).await?, name).await?;
        let shown = stream.get_ref().1.peer_certificates();
        let certificate = shown.and_then(|chain| chain.first()).cloned();
        Ok(Self::over(
            stream,
            certificate.map(CertificateDer::into_owned),
        ))
    }

    /// Connects, in clear, with HTTP/2 by prior knowledge.
    pub(crate) async fn http2(address: SocketAddr) -> anyhow::Result<Self> {
        let (send, connection) = h2::client::handshake(tcp(address).await?).await?;
        // What is wrong with it shows in its streams.
        tokio::spawn(connection);
        Ok(Self {
            speaks: Protocol::Http2(send),
            certificate: None,
        })
    }

    fn over(stream: impl Wire + 'static, certificate: Option<CertificateDer<'static>>) -> Self {
        Self {
            speaks: Protocol::Http1 {
                stream: Box::new(stream),
                buffer: Vec::with_capacity(4096),
            },
            certificate,
        }
    }

    /// Whether another request may be sent. HTTP/2 says goodbye between requests, HTTP/1 with an answer.
    pub(crate) async fn goes_on(&mut self) -> bool {
        match &mut self.speaks {
            Protocol::Http1 { .. } => true,
            Protocol::Http2(send) => poll_fn(|cx| send.poll_ready(cx)).await.is_ok(),
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn send(&mut self, ask: &Ask) -> anyhow::Result<Answer> {
        match &mut self.speaks {
            Protocol::Http1 { stream, buffer } => http1(stream, buffer, ask).await,
            Protocol::Http2(send) => http2(send, ask).await,
        }
    }
}

async fn http1(
    stream: &mut Box<dyn Wire>,
    buffer: &mut Vec<u8>,
    ask: &Ask,
) -> anyhow::Result<Answer> {
    stream.write_all(&ask.bytes()).await.context("send")?;
    stream.flush().await.context("send")?;
    buffer.clear();
    loop {
        if let Some(answer) = parse(buffer)? {
            return Ok(answer);
        }
        if buffer.len() > ANSWER_BYTES {
            bail!("an answer of more than {ANSWER_BYTES} bytes");
        }
        if stream.read_buf(buffer).await.context("read")? == 0 {
            bail!(
                "the connection ended after {} bytes of an answer",
                buffer.len()
            );
        }
    }
}

async fn http2(send: &mut SendRequest<Bytes>, ask: &Ask) -> anyhow::Result<Answer> {
    let request = http::Request::builder()
        .method(if ask.body.is_some() { "POST" } else { "GET" })
        .uri(format!("http://{}{}", ask.host, ask.path))
        .version(http::Version::HTTP_2)
        .body(())?;
    let (answer, mut stream) = send.send_request(request, ask.body.is_none())?;
    if let Some(body) = &ask.body {
        stream.send_data(Bytes::copy_from_slice(body.as_bytes()), true)?;
    }
    let answer = answer.await.context("no answer")?;
    let status = answer.status().as_u16();
    let mut incoming = answer.into_body();
    let mut body = Vec::new();
    while let Some(part) = incoming.data().await {
        let part = part.context("the answer broke off")?;
        incoming.flow_control().release_capacity(part.len())?;
        body.extend_from_slice(&part);
        if body.len() > ANSWER_BYTES {
            bail!("an answer of more than {ANSWER_BYTES} bytes");
        }
    }
    Ok(Answer {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
        close: false,
    })
}

async fn tcp(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).await.context("connect")?;
    stream.set_nodelay(true)?;
    Ok(stream)
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
