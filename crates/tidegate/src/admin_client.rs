//! A question to a gateway's admin listener, over plain HTTP.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use std::{io, net::SocketAddr, time::Duration};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(10);
/// All of a large configuration.
const LARGEST_ANSWER: usize = 256 << 20;

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody listens there.
    #[error("no gateway answers at {admin}: {source} (--admin names another address)")]
    Connect {
        admin: SocketAddr,
        #[source]
        source: io::Error,
    },
    /// It listens, but says nothing.
    #[error("{admin} does not answer within {} s", PATIENCE.as_secs())]
    Silence { admin: SocketAddr },
    /// What listens there speaks something else, or breaks off.
    #[error("{admin} is no gateway's admin listener: {what}")]
    Stranger { admin: SocketAddr, what: String },
    /// It's a gateway's, and it refuses the question, in its own words.
    #[error("{0}")]
    Refused(String),
}

/// Asks, and gives the body of a good answer.
pub(crate) async fn ask(admin: SocketAddr, path: &str) -> Result<Bytes, AskError> {
    let asking = async {
        let stream = TcpStream::connect(admin).await;
        let stream = stream.map_err(|source| AskError::Connect { admin, source })?;
        exchange(stream, admin, path).await
    };
    let asked = tokio::time::timeout(PATIENCE, asking).await;
    asked.unwrap_or(Err(AskError::Silence { admin }))
}

/// As [`ask`], where the answer is JSON.
pub(crate) async fn ask_json(admin: SocketAddr, path: &str) -> Result<serde_json::Value, AskError> {
    let answer = ask(admin, path).await?;
    serde_json::from_slice(&answer).map_err(|error| AskError::Stranger {
        admin,
        what: format!("{path} is no JSON: {error}"),
    })
}

async fn exchange(stream: TcpStream, admin: SocketAddr, path: &str) -> Result<Bytes, AskError> {
    let strange = |error: &dyn std::error::Error| AskError::Stranger {
        admin,
        what: error.to_string(),
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| strange(&error))?;
    tokio::spawn(connection);
    let request = Request::get(path)
        .header(header::HOST, admin.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| strange(&error))?;
    let response = sender.send_request(request).await;
    let response = response.map_err(|error| strange(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST_ANSWER);
    let body = body.collect().await.map_err(|error| strange(&*error))?;
    let body = body.to_bytes();
    match status.as_u16() {
        200..=299 => Ok(body),
        400 => {
            let text = String::from_utf8_lossy(&body);
            Err(AskError::Refused(text.trim().to_owned()))
        }
        other => Err(AskError::Stranger {
            admin,
            what: format!("it answers {other}"),
        }),
    }
}
