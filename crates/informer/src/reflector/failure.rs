//! What a refusal of the server means. Kubernetes says it in a `Status`; proxies and old servers by the code alone.

use crate::status::FailureKind;
use std::time::Duration;
use tidegate_wire::{Status, parse_object};

/// A request or a stream that failed, classified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) kind: FailureKind,
    pub(super) message: String,
    pub(super) retry_after: Option<Duration>,
    /// The server does not know, or not allow, what the request asked for.
    pub(super) is_unsupported: bool,
    /// An object cannot be read from storage (an unsafe delete): only a full picture can tell what is left.
    pub(super) is_store_read_error: bool,
}

/// Waits longer than this are cut: no answer may silence an informer for good.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
const MESSAGE_CHARS_MAX: usize = 300;

impl Refusal {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
            is_unsupported: false,
            is_store_read_error: false,
        }
    }

    /// From an HTTP response.
    pub(super) fn of_response(code: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let status = parse_object(body)
            .ok()
            .filter(|object| object.kind() == Some("Status"));
        let mut refusal = match status.and_then(|object| object.status().ok()) {
            Some(status) => Self::of_status(&status, Some(code)),
            None => Self::of_text(code, body),
        };
        refusal.retry_after = retry_after
            .or(refusal.retry_after)
            .map(|wait| wait.min(RETRY_AFTER_MAX));
        refusal
    }

    /// From a `Status`, in a response with that code or in an ERROR event.
    pub(super) fn of_status(status: &Status, response: Option<u16>) -> Self {
        let code = status
            .code
            .and_then(|code| u16::try_from(code).ok())
            .or(response)
            .unwrap_or(500);
        let reason = status.reason.as_deref().unwrap_or_default();
        let too_new = status
            .causes
            .iter()
            .any(|cause| cause == "ResourceVersionTooLarge");
        let kind = match reason {
            "Expired" | "Gone" => FailureKind::Expired,
            _ if too_new => FailureKind::TooNew,
            _ => kind_of_code(code),
        };
        let shown = status
            .message
            .as_deref()
            .filter(|message| !message.is_empty())
            .unwrap_or(reason);
        Self {
            is_unsupported: is_unsupported(code),
            is_store_read_error: reason == "StorageReadError" || reason == "StoreReadError",
            retry_after: status
                .retry_after_seconds
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(Duration::from_secs),
            ..Self::new(kind, shorten(shown, code))
        }
    }

    /// From something that is no `Status`. A 404 counts only as the API server itself words it: a proxy in between
    /// that has lost its backend must not make a whole cache look deleted.
    fn of_text(code: u16, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&body[..body.len().min(4 * MESSAGE_CHARS_MAX)]);
        let kind = match code {
            404 if !text.starts_with("404 page not found") => FailureKind::Server,
            _ => kind_of_code(code),
        };
        Self {
            is_unsupported: is_unsupported(code),
            ..Self::new(kind, shorten(text.trim(), code))
        }
    }
}

fn kind_of_code(code: u16) -> FailureKind {
    match code {
        401 => FailureKind::Unauthorized,
        403 => FailureKind::Forbidden,
        404 => FailureKind::NotFound,
        410 => FailureKind::Expired,
        429 => FailureKind::Throttled,
        _ => FailureKind::Server,
    }
}

fn is_unsupported(code: u16) -> bool {
    matches!(code, 400 | 405 | 406 | 415 | 422 | 501)
}

fn shorten(text: &str, code: u16) -> String {
    match text.char_indices().nth(MESSAGE_CHARS_MAX) {
        _ if text.is_empty() => format!("the server answered {code}"),
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, FailureKind, Refusal};

    #[track_caller]
    fn check(code: u16, body: &str, kind: FailureKind, message: &str) -> Refusal {
        let refusal = Refusal::of_response(code, None, body.as_bytes());
        assert_eq!((refusal.kind, &*refusal.message), (kind, message));
        refusal
    }

    fn status(code: u16, reason: &str, more: &str) -> String {
        format!(
            r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"m","reason":"{reason}","code":{code}{more}}}"#
        )
    }

    #[test]
    fn statuses_are_classified() {
        check(410, &status(410, "Expired", ""), FailureKind::Expired, "m");
        check(410, &status(410, "Gone", ""), FailureKind::Expired, "m");
        check(
            403,
            &status(403, "Forbidden", ""),
            FailureKind::Forbidden,
            "m",
        );
        check(
            404,
            &status(404, "NotFound", ""),
            FailureKind::NotFound,
            "m",
        );
        let causes = r#","details":{"causes":[{"reason":"ResourceVersionTooLarge","message":"x"}],"retryAfterSeconds":1}"#;
        let refusal = check(
            504,
            &status(504, "Timeout", causes),
            FailureKind::TooNew,
            "m",
        );
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
        assert!(check(422, &status(422, "Invalid", ""), FailureKind::Server, "m").is_unsupported);
        assert!(
            check(
                500,
                &status(500, "StorageReadError", ""),
                FailureKind::Server,
                "m"
            )
            .is_store_read_error
        );
    }

    #[test]
    fn only_the_api_servers_own_404_counts() {
        check(
            404,
            "404 page not found\n",
            FailureKind::NotFound,
            "404 page not found",
        );
        check(
            404,
            "<html>no backend</html>",
            FailureKind::Server,
            "<html>no backend</html>",
        );
        check(404, "", FailureKind::Server, "the server answered 404");
    }

    #[test]
    fn hostile_bodies_are_cut() {
        let refusal =
            Refusal::of_response(500, Some(Duration::MAX), "é".repeat(100_000).as_bytes());
        assert!(refusal.message.chars().count() <= 301);
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(300)));
    }
}
