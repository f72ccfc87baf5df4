//! An origin that ends TLS, speaks what is agreed on by ALPN, and answers with that.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::Response;
use rustls::ServerConfig;
use tidegate_routing::{TrustAnchors, UpstreamTls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    support::{answer, read_message},
    tls::{Authority, Identity},
};

/// What an endpoint offers, in this order.
pub(crate) type Offers = &'static [&'static str];

/// See the module.
#[derive(Clone)]
pub(crate) struct AlpnOrigin {
    pub(crate) address: SocketAddr,
    identity: Arc<Identity>,
    shared: Arc<Shared>,
}

struct Shared {
    offers: Mutex<Offers>,
    /// What was agreed on, connection by connection.
    agreed: Mutex<Vec<String>>,
    /// Connections that have come.
    came: watch::Sender<usize>,
    /// How many of them may begin with TLS.
    admitted: watch::Sender<usize>,
    /// Counts restarts: what was begun before the last one ends.
    restarts: watch::Sender<usize>,
    /// Whether the PROXY protocol comes first.
    announced: bool,
}

impl AlpnOrigin {
    pub(crate) async fn start(authority: &Authority, offers: Offers) -> Self {
        Self::begin(authority, offers, usize::MAX, false).await
    }

    /// Lets only so many connections begin, until [`AlpnOrigin::admit`].
    pub(crate) async fn gated(authority: &Authority, offers: Offers, admitted: usize) -> Self {
        Self::begin(authority, offers, admitted, false).await
    }

    /// Wants to know who the client is.
    pub(crate) async fn announced(authority: &Authority, offers: Offers) -> Self {
        Self::begin(authority, offers, usize::MAX, true).await
    }

    async fn begin(
        authority: &Authority,
        offers: Offers,
        admitted: usize,
        announced: bool,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = Self {
            address: listener.local_addr().expect("its address"),
            identity: Arc::new(authority.identity(&["up.example"])),
            shared: Arc::new(Shared {
                offers: Mutex::new(offers),
                agreed: Mutex::default(),
                came: watch::Sender::new(0),
                admitted: watch::Sender::new(admitted),
                restarts: watch::Sender::new(0),
                announced,
            }),
        };
        let own = origin.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = *own.shared.came.borrow();
                own.shared.came.send_replace(number + 1);
                let (own, mut restarts) = (own.clone(), own.shared.restarts.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = restarts.changed() => {}
                        () = own.serve(stream, number) => {}
                    }
                });
            }
        });
        origin
    }

    /// Closes all connections, and offers something else from now on.
    pub(crate) fn restart(&self, offers: Offers) {
        *self.shared.offers.lock().expect("unpoisoned") = offers;
        self.shared.restarts.send_modify(|count| *count += 1);
    }

    pub(crate) fn admit(&self, connections: usize) {
        self.shared.admitted.send_replace(connections);
    }

    /// Returns when so many connections have come.
    pub(crate) async fn came(&self, connections: usize) {
        let mut came = self.shared.came.subscribe();
        let enough = came.wait_for(|count| *count >= connections);
        enough.await.expect("the sender is ours");
    }

    /// What was agreed on, connection by connection.
    pub(crate) fn agreed(&self) -> Vec<String> {
        self.shared.agreed.lock().expect("unpoisoned").clone()
    }

    async fn serve(&self, mut stream: TcpStream, number: usize) {
        let mut admitted = self.shared.admitted.subscribe();
        let admitted = admitted.wait_for(|admitted| *admitted > number).await;
        drop(admitted.expect("the sender is ours"));
        while self.shared.announced && stream.read_u8().await.is_ok_and(|byte| byte != b'\n') {}
        let Ok(stream) = self.acceptor().accept(stream).await else {
            return;
        };
        let agreed = stream.get_ref().1.alpn_protocol().unwrap_or(b"http/1.1");
        let agreed = String::from_utf8_lossy(agreed).into_owned();
        let own = agreed.clone();
        self.shared.agreed.lock().expect("unpoisoned").push(own);
        match agreed.as_str() {
            "h2" => serve_h2(stream).await,
            _ => serve_h1(stream).await,
        };
    }

    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(self.identity.chain.clone(), self.identity.key())
            .expect("an identity");
        let offers = self.shared.offers.lock().expect("unpoisoned");
        config.alpn_protocols = offers.iter().map(|one| one.as_bytes().to_vec()).collect();
        Arc::new(config).into()
    }
}

/// Trusts origins of this authority.
pub(crate) fn upstream_tls(authority: &Authority) -> Option<Arc<UpstreamTls>> {
    Some(Arc::new(UpstreamTls {
        hostname: Arc::from("up.example"),
        trust: TrustAnchors::Given(vec![authority.certificate.to_vec()]),
        names: Vec::new(),
        identity: None,
    }))
}

async fn serve_h2(stream: TlsStream<TcpStream>) -> Option<()> {
    let mut connection = h2::server::handshake(stream).await.ok()?;
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        let sized = Response::builder().header("content-length", "2").body(());
        let sized = sized.expect("a head");
        if let Ok(mut body) = respond.send_response(sized, false) {
            let _ = body.send_data(Bytes::from_static(b"h2"), true);
        }
    }
    None
}

/// What is upgraded is echoed.
async fn serve_h1(mut stream: TlsStream<TcpStream>) -> Option<()> {
    let mut rest = Vec::new();
    while let Some(request) = read_message(&mut stream, &mut rest).await {
        if !request.contains("upgrade: websocket") {
            let text = answer(200, "", "http/1.1");
            stream.write_all(text.as_bytes()).await.ok()?;
            continue;
        }
        let head = b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        stream.write_all(head).await.ok()?;
        let (mut read, mut write) = tokio::io::split(stream);
        tokio::io::copy(&mut read, &mut write).await.ok()?;
        return write.shutdown().await.ok();
    }
    None
}
