//! Why a request gets an answer of our own, or none.

use std::time::Duration;

use tidegate_balance::Outcome;

use crate::{record::Reason, upstream::ConnectError};

/// What went wrong with a request. Each variant says what the client is told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The request breaks the rules. Answer with this status, then close: where it ends is not known.
    #[error("bad request: {1}")]
    BadRequest(u16, &'static str),
    /// The client did not send its head or body in time. Answer 408 and close.
    #[error("the request did not come in time")]
    ClientTimeout,
    /// The client is gone, or takes nothing. Close.
    #[error("the client is gone")]
    ClientGone,
    /// Host or path match nothing. Answer 404.
    #[error("no route matches")]
    NoRoute,
    /// The host is another listener's. Answer 421, so that the client asks on another connection.
    #[error("the host belongs to another listener")]
    Misdirected,
    /// The rule can't be served as written. Answer its status.
    #[error("the route can't be served")]
    RuleFails(u16),
    /// The chosen backend can't be used. Answer its status.
    #[error("the backend can't be used")]
    BackendInvalid(u16),
    /// No endpoint to send to. Answer 503.
    #[error("no endpoint is available")]
    NoEndpoint,
    /// The endpoints are names, and none leads anywhere. Answer 502.
    #[error("the backend's name leads nowhere")]
    Unresolved,
    /// A circuit breaker is open. Answer 503.
    #[error("too many requests are under way")]
    Overloaded,
    /// Nothing was sent. Another endpoint may be tried; at the end, answer 502.
    #[error("no connection to the backend")]
    Connect,
    /// No connection in time. Another endpoint may be tried; at the end, answer 504.
    #[error("no connection to the backend in time")]
    ConnectTimeout,
    /// The connection broke before the answer's head was complete. Answer 502.
    #[error("the backend closed the connection")]
    UpstreamReset,
    /// The upstream says that it has not looked at the request. Another try may follow; at the end, answer 502.
    #[error("the backend refused the request")]
    Refused,
    /// The answer breaks the rules. Answer 502 and drop the connection.
    #[error("the backend's answer is malformed")]
    BadAnswer,
    /// Not in time. Answer 504 if nothing was sent yet, else break off.
    #[error("the backend did not answer in time")]
    Timeout,
    /// The answer broke off after its head was sent. Break off too: never a clean end.
    #[error("the backend's answer broke off")]
    Truncated,
}

impl Failure {
    /// The metric's label.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::BadRequest(414 | 431 | 413, _) => Reason::TooLarge,
            Self::BadRequest(..) => Reason::BadRequest,
            Self::ClientTimeout => Reason::ClientTimeout,
            Self::ClientGone => Reason::ClientGone,
            Self::NoRoute => Reason::NoRoute,
            Self::Misdirected => Reason::Misdirected,
            Self::RuleFails(_) => Reason::RuleFails,
            Self::BackendInvalid(_) => Reason::BackendInvalid,
            Self::NoEndpoint => Reason::NoEndpoint,
            Self::Unresolved => Reason::Unresolved,
            Self::Overloaded => Reason::Overloaded,
            Self::Connect | Self::ConnectTimeout => Reason::ConnectFailed,
            Self::UpstreamReset | Self::Refused => Reason::UpstreamReset,
            Self::BadAnswer => Reason::BadAnswer,
            Self::Timeout => Reason::UpstreamTimeout,
            Self::Truncated => Reason::Truncated,
        }
    }

    /// What to answer, where anything can be.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::BadRequest(status, _)
            | Self::RuleFails(status)
            | Self::BackendInvalid(status) => Some(*status),
            Self::ClientTimeout => Some(408),
            Self::ClientGone | Self::Truncated => None,
            Self::NoRoute => Some(404),
            Self::Misdirected => Some(421),
            Self::NoEndpoint | Self::Overloaded => Some(503),
            Self::Unresolved
            | Self::Connect
            | Self::UpstreamReset
            | Self::Refused
            | Self::BadAnswer => Some(502),
            Self::ConnectTimeout | Self::Timeout => Some(504),
        }
    }

    /// Whether the client's connection can't go on, as the end of its request isn't known.
    pub(crate) fn closes(&self) -> bool {
        matches!(
            self,
            Self::BadRequest(..) | Self::ClientTimeout | Self::ClientGone | Self::Truncated
        )
    }

    /// Whether the same request may be tried again elsewhere as far as the failure is concerned: no byte of an answer
    /// has come. Whether the request itself may be is another question.
    pub(crate) fn before_answer(&self) -> bool {
        match self {
            Self::Connect
            | Self::ConnectTimeout
            | Self::UpstreamReset
            | Self::Refused
            | Self::Timeout
            | Self::BadAnswer => true,
            Self::BadRequest(..)
            | Self::ClientTimeout
            | Self::ClientGone
            | Self::NoRoute
            | Self::Misdirected
            | Self::RuleFails(_)
            | Self::BackendInvalid(_)
            | Self::NoEndpoint
            | Self::Unresolved
            | Self::Overloaded
            | Self::Truncated => false,
        }
    }

    /// Whether no server can have begun with the request.
    pub(crate) fn nothing_sent(&self) -> bool {
        matches!(self, Self::Connect | Self::ConnectTimeout | Self::Refused)
    }

    /// What it says about the endpoint that was tried.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Connect | Self::ConnectTimeout => Outcome::Unreachable,
            Self::UpstreamReset | Self::BadAnswer | Self::Timeout | Self::Truncated => {
                Outcome::Failure
            }
            Self::BadRequest(..)
            | Self::ClientTimeout
            | Self::ClientGone
            | Self::NoRoute
            | Self::Misdirected
            | Self::RuleFails(_)
            | Self::BackendInvalid(_)
            | Self::NoEndpoint
            | Self::Unresolved
            | Self::Overloaded
            | Self::Refused => Outcome::Unknown,
        }
    }

    /// For `Retry-After`, where trying again soon makes sense.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Overloaded).then_some(Duration::from_secs(1))
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        tracing::debug!(%error, "no connection to an endpoint");
        match error {
            ConnectError::Io(_) | ConnectError::Unspoken => Self::Connect,
            ConnectError::Timeout => Self::ConnectTimeout,
            ConnectError::Tripped(_) => Self::Overloaded,
            ConnectError::OnlyHttp2 => Self::Refused,
            ConnectError::Tls(_) => Self::BackendInvalid(500),
        }
    }
}
