//! The handle that everyone shares: sends requests and renews credentials.
//!
//! Holds the current session and replaces it as a whole. Opens no connection before the first
//! request, so a client can be made while the server is away.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use tracing::Instrument as _;

use crate::{
    credentials::PLUGIN_TIME_MAX,
    error::{Advice, ClientError},
    options::{ClientOptions, Purpose, Source},
    response::Response,
    session::{Draft, Session},
    source::Pinned,
};

/// At most one renewal in this time, whatever the callers see.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(5);

/// A server, the credentials for it, and the connections to it. Clones share all of these.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    source: Pinned,
    options: ClientOptions,
    server: Uri,
    namespace: String,
    session: RwLock<Arc<Session>>,
    last_renewal: tokio::sync::Mutex<Option<Instant>>,
}

impl Client {
    /// Reads the configuration and obtains credentials. No connection is opened yet.
    pub async fn connect(source: Source, options: ClientOptions) -> Result<Self, ClientError> {
        // Fails only if the process has chosen another provider, which then serves as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let source = Pinned::choose(source).await?;
        let config = source.load(&options).await?;
        let (server, namespace) = (config.cluster_url.clone(), config.default_namespace.clone());
        let session = limited(Session::prepare(config, options.clone(), 1)).await?;
        tracing::debug!(%server, namespace, "client ready");
        Ok(Self {
            shared: Arc::new(Shared {
                source,
                options,
                server,
                namespace,
                session: RwLock::new(Arc::new(session)),
                last_renewal: tokio::sync::Mutex::new(None),
            }),
        })
    }

    /// The namespace to use where none is given.
    #[must_use]
    pub fn default_namespace(&self) -> &str {
        &self.shared.namespace
    }

    /// The server's URL, as first read.
    #[must_use]
    pub fn server(&self) -> &Uri {
        &self.shared.server
    }

    /// Which credentials are current. Counts up from 1 with each renewal.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.session().generation
    }

    /// Sends a GET and waits for the head of the answer. If the server refuses the credentials, or
    /// TLS fails, they are renewed and the request is sent once more; a 401 that is returned has
    /// survived that. Redirects are answers like any other.
    pub async fn get(
        &self,
        path_and_query: &str,
        accept: &str,
        purpose: Purpose,
    ) -> Result<Response, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            HeaderValue::try_from(accept).map_err(ClientError::request)?,
        );
        let draft = Draft {
            method: Method::GET,
            path: path_and_query.to_owned(),
            headers,
            body: Bytes::new(),
        };
        self.deliver(draft, purpose).await
    }

    /// Sends any request as a [`Purpose::Call`], otherwise as [`Client::get`] does. Only path and
    /// query of its URI count. It is sent again only if the server certainly did not act on it.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response, ClientError> {
        let (head, body) = request.into_parts();
        let path = head
            .uri
            .path_and_query()
            .map_or_else(|| "/".to_owned(), ToString::to_string);
        let draft = Draft {
            method: head.method,
            path,
            headers: head.headers,
            body,
        };
        self.deliver(draft, Purpose::Call).await
    }

    /// Reads configuration and credentials again and replaces the connections, unless that has
    /// happened since `seen_generation`. Running streams go on with what they have. One renewal runs
    /// at a time, and at most one in five seconds. Returns the generation that is now current.
    pub async fn renew(&self, seen_generation: u64) -> Result<u64, ClientError> {
        let mut last = self.shared.last_renewal.lock().await;
        let current = self.generation();
        if current != seen_generation {
            return Ok(current);
        }
        let wait = last.map_or(Duration::ZERO, |last| {
            RENEWAL_INTERVAL.saturating_sub(last.elapsed())
        });
        if !wait.is_zero() {
            return Err(ClientError::RenewedRecently { wait });
        }
        *last = Some(Instant::now());
        let options = self.shared.options.clone();
        let config = self.shared.source.load(&options).await?;
        let session = limited(Session::prepare(config, options, current + 1)).await?;
        *self
            .shared
            .session
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(session);
        tracing::debug!(generation = current + 1, "credentials renewed");
        Ok(current + 1)
    }

    fn session(&self) -> Arc<Session> {
        Arc::clone(
            &self
                .shared
                .session
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    async fn deliver(&self, draft: Draft, purpose: Purpose) -> Result<Response, ClientError> {
        let span =
            tracing::debug_span!("request", method = %draft.method, path = draft.path, ?purpose);
        async {
            let session = self.session();
            let first = self.attempt(&session, &draft, purpose).await;
            if !self.wants_renewal(&first) {
                return first;
            }
            match self.renew(session.generation).await {
                Ok(_) => self.attempt(&self.session(), &draft, purpose).await,
                Err(error) => {
                    tracing::debug!(%error, "credentials not renewed");
                    first
                }
            }
        }
        .instrument(span)
        .await
    }

    async fn attempt(
        &self,
        session: &Session,
        draft: &Draft,
        purpose: Purpose,
    ) -> Result<Response, ClientError> {
        let limit = self.shared.options.response_timeout;
        let sending = session.send(draft, purpose);
        let result = match purpose {
            Purpose::Watch => sending.await,
            Purpose::List | Purpose::Call => tokio::time::timeout(limit, sending)
                .await
                .unwrap_or(Err(ClientError::ResponseTimeout { limit })),
        };
        match &result {
            Ok(response) => tracing::debug!(status = response.status.as_u16(), "answered"),
            Err(error) => tracing::debug!(%error, "not answered"),
        }
        result
    }

    fn wants_renewal(&self, result: &Result<Response, ClientError>) -> bool {
        self.shared.source.has_credentials()
            && match result {
                Ok(response) => response.status == StatusCode::UNAUTHORIZED,
                Err(error) => error.advice() == Advice::Renew,
            }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.shared.server)
            .field("generation", &self.generation())
            .finish()
    }
}

async fn limited<T>(work: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    let limited = tokio::time::timeout(PLUGIN_TIME_MAX, work).await;
    limited.unwrap_or_else(|_| {
        Err(ClientError::Credentials {
            reason: format!("not obtained within {PLUGIN_TIME_MAX:?}"),
        })
    })
}
