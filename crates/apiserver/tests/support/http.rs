//! Requests to a server in this process, over real TLS.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::Value;
use std::{fmt, sync::Arc, time::Duration};
use tidegate_apiserver::test::Server;
use tokio::time::timeout;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client that may do everything.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    url: String,
    /// Whose requests these are.
    pub(crate) token: String,
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Which protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// The trust that a client of the server has.
pub(crate) fn trust(server: &Server) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(server.ca_pem().as_bytes()) {
        roots
            .add(certificate.expect("a certificate"))
            .expect("a root");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("invariant: the provider has TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

impl Client {
    pub(crate) fn new(server: &Server, protocol: Protocol) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config((*trust(server)).clone())
            .https_only();
        let connector = match protocol {
            Protocol::Http1 => connector.enable_http1().build(),
            Protocol::Http2 => connector.enable_http2().build(),
        };
        Self {
            url: server.url().to_owned(),
            token: server.token().to_owned(),
            pool: Pool::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// Sends a request; the answer's body is still to come.
    pub(crate) async fn open(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<Response<Incoming>, String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", content_type)
            .body(Full::new(body.into()))
            .map_err(|error| error.to_string())?;
        timeout(PATIENCE, self.pool.request(request))
            .await
            .map_err(|_| format!("no answer in time to {method} {path}"))?
            .map_err(|error| format!("{method} {path}: {error:?}"))
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, String> {
        let response = self.open(method, path, content_type, body).await?;
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type");
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = timeout(PATIENCE, response.into_body().collect())
            .await
            .map_err(|_| format!("no end in time of {method} {path}"))?
            .map_err(|error| format!("{method} {path}: {error:?}"))?;
        Ok(Answer {
            status,
            content_type,
            body: body.to_bytes(),
        })
    }

    /// Sends JSON.
    pub(crate) async fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(method, path, "application/json", body)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.chars().take(600).collect();
        write!(f, "{} {} {text}", self.status, self.content_type)
    }
}
