//! Why an exchange failed, as far as its client can see: each failure is of exactly one kind, so that they can be counted.

use std::{future::Future, io, time::Duration};

use serde::Serialize;

/// No step of an exchange may take longer: a whole short answer, or the next part of a long one.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// Nobody listens.
    ConnectRefused,
    /// The connection was reset.
    Reset,
    /// Nothing came within [`LIMIT`].
    Timeout,
    /// No TLS session came about, or it broke.
    Tls,
    /// Another status than 200 (or 101).
    Status,
    /// Not what was asked for, or from another backend.
    Body,
    /// The connection or stream ended before the answer did.
    Truncated,
    /// A stream of HTTP/2 was reset, or lost with its connection.
    StreamLost,
    /// A stream of HTTP/2 was not begun, as a goodbye without an error says.
    GivenBack,
    /// What may last was ended by the other side without need.
    EndedEarly,
    /// What came is no HTTP, gRPC or WebSocket.
    Malformed,
}

/// One failure in words, and its kind.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{fault:?}: {words}")]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) words: String,
}

impl Failure {
    pub(crate) fn new(fault: Fault, words: impl Into<String>) -> Self {
        Self {
            fault,
            words: words.into(),
        }
    }

    /// Of reading, writing or connecting.
    pub(crate) fn io(doing: &str, error: &io::Error) -> Self {
        let fault = match error.kind() {
            io::ErrorKind::ConnectionRefused => Fault::ConnectRefused,
            io::ErrorKind::UnexpectedEof => Fault::Truncated,
            io::ErrorKind::TimedOut => Fault::Timeout,
            io::ErrorKind::Unsupported => Fault::Malformed,
            // So tokio-rustls tells what rustls says.
            io::ErrorKind::InvalidData | io::ErrorKind::Other => Fault::Tls,
            _ => Fault::Reset,
        };
        Self::new(fault, format!("{doing}: {error}"))
    }

    /// Of HTTP/2.
    pub(crate) fn h2(doing: &str, error: &h2::Error) -> Self {
        match error.get_io() {
            Some(io) => Self::io(doing, io),
            None if error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR) => {
                Self::new(Fault::GivenBack, format!("{doing}: {error}"))
            }
            None if error.is_reset() || error.is_go_away() => {
                Self::new(Fault::StreamLost, format!("{doing}: {error}"))
            }
            None => Self::new(Fault::Malformed, format!("{doing}: {error}")),
        }
    }

    /// Something that no peer should send.
    pub(crate) fn malformed(words: impl Into<String>) -> Self {
        Self::new(Fault::Malformed, words)
    }
}

/// What is not done within [`LIMIT`] has failed.
pub(crate) async fn in_time<T>(
    doing: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(LIMIT, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::new(
            Fault::Timeout,
            format!("{doing}: nothing within {LIMIT:?}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Failure, Fault};

    #[test]
    fn errors_have_their_kind() {
        for (kind, expect) in [
            (io::ErrorKind::ConnectionRefused, Fault::ConnectRefused),
            (io::ErrorKind::ConnectionReset, Fault::Reset),
            (io::ErrorKind::BrokenPipe, Fault::Reset),
            (io::ErrorKind::UnexpectedEof, Fault::Truncated),
            (io::ErrorKind::InvalidData, Fault::Tls),
        ] {
            let failure = Failure::io("read", &kind.into());
            assert_eq!(failure.fault, expect, "{kind:?}");
        }
        let reset = h2::Error::from(h2::Reason::REFUSED_STREAM);
        assert_eq!(Failure::h2("answer", &reset).fault, Fault::Malformed);
    }
}
