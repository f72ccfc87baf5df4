//! Watches over WebSockets (RFC 6455), as kube-apiserver has them: each event is a message. Clients in browsers and in
//! Java use them.

mod handshake;
mod protocols;

pub(super) use self::{handshake::is_wanted, protocols::Protocols};

use super::limits::Place;
use crate::body::Body;
use bytes::{Buf, Bytes};
use futures::{FutureExt, SinkExt, StreamExt, future::BoxFuture};
use http::{HeaderMap, Method, Response};
use http_body_util::BodyExt;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::sync::{Mutex, PoisonError};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

/// Clients have nothing to say.
const LONGEST_MESSAGE: usize = 4 * 1024;
/// Events wait for each other up to this many bytes, as long as they come at once.
const BUFFER: usize = 16 * 1024;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Why a watch ended badly.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error(transparent)]
    Socket(#[from] Error),
}

/// The watch that a connection becomes when its answer has been sent.
#[derive(Default)]
pub(crate) struct Upgrade(Mutex<Option<BoxFuture<'static, ()>>>);

impl Upgrade {
    /// Answers a request for a watch whose frames are at hand. `place` is the watch's until it ends.
    pub(super) fn answer(
        &self,
        connection: Option<OnUpgrade>,
        (method, headers): (&Method, &HeaderMap),
        protocols: &Protocols,
        frames: Response<Body>,
        place: Place,
    ) -> Response<Body> {
        let connection = match handshake::check(method, headers, protocols) {
            Ok(()) => connection,
            Err(refusal) => return *refusal,
        };
        let Some(connection) = connection else {
            return handshake::refusal(400, "");
        };
        let run = async move {
            let _place = place;
            let ended = run(connection, frames.into_body()).await;
            if let Err(error) = ended {
                tracing::debug!(%error, "a watch by WebSocket ended badly");
            }
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.boxed());
        handshake::acceptance(headers, protocols)
    }

    /// What is left to do when HTTP is over on a connection.
    pub(super) fn take(&self) -> Option<BoxFuture<'static, ()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl std::fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upgrade")
    }
}

/// Sends frames until one side has had enough.
async fn run(connection: OnUpgrade, mut frames: Body) -> Result<(), Failure> {
    let upgraded = TokioIo::new(connection.await?);
    let config = WebSocketConfig::default()
        .read_buffer_size(LONGEST_MESSAGE)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(LONGEST_MESSAGE))
        .max_frame_size(Some(LONGEST_MESSAGE));
    let mut socket = Socket::from_raw_socket(upgraded, Role::Server, Some(config)).await;
    loop {
        tokio::select! {
            frame = frames.frame() => {
                let Some(Ok(frame)) = frame else {
                    break;
                };
                if let Ok(mut chunk) = frame.into_data() {
                    let bytes = chunk.copy_to_bytes(chunk.remaining());
                    send(&mut socket, bytes).await?;
                }
            }
            // Reading also answers pings and a client's goodbye.
            message = socket.next() => match message {
                // The goodbye is answered, and that must be sent.
                Some(Ok(Message::Close(_))) => return socket.flush().await.or_else(is_over),
                Some(Ok(_ignored)) => {}
                Some(Err(error)) => return is_over(error),
                None => return Ok(()),
            },
        }
    }
    let goodbye = CloseFrame {
        code: CloseCode::Normal,
        reason: Utf8Bytes::default(),
    };
    socket.close(Some(goodbye)).await.or_else(is_over)
}

/// A connection that has ended in order is no failure.
fn is_over(error: Error) -> Result<(), Failure> {
    match error {
        Error::ConnectionClosed => Ok(()),
        error => Err(error.into()),
    }
}

/// Sends events, a line each.
async fn send(socket: &mut Socket, mut lines: Bytes) -> Result<(), Error> {
    while !lines.is_empty() {
        let end = memchr::memchr(b'\n', &lines).map_or(lines.len(), |at| at + 1);
        let line = lines.split_to(end);
        let text = Utf8Bytes::try_from(line).map_err(|error| Error::Utf8(error.to_string()))?;
        socket.feed(Message::Text(text)).await?;
    }
    socket.flush().await
}
