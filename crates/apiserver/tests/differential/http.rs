//! Requests as bytes on the wire: HTTP/1.1 or HTTP/2 by a real client, or anything at all on a bare TLS socket.

use std::{io::Read, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::Value;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use crate::target::{Headers, Target};

type Connections = Pool<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// How long one answer may take. Watches that end by themselves take longer.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often a request is sent again on another connection.
const RETRIES: usize = 5;

/// Sends requests to one server, over both protocols.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    target: Target,
    tls: Arc<ClientConfig>,
    http1: Connections,
    http2: Connections,
}

/// One answer, read to its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    /// Inflated.
    pub(crate) body: Vec<u8>,
}

/// A watch that was opened. Its events come while others are sent; `None` is its end.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) events: mpsc::UnboundedReceiver<Value>,
    reader: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Client {
    pub(crate) fn new(target: &Target) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(target.ca_pem.as_bytes()) {
            roots
                .add(certificate.expect("a certificate"))
                .expect("a root");
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("invariant: the provider has TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = || {
            HttpsConnectorBuilder::new()
                .with_tls_config(tls.clone())
                .https_only()
        };
        let pool = |connector| Pool::builder(TokioExecutor::new()).build(connector);
        Self {
            target: target.clone(),
            http1: pool(connector().enable_http1().build()),
            http2: pool(connector().enable_http2().build()),
            tls: Arc::new(tls),
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    async fn open(
        &self,
        http1: bool,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        let pool = if http1 { &self.http1 } else { &self.http2 };
        for _ in 0..RETRIES {
            let error = match timeout(PATIENCE, pool.request(request.clone())).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => chain(&error),
                Err(_) => return Err("no answer in time".to_owned()),
            };
            // kube-apiserver says goodbye to connections now and then; such a request was not looked at.
            if !error.contains("not a result of an error") {
                return Err(format!("no answer: {error}"));
            }
        }
        Err("the server says goodbye each time".to_owned())
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(
        &self,
        http1: bool,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, String> {
        finish(self.open(http1, request).await?).await
    }

    /// Sends a request; with 200 its body is read as a stream of JSON values.
    pub(crate) async fn watch(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Answer, Option<Watch>), String> {
        // Each watch has a connection of its own, so that closing it is seen by the server.
        let response = self.open(true, request).await?;
        if response.status() != 200 {
            return Ok((finish(response).await?, None));
        }
        let answer = Answer {
            status: 200,
            headers: headers(response.headers()),
            body: Vec::new(),
        };
        let (sender, events) = mpsc::unbounded_channel();
        let reader = tokio::spawn(read_events(response.into_body(), sender));
        Ok((answer, Some(Watch { events, reader })))
    }

    /// Sends bytes as they are and reads until the server closes, or says nothing for a second.
    pub(crate) async fn raw(&self, text: Vec<u8>) -> Result<Answer, String> {
        let client = self.clone();
        let work = tokio::task::spawn_blocking(move || client.raw_blocking(&text));
        let bytes = work
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        parse_raw(&bytes)
    }

    fn raw_blocking(&self, text: &[u8]) -> std::io::Result<Vec<u8>> {
        use std::io::Write;
        let socket = std::net::TcpStream::connect(self.target.authority())?;
        socket.set_read_timeout(Some(Duration::from_secs(3)))?;
        let name = ServerName::try_from("localhost").expect("invariant: a DNS name");
        let connection =
            ClientConnection::new(Arc::clone(&self.tls), name).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, socket);
        stream.write_all(text)?;
        stream.flush()?;
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => return Ok(bytes),
                Ok(length) => bytes.extend_from_slice(&chunk[..length]),
                // A quiet server, or one that closes without goodbye: what came is the answer.
                Err(_) => return Ok(bytes),
            }
        }
    }
}

async fn finish(response: Response<Incoming>) -> Result<Answer, String> {
    let (parts, body) = response.into_parts();
    let collected = timeout(PATIENCE, body.collect()).await;
    let body = collected
        .map_err(|_| "the answer did not end in time".to_owned())?
        .map_err(|error| format!("the answer broke off: {}", chain(&error)))?;
    let headers = headers(&parts.headers);
    Ok(Answer {
        status: parts.status.as_u16(),
        body: inflate(&headers, body.to_bytes().to_vec())?,
        headers,
    })
}

fn inflate(headers: &Headers, body: Vec<u8>) -> Result<Vec<u8>, String> {
    let gzipped = headers
        .get("content-encoding")
        .is_some_and(|it| it == &["gzip"]);
    if !gzipped {
        return Ok(body);
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(body.as_slice())
        .read_to_end(&mut plain)
        .map_err(|error| format!("broken gzip: {error}"))?;
    Ok(plain)
}

fn headers(map: &HeaderMap) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers
            .entry(name.as_str().to_owned())
            .or_default()
            .push(value);
    }
    headers
}

async fn read_events(mut body: Incoming, sender: mpsc::UnboundedSender<Value>) {
    let mut buffer = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        buffer.extend_from_slice(&data);
        // Events may or may not be lines of their own, so they are cut where values end.
        let mut used = 0;
        let mut values = serde_json::Deserializer::from_slice(&buffer).into_iter::<Value>();
        while let Some(Ok(value)) = values.next() {
            used = values.byte_offset();
            if sender.send(value).is_err() {
                return;
            }
        }
        buffer.drain(..used);
    }
}

/// An HTTP/1.1 answer; what follows the first one is dropped.
fn parse_raw(bytes: &[u8]) -> Result<Answer, String> {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Err(format!("no HTTP answer: {text:?}"));
    };
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    let mut headers = Headers::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(value.to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|it| it.first()?.parse().ok());
    let body = body.as_bytes();
    Ok(Answer {
        status: status.ok_or("no status")?,
        headers,
        body: body[..length.unwrap_or(body.len()).min(body.len())].to_vec(),
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        text = format!("{text}: {inner}");
        next = inner.source();
    }
    text
}
