//! An answer: its head at once, its body as plain bytes piece by piece.
//!
//! Decompresses what the server compressed. Knows nothing of frames or objects. Dropping it early
//! ends the stream on the server's side too.

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::{
    error::ClientError,
    gzip::GzipDecoder,
    transport::{Lease, Reply},
};

/// An answer whose body has yet to be read.
pub struct Response {
    /// The status. All of them are answers: only a missing answer is an error.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// Which credentials the request was sent with, for [`Client::renew`](crate::Client::renew).
    pub generation: u64,
    body: Incoming,
    gzip: Option<GzipDecoder>,
    lease: Option<Lease>,
    server: Arc<str>,
}

impl Response {
    pub(crate) fn new(
        reply: Reply,
        generation: u64,
        server: Arc<str>,
    ) -> Result<Self, ClientError> {
        let (head, body) = reply.response.into_parts();
        let gzip = is_gzip(&head.headers)?.then(GzipDecoder::new);
        let lease = Some(reply.lease);
        Ok(Self {
            status: head.status,
            headers: head.headers,
            generation,
            body,
            gzip,
            lease,
            server,
        })
    }

    /// The next piece of the body, never empty; `None` at its proper end. After an error there is no more.
    ///
    /// Dropping the future loses nothing, so this can stand in a `select!`.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, ClientError>> {
        let next = self.next().await;
        if !matches!(next, Some(Ok(_))) {
            match self.lease.take() {
                Some(lease) if next.is_none() => lease.complete(),
                _ => {}
            }
        }
        next
    }

    /// The whole body, if it has at most `limit` bytes.
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, ClientError> {
        let Some(first) = self.chunk().await.transpose()? else {
            return Ok(Bytes::new());
        };
        if first.len() > limit {
            return Err(ClientError::TooLarge { limit });
        }
        let mut whole = BytesMut::from(first);
        while let Some(piece) = self.chunk().await.transpose()? {
            if piece.len() > limit - whole.len() {
                return Err(ClientError::TooLarge { limit });
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// How long the server asks to wait, if it says so in seconds, as API servers do.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self
            .headers
            .get(header::RETRY_AFTER)?
            .to_str()
            .ok()?
            .trim()
            .parse()
            .ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// The media type, without parameters, in the server's spelling; empty if there is none.
    #[must_use]
    pub fn media_type(&self) -> &str {
        let value = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    async fn next(&mut self) -> Option<Result<Bytes, ClientError>> {
        self.lease.as_ref()?; // over
        loop {
            if let Some(plain) = self.gzip.as_mut().and_then(|gzip| gzip.pull().transpose()) {
                return Some(plain);
            }
            let data = match self.body.frame().await {
                None => {
                    return self
                        .gzip
                        .as_ref()
                        .and_then(|gzip| gzip.finish().err())
                        .map(Err);
                }
                Some(Err(error)) => {
                    return Some(Err(ClientError::interrupted(&self.server, error)));
                }
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(), // trailers say nothing here
            };
            match &mut self.gzip {
                _ if data.is_empty() => {}
                Some(gzip) => gzip.push(data),
                None => return Some(Ok(data)),
            }
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("generation", &self.generation)
            .finish()
    }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, ClientError> {
    match headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.as_bytes())
    {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(other) => Err(ClientError::Encoding {
            encoding: String::from_utf8_lossy(other).into_owned(),
        }),
    }
}
