//! A question to the admin listener, over plain HTTP.

use crate::failure::Failure;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST_ANSWER: usize = 16 << 20;

/// The path and query to ask with.
pub(super) fn path(url: &str, method: &str, headers: &[String], address: Option<IpAddr>) -> String {
    let mut path = format!("/explain?url={}&method={}", encode(url), encode(method));
    for header in headers {
        path.push_str("&header=");
        path.push_str(&encode(header));
    }
    if let Some(address) = address {
        path.push_str("&address=");
        path.push_str(&encode(&address.to_string()));
    }
    path
}

/// Asks, and gives the body of a good answer.
pub(super) async fn ask(admin: SocketAddr, path: &str) -> Result<String, Failure> {
    let asking = async {
        let stream = TcpStream::connect(admin).await.map_err(|error| {
            Failure::error(format!(
                "no gateway answers at {admin}: {error} (--admin names another address)"
            ))
        })?;
        exchange(stream, admin, path).await
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| Err(Failure::error(format!("no answer from {admin}"))))
}

async fn exchange(stream: TcpStream, admin: SocketAddr, path: &str) -> Result<String, Failure> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(Failure::error)?;
    tokio::spawn(connection);
    let request = Request::get(path)
        .header(header::HOST, admin.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(Failure::error)?;
    let response = sender.send_request(request).await.map_err(Failure::error)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST_ANSWER);
    let body = body.collect().await.map_err(Failure::error)?.to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    if status.is_success() {
        Ok(text)
    } else {
        Err(Failure::error(text.trim()))
    }
}

/// Whatever it is, it stays one value of a query string.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            encoded.push(char::from(byte));
        } else {
            // A string takes whatever is written to it.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
