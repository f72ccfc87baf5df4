//! Connections that send what they like, and read when they like.

use crate::http::trust;
use rustls::pki_types::ServerName;
use std::{io, time::Duration};
use tidegate_apiserver::test::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A TLS connection.
pub(crate) async fn connect(server: &Server) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("localhost").expect("invariant: a DNS name");
    TlsConnector::from(trust(server))
        .connect(name, socket)
        .await
}

/// The head of a request with the administrator's token.
pub(crate) fn head(server: &Server, line: &str, more: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n{more}\r\n",
        server.token()
    )
}

/// Sends bytes; answers what came until the server closed.
pub(crate) async fn exchange(server: &Server, bytes: &[u8], patience: Duration) -> Option<String> {
    let mut stream = connect(server).await.ok()?;
    // The server may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    // An end without goodbye is an end.
    let _ended = timeout(patience, stream.read_to_end(&mut answer))
        .await
        .ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}
