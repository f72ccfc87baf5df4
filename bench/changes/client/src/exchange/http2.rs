//! HTTP/2: streams of one connection, until the server says goodbye.

use std::{fmt, future::poll_fn};

use bytes::Bytes;
use h2::{RecvStream, SendStream, client::SendRequest};
use http::Request;

use super::{ANSWER_BYTES, Answer, Ask};
use crate::{
    dial::Wire,
    fault::{Failure, in_time},
};

/// A connection; clones are further lanes on the same one.
#[derive(Clone)]
pub(crate) struct Http2 {
    send: SendRequest<Bytes>,
    scheme: &'static str,
}

impl fmt::Debug for Http2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2").finish_non_exhaustive()
    }
}

impl Http2 {
    pub(crate) async fn open(stream: Box<dyn Wire>, scheme: &'static str) -> Result<Self, Failure> {
        let shaken = in_time("HTTP/2 handshake", async {
            h2::client::handshake(stream)
                .await
                .map_err(|error| Failure::h2("HTTP/2 handshake", &error))
        });
        let (send, connection) = shaken.await?;
        // What is wrong with it shows in its streams.
        tokio::spawn(connection);
        Ok(Self { send, scheme })
    }

    /// Whether another stream may begin.
    pub(crate) async fn goes_on(&mut self) -> bool {
        poll_fn(|cx| self.send.poll_ready(cx)).await.is_ok()
    }

    /// A request whose body, if it has one, is sent by the caller.
    pub(crate) fn begin(
        &mut self,
        request: http::request::Builder,
        host: &str,
        path: &str,
        ends: bool,
    ) -> Result<(h2::client::ResponseFuture, SendStream<Bytes>), Failure> {
        let request: Request<()> = request
            .uri(format!("{}://{host}{path}", self.scheme))
            .version(http::Version::HTTP_2)
            .body(())
            .map_err(|error| Failure::malformed(error.to_string()))?;
        self.send
            .send_request(request, ends)
            .map_err(|error| Failure::h2("send", &error))
    }

    /// The same as [`Self::send`], with a limit.
    pub(crate) async fn send_in_time(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        in_time("answer", self.send(ask)).await
    }

    pub(super) async fn send(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        let method = if ask.body.is_some() { "POST" } else { "GET" };
        let request = Request::builder().method(method);
        let (answer, mut stream) = self.begin(request, &ask.host, &ask.path, ask.body.is_none())?;
        if let Some(body) = &ask.body {
            stream
                .send_data(Bytes::copy_from_slice(body.as_bytes()), true)
                .map_err(|error| Failure::h2("send", &error))?;
        }
        let answer = answer
            .await
            .map_err(|error| Failure::h2("answer", &error))?;
        let status = answer.status().as_u16();
        let mut incoming = answer.into_body();
        let mut body = Vec::new();
        while let Some(part) = next_data(&mut incoming).await? {
            body.extend_from_slice(&part);
            if body.len() > ANSWER_BYTES {
                return Err(Failure::malformed("an answer that is too long"));
            }
        }
        Ok(Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
            close: false,
        })
    }
}

/// The next part of a body; none at its end.
pub(crate) async fn next_data(incoming: &mut RecvStream) -> Result<Option<Bytes>, Failure> {
    let Some(part) = incoming.data().await else {
        return Ok(None);
    };
    let part = part.map_err(|error| Failure::h2("the answer broke off", &error))?;
    incoming
        .flow_control()
        .release_capacity(part.len())
        .map_err(|error| Failure::h2("the answer broke off", &error))?;
    Ok(Some(part))
}
