//! Listeners: which names are served on which local address, with which certificates.

use std::{net::SocketAddr, sync::Arc};

/// One local address and all listeners that share it. The proxy has one listening socket for it on each worker.
#[derive(Clone, Debug)]
pub struct Bind {
    pub address: SocketAddr,
    pub protocol: BindProtocol,
    /// Listeners by hostname; the most specific one that matches a request's host gets it (`Host`'s order).
    pub listeners: imbl::OrdMap<Host, Arc<Listener>>,
}

/// What is spoken on a local address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindProtocol {
    /// HTTP/1 and HTTP/2 with prior knowledge.
    Http,
    /// TLS, then HTTP by ALPN. The listener is chosen by SNI.
    Https,
}

/// The name of a listener, for logs, metrics and explanations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerKey {
    /// `Gateway` or `ListenerSet`, which holds the listener.
    pub kind: Arc<str>,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    /// The listener's own name in its holder (`sectionName`).
    pub section: Arc<str>,
}

/// A hostname as a listener or a route writes it. Always in lower case, without a trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// `shop.example.com`
    Exact(Arc<str>),
    /// `*.example.com`, held as `example.com`: one or more labels stand for the star.
    Suffix(Arc<str>),
    /// No hostname: every host.
    Any,
}

/// One listener: who may be served there is settled; `routes` holds what was attached.
#[derive(Clone, Debug)]
pub struct Listener {
    pub key: ListenerKey,
    pub host: Host,
    /// `Some` on a bind of TLS.
    pub tls: Option<Arc<TlsListener>>,
    /// The rules of all routes attached here.
    pub routes: crate::RouteTable,
}

/// How TLS is ended at a listener.
#[derive(Clone, Debug)]
pub struct TlsListener {
    /// At least one. The first whose names cover the SNI is shown, else the first.
    pub certificates: Vec<Arc<Certificate>>,
    /// Whether and how clients must show certificates.
    pub client_validation: Option<ClientValidation>,
}

/// A chain and its key, both checked to be of one another.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Where it came from (`namespace/name` of the Secret), for logs. Never the key.
    pub source: Arc<str>,
    /// DER, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// DER: PKCS#8, PKCS#1 or SEC1.
    pub key: Vec<u8>,
    /// DNS names of the leaf, in lower case.
    pub names: Vec<Host>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate")
            .field("source", &self.source)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// How clients' certificates are validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientValidation {
    /// DER of the certificates of trusted authorities.
    pub authorities: Vec<Vec<u8>>,
    /// Clients without a certificate, or with one that doesn't verify, are served too (`AllowInsecureFallback`).
    pub allow_insecure: bool,
}
