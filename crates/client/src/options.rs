//! What a caller chooses: where the server is, and how to talk to it.
//!
//! Plain data. Nothing here reads a file or the environment.

use std::{path::PathBuf, time::Duration};

use http::Uri;

/// Where the server and the credentials come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// The kubeconfig that `kubectl` would use, else the pod's service account.
    Infer,
    /// The pod's service account.
    InCluster,
    /// A kubeconfig file. What was current at the first reading stays chosen, so that
    /// `kubectl config use-context` cannot move a running process to another cluster.
    Kubeconfig {
        /// The file; without it, those named by `KUBECONFIG`, else `~/.kube/config`.
        path: Option<PathBuf>,
        /// The context to use instead of the current one.
        context: Option<String>,
        /// The cluster to use instead of the context's.
        cluster: Option<String>,
        /// The user to use instead of the context's.
        user: Option<String>,
    },
    /// A configuration made by the caller. Renewal reads the files that it names again.
    Config(Box<kube::Config>),
    /// A server that wants no credentials, such as `kubectl proxy` or a test server.
    Url(String),
}

/// Whether to ask the server for compressed answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Yes, unless the server is on this machine or the kubeconfig disables it.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// What a request is for, which decides the connection it travels on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A stream without end; has connections that carry only watches, and no response timeout.
    Watch,
    /// A large answer.
    List,
    /// Anything else.
    Call,
}

/// Whom to act as.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Impersonation {
    /// The user name.
    pub user: String,
    /// The groups, if any.
    pub groups: Vec<String>,
}

/// How to talk to the server.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The `User-Agent` of every request.
    pub user_agent: String,
    /// Whether to ask for compressed answers.
    pub compression: Compression,
    /// How long an HTTP/2 connection may be silent before it is pinged.
    pub ping_interval: Duration,
    /// How long to wait for the answer to a ping before the connection counts as dead.
    pub ping_timeout: Duration,
    /// How long name resolution, TCP and TLS may take together.
    pub connect_timeout: Duration,
    /// How long lists and calls may wait for response headers. Servers give up after 60 s themselves.
    pub response_timeout: Duration,
    /// How many watches share an HTTP/2 connection, at most. API servers allow 100 by default.
    pub streams_per_connection: usize,
    /// A server to use instead of the configured one.
    pub server: Option<Uri>,
    /// A default namespace to use instead of the configured one.
    pub namespace: Option<String>,
    /// Whom to act as, instead of what the configuration says.
    pub impersonate: Option<Impersonation>,
}

impl Default for ClientOptions {
    /// A dead connection is found in at most `ping_interval + ping_timeout` = 9 s.
    fn default() -> Self {
        Self {
            user_agent: concat!("tidegate/", env!("CARGO_PKG_VERSION")).to_owned(),
            compression: Compression::Auto,
            ping_interval: Duration::from_secs(5),
            ping_timeout: Duration::from_secs(4),
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(70),
            streams_per_connection: 90,
            server: None,
            namespace: None,
            impersonate: None,
        }
    }
}
