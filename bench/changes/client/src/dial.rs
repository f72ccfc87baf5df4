//! New client connections, in clear or with TLS.

use std::{fmt, net::SocketAddr};

use rustls::{HandshakeKind, pki_types::CertificateDer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::{
    fault::{Failure, in_time},
    tls::Trust,
};

/// A stream of either sort.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// How connections are made.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    Clear,
    Tls(Trust),
}

/// A connection that nothing was sent on yet.
pub(crate) struct Dialled {
    pub(crate) stream: Box<dyn Wire>,
    /// The server's, where it has shown one.
    pub(crate) certificate: Option<CertificateDer<'static>>,
    /// A TLS session of before goes on.
    pub(crate) resumed: bool,
}

impl fmt::Debug for Dialled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialled").finish_non_exhaustive()
    }
}

impl Way {
    /// Connects to a name at an address.
    pub(crate) async fn dial(&self, address: SocketAddr, name: &str) -> Result<Dialled, Failure> {
        let dialled = in_time("connect", async {
            let stream = tcp(address).await?;
            match self {
                Self::Clear => Ok(Dialled {
                    stream: Box::new(stream),
                    certificate: None,
                    resumed: false,
                }),
                Self::Tls(trust) => secure(trust, stream, name).await,
            }
        });
        dialled.await
    }

    /// As URIs have it.
    pub(crate) fn scheme(&self) -> &'static str {
        match self {
            Self::Clear => "http",
            Self::Tls(_) => "https",
        }
    }
}

async fn tcp(address: SocketAddr) -> Result<TcpStream, Failure> {
    let connected = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    connected
        .await
        .map_err(|error| Failure::io("connect", &error))
}

async fn secure(trust: &Trust, stream: TcpStream, name: &str) -> Result<Dialled, Failure> {
    let stream = trust.connect(stream, name).await?;
    let session = stream.get_ref().1;
    let shown = session.peer_certificates().and_then(|chain| chain.first());
    Ok(Dialled {
        certificate: shown.map(|leaf| leaf.clone().into_owned()),
        resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
        stream: Box::new(stream),
    })
}
