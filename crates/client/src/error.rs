//! Why a request got no answer, and what the caller should do about it.
//!
//! An HTTP status is an answer, not an error; only [`ClientError::Refused`] carries one, for the
//! callers inside this crate that need a certain status. No message ever holds a token, a key, or
//! anything a credential plugin printed: foreign errors that might are reworded here.

use std::{error::Error as StdError, time::Duration};

use http::StatusCode;
use kube::{client::AuthError, config::KubeconfigError};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a request got no usable answer. [`ClientError::advice`] says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The kubeconfig, the in-cluster files or the given URL cannot be used. Someone must repair them.
    #[error("cannot load the API server's configuration: {reason}")]
    Source {
        /// What is wrong, without quoting the file.
        reason: String,
    },
    /// A token file, certificate or credential plugin gave nothing usable. It may the next time.
    #[error("cannot obtain credentials: {reason}")]
    Credentials {
        /// What is wrong, without quoting any secret.
        reason: String,
    },
    /// No connection came about. Try again later.
    #[error("cannot connect to {server}: {}", chain(source.as_ref()))]
    Connect {
        /// Scheme, host and port of the server.
        server: String,
        /// The failure below.
        #[source]
        source: BoxError,
    },
    /// No connection came about in time. Try again later.
    #[error("cannot connect to {server} within {limit:?}")]
    ConnectTimeout {
        /// Scheme, host and port of the server.
        server: String,
        /// The limit from the options.
        limit: Duration,
    },
    /// The TLS handshake failed: wrong certificate on either side. Renew, then try again.
    #[error("TLS with {server} failed: {}", chain(source.as_ref()))]
    Tls {
        /// Scheme, host and port of the server.
        server: String,
        /// The failure below.
        #[source]
        source: BoxError,
    },
    /// The connection or the stream broke before the answer was complete. Try again.
    #[error("the connection broke: {}", chain(source.as_ref()))]
    Interrupted {
        /// The failure below.
        #[source]
        source: BoxError,
    },
    /// The server took the request but sent no response headers in time. Try again later.
    #[error("no answer within {limit:?}")]
    ResponseTimeout {
        /// The limit from the options.
        limit: Duration,
    },
    /// Path, header or method cannot be sent. The caller has a bug.
    #[error("the request cannot be sent: {reason}")]
    Request {
        /// What is wrong with it.
        reason: String,
    },
    /// The compressed stream is damaged or ends early. Try again.
    #[error("the compressed answer is damaged: {reason}")]
    Compression {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server used a content encoding that was not asked for. Trying again will not help.
    #[error("the answer has the unknown content encoding {encoding:?}")]
    Encoding {
        /// The header's value.
        encoding: String,
    },
    /// The answer is larger than the caller's limit. Trying again will not help.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The caller's limit.
        limit: usize,
    },
    /// Credentials were read again a moment ago, so this was not done. Wait, then try again.
    #[error("credentials were renewed moments ago; try again in {wait:?}")]
    RenewedRecently {
        /// When a renewal will be possible again.
        wait: Duration,
    },
    /// The server answered with a status that this operation cannot use.
    #[error("{what}: the server answered {status}{}", detail(message))]
    Refused {
        /// What was being done.
        what: String,
        /// The server's status.
        status: StatusCode,
        /// The server's own message, shortened; may be empty.
        message: String,
    },
    /// The answer is not the document it should be. Trying again will hardly help.
    #[error("{what}: {reason}")]
    Malformed {
        /// What was being read.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What a caller should do after a [`ClientError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Try the same again after a pause.
    Retry,
    /// Call [`Client::renew`](crate::Client::renew), then try the same again after a pause.
    Renew,
    /// The same request will fail again until someone changes something.
    GiveUp,
}

