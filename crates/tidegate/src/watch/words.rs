//! What went wrong, in the words that kubectl's users know.

use crate::failure::Failure;
use http::StatusCode;
use kube::config::KubeconfigError;
use std::{error::Error, io};
use tidegate_client::ClientError;

/// A client that cannot be made, or a request that got no usable answer.
pub(super) fn client(error: &ClientError) -> Failure {
    match error {
        ClientError::Source { reason } => source_reason(reason),
        ClientError::Credentials { reason } => {
            Failure::error(format!("getting credentials: {reason}"))
        }
        ClientError::Connect { server, source } if is_refused(source.as_ref()) => {
            Failure::new(format!(
                "The connection to the server {} was refused - did you specify the right host or port?",
                host(server)
            ))
        }
        ClientError::Refused {
            status, message, ..
        } => refused(*status, message),
        other => Failure::new(format!("Unable to connect to the server: {other}")),
    }
}

/// An HTTP answer that is no success.
pub(super) fn refused(status: StatusCode, message: &str) -> Failure {
    let reason = match status {
        StatusCode::UNAUTHORIZED => {
            return Failure::error("You must be logged in to the server (Unauthorized)");
        }
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::BAD_REQUEST => "BadRequest",
        StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
        StatusCode::UNPROCESSABLE_ENTITY => "Invalid",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
        StatusCode::GATEWAY_TIMEOUT => "Timeout",
        _ => "InternalError",
    };
    let message = if message.is_empty() {
        format!("the server answered {status}")
    } else {
        message.to_owned()
    };
    Failure::new(format!("Error from server ({reason}): {message}"))
}

pub(super) fn kubeconfig(error: &KubeconfigError) -> Failure {
    match error {
        // Its text quotes the file, which may hold credentials.
        KubeconfigError::Parse(_) => Failure::error("the kubeconfig is not valid YAML"),
        other => source_reason(&other.to_string()),
    }
}

/// kubectl's sentence for a context that is not there, or whose cluster is not.
fn source_reason(reason: &str) -> Failure {
    if let Some(name) = reason.strip_prefix("failed to load current context: ") {
        return Failure::new(format!(
            "Error in configuration: context was not found for specified context: {name}"
        ));
    }
    if let Some(name) = reason.strip_prefix("failed to load the cluster of context: ") {
        return Failure::new(format!(
            "Error in configuration: cluster {name:?} does not exist"
        ));
    }
    Failure::error(reason)
}

fn is_refused(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    })
}

/// `https://10.0.0.1:6443/` → `10.0.0.1:6443`
fn host(server: &str) -> &str {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    rest.trim_end_matches('/')
}
