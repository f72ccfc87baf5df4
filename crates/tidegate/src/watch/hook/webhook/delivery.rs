//! One attempt: the request, and what its answer means.
//!
//! Follows no redirects. Never prints the query of the URL, which may hold a token.

use super::super::{
    backoff::retry_after, cloudevent::CONTENT_TYPE, signature::Signer, spill::Record,
};
use super::WebhookError;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use jiff::Timestamp;
use std::{error::Error as _, time::Duration};

/// As much of an answer as is read, so that the connection can be used again.
const ANSWER_MAX_BYTES: usize = 64 << 10;
const REASON_MAX: usize = 200;

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    /// The receiver will never take it.
    Refused(String),
    Retry {
        reason: String,
        after: Option<Duration>,
    },
}

#[derive(Debug)]
enum Transport {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

#[derive(Debug)]
pub(super) struct Sender {
    transport: Transport,
    url: Uri,
    signer: Option<Signer>,
    timeout: Duration,
}

impl Sender {
    pub(super) fn new(
        url: &Uri,
        signer: Option<Signer>,
        timeout: Duration,
    ) -> Result<Self, WebhookError> {
        let authority = url
            .authority()
            .ok_or(WebhookError::Url("the URL names no host"))?;
        if authority.as_str().contains('@') {
            return Err(WebhookError::Url(
                "user names and passwords in the URL are not supported; sign with --webhook-secret-file",
            ));
        }
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30));
        let transport = match url.scheme_str() {
            Some("http") => Transport::Plain(builder.build(HttpConnector::new())),
            Some("https") => {
                let provider = rustls::crypto::aws_lc_rs::default_provider();
                let connector = HttpsConnectorBuilder::new()
                    .with_provider_and_native_roots(provider)
                    .map_err(WebhookError::Roots)?
                    .https_only()
                    .enable_http1()
                    .enable_http2()
                    .build();
                Transport::Tls(builder.build(connector))
            }
            _ => {
                return Err(WebhookError::Url(
                    "the URL must start with http:// or https://",
                ));
            }
        };
        Ok(Self {
            transport,
            url: url.clone(),
            signer,
            timeout,
        })
    }

    /// The URL without its query, for messages.
    pub(super) fn place(&self) -> String {
        let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
        format!(
            "{}://{}{}",
            part(self.url.scheme_str()),
            part(self.url.authority().map(|a| a.as_str())),
            self.url.path()
        )
    }

    pub(super) async fn deliver(&self, record: &Record) -> Outcome {
        let now = Timestamp::now();
        let request = match self.request(record, now) {
            Ok(request) => request,
            Err(error) => return Outcome::Refused(format!("no valid request: {error}")),
        };
        let exchange = async {
            let answer = match &self.transport {
                Transport::Plain(client) => client.request(request).await,
                Transport::Tls(client) => client.request(request).await,
            };
            match answer {
                Ok(answer) => {
                    let (parts, body) = answer.into_parts();
                    judge(parts.status, &parts.headers, &read(body).await, now)
                }
                Err(error) => Outcome::Retry {
                    reason: cause(&error),
                    after: None,
                },
            }
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Retry {
                reason: format!("no answer within {} s", self.timeout.as_secs_f32()),
                after: None,
            },
        }
    }

    fn request(
        &self,
        record: &Record,
        now: Timestamp,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(
                header::USER_AGENT,
                concat!("tidegate/", env!("CARGO_PKG_VERSION")),
            )
            .header("webhook-id", &record.id)
            .header("webhook-timestamp", now.as_second());
        if let Some(signer) = &self.signer {
            request = request.header(
                "webhook-signature",
                signer.sign(&record.id, now.as_second(), &record.body),
            );
        }
        request.body(Full::new(Bytes::from(record.body.clone())))
    }
}

async fn read(body: Incoming) -> Bytes {
    Limited::new(body, ANSWER_MAX_BYTES)
        .collect()
        .await
        .map_or_else(|_| Bytes::new(), |body| body.to_bytes())
}

/// 2xx is delivered; a 4xx other than 408, 425 and 429 will never be; everything else may come right.
fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Outcome {
    if status.is_success() {
        return Outcome::Delivered;
    }
    let mut reason = format!("HTTP {status}");
    let text = String::from_utf8_lossy(body);
    if let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) {
        reason.push_str(": ");
        reason.extend(
            line.chars()
                .filter(|letter| !letter.is_control())
                .take(REASON_MAX),
        );
    }
    let passing = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
    );
    if status.is_client_error() && !passing {
        return Outcome::Refused(reason);
    }
    let after = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    Outcome::Retry {
        reason,
        after: after.and_then(|value| retry_after(value, now)),
    }
}

/// The innermost cause says the most: "connection refused" rather than "client error (Connect)".
fn cause(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}
