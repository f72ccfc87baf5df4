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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A request on a TLS connection whose host belongs to another listener than the connection's name (SNI) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// No listener of this address serves the host. Answer 404.
    #[error("no listener serves this host")]
    NotServed,
    /// Another listener serves it: the client must ask again on a connection of its own. Answer 421.
    #[error("the host belongs to another listener than the connection")]
    Misdirected,
}

impl Bind {
    /// The most specific listener for a host or an SNI: in lower case, without port and trailing dot. `None` asks for
    /// what serves clients that send no name.
    pub fn listener(&self, host: Option<&str>) -> Option<&Arc<Listener>> {
        if let Some(host) = host {
            if let Some(listener) = self.listeners.get(&HostRef::Exact(host)) {
                return Some(listener);
            }
            let mut rest = host;
            while let Some((_, suffix)) = rest.split_once('.') {
                if let Some(listener) = self.listeners.get(&HostRef::Suffix(suffix)) {
                    return Some(listener);
                }
                rest = suffix;
            }
        }
        self.listeners.get(&HostRef::Any)
    }

    /// Whether a request for this host may be served by the listener that the connection's SNI chose.
    ///
    /// # Errors
    /// It belongs to another listener, or to none.
    pub fn admit(&self, connection: &Listener, host: &str) -> Result<(), HostError> {
        match self.listener(Some(host)) {
            Some(listener) if listener.key == connection.key => Ok(()),
            Some(_) => Err(HostError::Misdirected),
            None => Err(HostError::NotServed),
        }
    }
}

/// A [`Host`] to look up by, borrowed. Its order is that of `Host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum HostRef<'a> {
    Exact(&'a str),
    Suffix(&'a str),
    Any,
}

impl<'a> From<&'a Host> for HostRef<'a> {
    fn from(host: &'a Host) -> Self {
        match host {
            Host::Exact(name) => Self::Exact(name),
            Host::Suffix(name) => Self::Suffix(name),
            Host::Any => Self::Any,
        }
    }
}

impl equivalent::Equivalent<Host> for HostRef<'_> {
    fn equivalent(&self, host: &Host) -> bool {
        *self == HostRef::from(host)
    }
}

impl equivalent::Comparable<Host> for HostRef<'_> {
    fn compare(&self, host: &Host) -> std::cmp::Ordering {
        self.cmp(&HostRef::from(host))
    }
}

impl Host {
    /// Whether a name (in lower case, without port and trailing dot) is one of these.
    pub fn covers(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *name,
            Self::Suffix(suffix) => name
                .strip_suffix(&**suffix)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            Self::Any => true,
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Suffix(name) => write!(f, "*.{name}"),
            Self::Any => f.write_str("*"),
        }
    }
}