impl ClientError {
    /// What to do next. No `_` arm: a new error does not compile until it is classified.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Interrupted { .. }
            | Self::ResponseTimeout { .. }
            | Self::Compression { .. }
            | Self::RenewedRecently { .. } => Advice::Retry,
            Self::Tls { .. } | Self::Credentials { .. } => Advice::Renew,
            Self::Refused { status, .. } => match *status {
                StatusCode::UNAUTHORIZED => Advice::Renew,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Advice::Retry,
                status if status.is_server_error() => Advice::Retry,
                _ => Advice::GiveUp,
            },
            Self::Source { .. }
            | Self::Request { .. }
            | Self::Encoding { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. } => Advice::GiveUp,
        }
    }

    /// A failure while connecting: TLS trouble is told from network trouble by its cause.
    pub(crate) fn connecting(server: &str, source: BoxError) -> Self {
        let server = server.to_owned();
        if caused_by_tls(source.as_ref()) {
            Self::Tls { server, source }
        } else {
            Self::Connect { server, source }
        }
    }

    /// A failure on a connection that worked.
    pub(crate) fn interrupted(server: &str, source: hyper::Error) -> Self {
        if caused_by_tls(&source) {
            return Self::Tls {
                server: server.to_owned(),
                source: source.into(),
            };
        }
        if source.is_user() {
            return Self::Request {
                reason: chain(&source),
            };
        }
        Self::Interrupted {
            source: source.into(),
        }
    }

    pub(crate) fn request(reason: impl ToString) -> Self {
        Self::Request {
            reason: reason.to_string(),
        }
    }
}

impl From<KubeconfigError> for ClientError {
    fn from(error: KubeconfigError) -> Self {
        Self::Source {
            reason: kubeconfig_reason(&error),
        }
    }
}

impl From<kube::Error> for ClientError {
    fn from(error: kube::Error) -> Self {
        let reason = match &error {
            kube::Error::Auth(auth) => auth_reason(auth),
            kube::Error::InferKubeconfig(kubeconfig) => kubeconfig_reason(kubeconfig),
            kube::Error::RustlsTls(tls) => first_clause(tls),
            other => first_clause(other),
        };
        Self::Credentials { reason }
    }
}

impl From<&AuthError> for ClientError {
    fn from(error: &AuthError) -> Self {
        Self::Credentials {
            reason: auth_reason(error),
        }
    }
}

/// YAML errors quote the file, which holds tokens: only the place is kept.
pub(crate) fn kubeconfig_reason(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(parse) => match parse.location() {
            Some(at) => format!(
                "the kubeconfig is not valid: line {}, column {}",
                at.line(),
                at.column()
            ),
            None => "the kubeconfig is not valid".to_owned(),
        },
        other => other.to_string(),
    }
}

/// A plugin's output and command line may hold secrets: only the exit status is kept.
fn auth_reason(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(source) => {
            format!("the credential plugin cannot be started: {source}")
        }
        AuthError::AuthExecRun { out, .. } => {
            format!("the credential plugin failed: {}", out.status)
        }
        AuthError::AuthExecParse(_) => {
            "the credential plugin did not print an ExecCredential".to_owned()
        }
        AuthError::ReadTokenFile(source, path) => {
            format!("the token file {} cannot be read: {source}", path.display())
        }
        other => first_clause(other),
    }
}

/// The part of a message that names the problem, without the details after the first colon.
fn first_clause(error: &dyn StdError) -> String {
    let text = error.to_string();
    text.split(": ").next().unwrap_or_default().to_owned()
}

/// An `io::Error` hides what it wraps from `source`, so it is opened by hand.
fn caused_by_tls(error: &(dyn StdError + 'static)) -> bool {
    let wrapped = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || wrapped.is_some_and(|wrapped| caused_by_tls(wrapped))
        || error.source().is_some_and(caused_by_tls)
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// All causes in one line, each said once.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut line = String::new();
    for cause in causes(error) {
        let text = cause.to_string();
        if !line.contains(&text) {
            line.push_str(if line.is_empty() { "" } else { ": " });
            line.push_str(&text);
        }
    }
    line
}

fn detail(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}
