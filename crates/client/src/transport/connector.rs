//! Opens one connection: name, TCP, proxy, TLS, and the choice between HTTP/1.1 and HTTP/2.
//!
//! Knows kube's configuration and nothing about requests. Certificates in files are read again for
//! new connections once they are a minute old.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_rustls::{
    DefaultServerNameResolver, FixedServerNameResolver, HttpsConnector, ResolveServerName,
};
use hyper_util::client::legacy::connect::{
    Connection as Connected, HttpConnector,
    proxy::{SocksV5, Tunnel},
};
use kube::{Config, client::ConfigExt};
use tower::{BoxError, ServiceExt};

use crate::{credentials, error::ClientError, options::ClientOptions, source::blocking};

/// How old certificates read from files may be when a connection is opened.
const CERTIFICATE_AGE_MAX: Duration = Duration::from_secs(60);
/// Keepalive probes find a dead peer of an idle HTTP/1.1 connection in 5 + 2 × 2 = 9 s.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_RETRIES: u32 = 2;
/// The same for a peer that stops acknowledging what was sent.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(9);

/// A byte stream to the server, whatever it is made of.
pub(super) trait Stream: Read + Write + Connected + Send + Unpin {}
impl<T: Read + Write + Connected + Send + Unpin> Stream for T {}
pub(super) type BoxStream = Box<dyn Stream>;

/// Opens connections to one server.
pub(super) struct Connector {
    config: Config,
    server: String,
    target: Uri,
    pub(super) options: ClientOptions,
    dialer: Mutex<(Arc<Dialer>, Instant)>,
}

/// TLS above TCP, with what is between them.
enum Dialer {
    Direct(HttpsConnector<HttpConnector>),
    Http(HttpsConnector<Tunnel<HttpConnector>>),
    Https(HttpsConnector<Tunnel<HttpsConnector<HttpConnector>>>),
    Socks(HttpsConnector<SocksV5<HttpConnector>>),
}

impl Connector {
    pub(super) fn new(config: Config, options: &ClientOptions) -> Result<Self, ClientError> {
        let target = target(&config.cluster_url)?;
        let dialer = Dialer::new(&config, options)?;
        Ok(Self {
            server: target.to_string().trim_end_matches('/').to_owned(),
            target,
            config,
            options: options.clone(),
            dialer: Mutex::new((Arc::new(dialer), Instant::now())),
        })
    }

    /// Scheme, host and port, for messages.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Opens a stream; says whether the server chose HTTP/2.
    pub(super) async fn open(&self) -> Result<(BoxStream, bool), ClientError> {
        let dialer = self.dialer().await;
        let stream = dialer
            .dial(self.target.clone())
            .await
            .map_err(|e| ClientError::connecting(&self.server, e))?;
        let http2 = stream.connected().is_negotiated_h2();
        tracing::debug!(server = %self.server, http2, "connection opened");
        Ok((stream, http2))
    }

    /// The dialer, with certificates that are fresh enough. Unreadable files keep the old ones.
    async fn dialer(&self) -> Arc<Dialer> {
        {
            let mut current = self.dialer.lock().unwrap_or_else(PoisonError::into_inner);
            let (dialer, read_at) = &mut *current;
            if read_at.elapsed() < CERTIFICATE_AGE_MAX || !self.has_files() {
                return Arc::clone(dialer);
            }
            *read_at = Instant::now(); // others go on with the old ones meanwhile
        }
        let (config, options) = (self.config.clone(), self.options.clone());
        let fresh = blocking(move || Dialer::new(&config, &options)).await;
        let mut current = self.dialer.lock().unwrap_or_else(PoisonError::into_inner);
        match fresh {
            Ok(dialer) => current.0 = Arc::new(dialer),
            Err(error) => tracing::debug!(%error, "certificates not read again"),
        }
        Arc::clone(&current.0)
    }

    fn has_files(&self) -> bool {
        let auth = &self.config.auth_info;
        // A plugin's certificate is asked for again only by renewal.
        auth.exec.is_none() && (auth.client_certificate.is_some() || auth.client_key.is_some())
    }
}

