//! How an informer is doing: what it is about, and the last failure while there is one.

use std::{fmt, sync::Arc};

/// What an informer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No full picture yet, or a new one is being fetched.
    Listing,
    /// The cache follows the server.
    Watching,
    /// Something failed; waiting for the next try. The cache keeps what it has.
    Waiting,
    /// The server does not serve this resource (yet, or any more). The cache is empty.
    Absent,
    /// Stopped for good: its last user is gone, or the factory was shut down.
    Stopped,
}

/// Why the last try failed, as one of a closed set: fit for a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// 401: credentials are missing, wrong or expired.
    Unauthorized,
    /// 403: the credentials may not list or watch this.
    Forbidden,
    /// 404: not served.
    NotFound,
    /// 410: the server no longer has the history that was asked for.
    Expired,
    /// 429: the server asked to wait.
    Throttled,
    /// The server cannot serve a version that new yet (504), or was restored to an older state.
    TooNew,
    /// Any other refusal or error of the server.
    Server,
    /// No connection, or it broke.
    Unreachable,
    /// Nothing was heard for too long.
    Silent,
    /// What the server sent could not be understood.
    BadData,
}

impl FailureKind {
    /// The metric label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Expired => "expired",
            Self::Throttled => "throttled",
            Self::TooNew => "too_new",
            Self::Server => "server",
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::BadData => "bad_data",
        }
    }
}

/// A failure, in the server's words where it gave any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What happened, for people.
    pub message: Arc<str>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.label(), self.message)
    }
}

/// The state of an informer at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it is doing.
    pub phase: Phase,
    /// True once the cache has had a full picture, and since then has not lost it.
    pub synced: bool,
    /// What went wrong since the server was last heard in good order.
    pub failure: Option<Failure>,
}

impl Status {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Listing,
            synced: false,
            failure: None,
        }
    }
}
