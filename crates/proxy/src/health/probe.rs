//! One probe: a connection of its own, and a GET on it where one is wanted.

use std::io;

use http::{Request, Uri, header};
use rustls::pki_types::ServerName;
use tidegate_http::{HeadLimits, Method, ProxyHeader, ResponseHead, parse_response};
use tidegate_routing::{HttpProbe, Offer, Probe};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::board::Target;
use crate::{
    tls,
    upstream::{announce, dial},
};

/// What the endpoint's log shows.
const AGENT: &str = "tidegate-health-check";
/// 1xx answers before the answer.
const INTERIM_MAX: u32 = 16;

/// Why an endpoint did not pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    #[error("no connection: {0}")]
    Connect(#[source] io::Error),
    #[error("TLS: {0}")]
    Handshake(#[source] io::Error),
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    #[error("the connection broke")]
    Broken,
    #[error("HTTP/2: {0}")]
    H2(#[from] h2::Error),
    #[error("it does not speak HTTP/2")]
    Unspoken,
    #[error("the answer is malformed")]
    Malformed,
    #[error("it answered {0}")]
    Status(u16),
    #[error("no answer in time")]
    Timeout,
    #[error("the request can't be made")]
    Request,
}

/// What all probes of an endpoint have in common.
pub(super) struct Prober {
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// For `Host`.
    host: String,
}

impl Prober {
    /// # Errors
    /// The cluster's TLS can't be used.
    pub(super) fn new(target: &Target) -> Result<Self, tls::TlsError> {
        let tls = match &target.tls {
            None => None,
            Some(policy) => Some((
                tls::connector(policy, target.offer)?,
                tls::connector_name(policy)?,
            )),
        };
        Ok(Self {
            tls,
            host: host(target),
        })
    }

    pub(super) async fn probe(&self, target: &Target) -> Result<(), ProbeError> {
        let tcp = dial(target.address).await;
        let mut tcp = tcp.map_err(ProbeError::Connect)?;
        if let Some(version) = target.proxy_protocol {
            let announced = announce(&mut tcp, version, ProxyHeader::Local).await;
            announced.map_err(ProbeError::Connect)?;
        }
        let Some((connector, name)) = &self.tls else {
            return self.ask(target, target.offer == Offer::Http2, tcp).await;
        };
        let stream = connector.connect(name.clone(), tcp).await;
        let stream = stream.map_err(ProbeError::Handshake)?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if target.offer == Offer::Http2 && !is_h2 {
            return Err(ProbeError::Unspoken);
        }
        self.ask(target, is_h2, stream).await
    }

    async fn ask(
        &self,
        target: &Target,
        is_h2: bool,
        stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> Result<(), ProbeError> {
        let Probe::Http(probe) = &target.check.probe else {
            return Ok(());
        };
        let status = match is_h2 {
            false => self.get_h1(probe, stream).await?,
            true => self.get_h2(probe, stream).await?,
        };
        match probe.statuses.iter().any(|range| range.contains(&status)) {
            true => Ok(()),
            false => Err(ProbeError::Status(status)),
        }
    }

    async fn get_h1(
        &self,
        probe: &HttpProbe,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> Result<u16, ProbeError> {
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\nuser-agent: {AGENT}\r\naccept: */*\r\nconnection: close\r\n\r\n",
            probe.path, self.host
        );
        let sent = stream.write_all(request.as_bytes()).await;
        sent.map_err(|_gone| ProbeError::Broken)?;
        let _ = stream.flush().await;
        let (limits, mut head, mut buffer) =
            (HeadLimits::default(), ResponseHead::new(), Vec::new());
        let mut interim = 0;
        loop {
            match parse_response(&buffer, &Method::Get, &limits, &mut head) {
                Err(_rule) => return Err(ProbeError::Malformed),
                Ok(Some(_)) if !head.is_informational() => return Ok(head.status),
                Ok(Some(length)) if head.status != 101 && interim < INTERIM_MAX => {
                    interim += 1;
                    buffer.drain(..length);
                }
                Ok(Some(_)) => return Err(ProbeError::Malformed),
                // What is longer than the limit was refused above.
                Ok(None) => match stream.read_buf(&mut buffer).await {
                    Ok(1..) => {}
                    _ => return Err(ProbeError::Broken),
                },
            }
        }
    }

    async fn get_h2(
        &self,
        probe: &HttpProbe,
        stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> Result<u16, ProbeError> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(self.host.as_str())
            .path_and_query(&*probe.path)
            .build()
            .map_err(|_form| ProbeError::Request)?;
        let request = Request::get(uri)
            .header(header::USER_AGENT, AGENT)
            .header(header::ACCEPT, "*/*")
            .body(())
            .map_err(|_form| ProbeError::Request)?;
        let (sender, connection) = h2::client::handshake(stream).await?;
        let answer = async {
            let (answer, _) = sender.ready().await?.send_request(request, true)?;
            Ok(answer.await?.status().as_u16())
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            ended = connection => {
                ended?;
                Err(ProbeError::Broken)
            }
        }
    }
}

/// As the check says; else as TLS asks; else the endpoint itself.
fn host(target: &Target) -> String {
    if let Probe::Http(HttpProbe {
        host: Some(host), ..
    }) = &target.check.probe
    {
        return host.to_string();
    }
    match &target.tls {
        Some(policy) => policy.hostname.to_string(),
        None => target.destination.to_string(),
    }
}