impl Dialer {
    fn new(config: &Config, options: &ClientOptions) -> Result<Self, ClientError> {
        let tls = Tls::new(config)?;
        let tcp = tcp(options);
        let Some(proxy) = config.proxy_url.clone() else {
            return Ok(Self::Direct(tls.over(tcp)));
        };
        let login = ProxyLogin::of(&proxy)?;
        let plain = login.uri.clone();
        match proxy.scheme_str() {
            Some("http") => Ok(Self::Http(tls.over(login.tunnel(Tunnel::new(plain, tcp))))),
            Some("https") => {
                let trust = Config::new(plain.clone());
                let inner = HttpsConnector::from((tcp, trust.rustls_client_config()?));
                Ok(Self::Https(
                    tls.over(login.tunnel(Tunnel::new(plain, inner))),
                ))
            }
            Some("socks5" | "socks5h") => {
                let local = proxy.scheme_str() == Some("socks5");
                let socks = SocksV5::new(plain, tcp).local_dns(local);
                Ok(Self::Socks(tls.over(match login.user {
                    Some((user, password)) => socks.with_auth(user, password),
                    None => socks,
                })))
            }
            _ => Err(ClientError::Source {
                reason: "the proxy's URL must be http, https or socks5".to_owned(),
            }),
        }
    }

    async fn dial(&self, target: Uri) -> Result<BoxStream, BoxError> {
        Ok(match self {
            Self::Direct(connector) => Box::new(connector.clone().oneshot(target).await?),
            Self::Http(connector) => Box::new(connector.clone().oneshot(target).await?),
            Self::Https(connector) => Box::new(connector.clone().oneshot(target).await?),
            Self::Socks(connector) => Box::new(connector.clone().oneshot(target).await?),
        })
    }
}

/// What TLS needs, however the bytes travel.
struct Tls {
    config: Arc<rustls::ClientConfig>,
    name: Arc<dyn ResolveServerName + Send + Sync>,
}

impl Tls {
    fn new(config: &Config) -> Result<Self, ClientError> {
        let mut tls = config.rustls_client_config()?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name: Arc<dyn ResolveServerName + Send + Sync> = match &config.tls_server_name {
            None => Arc::new(DefaultServerNameResolver::default()),
            Some(name) => {
                let name = name.clone().try_into().map_err(|_| ClientError::Source {
                    reason: format!("the TLS server name {name:?} is not a host name"),
                })?;
                Arc::new(FixedServerNameResolver::new(name))
            }
        };
        Ok(Self {
            config: Arc::new(tls),
            name,
        })
    }

    fn over<T>(&self, inner: T) -> HttpsConnector<T> {
        HttpsConnector::new(
            inner,
            Arc::clone(&self.config),
            false,
            Arc::clone(&self.name),
        )
    }
}

/// A proxy's address without the login that its URL may hold.
struct ProxyLogin {
    uri: Uri,
    user: Option<(String, String)>,
    header: Option<HeaderValue>,
}

impl ProxyLogin {
    fn of(proxy: &Uri) -> Result<Self, ClientError> {
        let invalid = || ClientError::Source {
            reason: "the proxy's URL is not usable".to_owned(),
        };
        let authority = proxy.authority().ok_or_else(invalid)?.as_str();
        let Some((login, host)) = authority.rsplit_once('@') else {
            return Ok(Self {
                uri: proxy.clone(),
                user: None,
                header: None,
            });
        };
        let mut parts = proxy.clone().into_parts();
        parts.authority = Some(host.parse().map_err(|_| invalid())?);
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let header = credentials::basic(user, password).ok_or_else(invalid)?;
        Ok(Self {
            uri: Uri::from_parts(parts).map_err(|_| invalid())?,
            user: Some((user.to_owned(), password.to_owned())),
            header: Some(header),
        })
    }

    fn tunnel<T>(&self, tunnel: Tunnel<T>) -> Tunnel<T> {
        match &self.header {
            Some(header) => tunnel.with_auth(header.clone()),
            None => tunnel,
        }
    }
}

fn tcp(options: &ClientOptions) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEPALIVE_IDLE));
    tcp.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
    tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
    tcp.set_connect_timeout(Some(options.connect_timeout));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX));
    tcp
}

/// The server without path, and with its port, which proxies need for plain http.
fn target(server: &Uri) -> Result<Uri, ClientError> {
    let scheme = server.scheme_str().unwrap_or("https");
    let port = server
        .port_u16()
        .unwrap_or(if scheme == "http" { 80 } else { 443 });
    let host = server.host().unwrap_or_default();
    let target = format!("{scheme}://{host}:{port}").parse();
    target.map_err(|_| ClientError::Source {
        reason: format!("the server {server} is not a usable URL"),
    })
}
