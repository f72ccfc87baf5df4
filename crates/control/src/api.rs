//! The few calls that are made to the API server beside watches: get, create, update, patch.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use std::time::Duration;
use tidegate_client::{Client, ClientError};

/// Who owns the fields that are applied from here.
pub(crate) const MANAGER: &str = "tidegate.dev/gateway-controller";
/// The longest answer that is read.
const LARGEST_ANSWER: usize = 16 << 20;

/// A connection to the API server, for calls.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    client: Client,
}

/// Why a call did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// There was no answer. Try again later.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server said no. Whether trying again helps depends on `status`.
    #[error("the server answered {status}: {message}")]
    Refused {
        status: StatusCode,
        message: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The request can't be made, or the answer is no JSON. Trying again will not help.
    #[error("{reason}")]
    Malformed { reason: String },
}

impl ApiError {
    /// The object was changed, or was there already.
    pub(crate) fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }

    /// The object is gone, or its kind is.
    pub(crate) fn is_missing(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Client(_) | Self::Malformed { .. } => None,
        }
    }

    /// How long the server asks to wait, or nothing.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Client(_) | Self::Malformed { .. } => None,
        }
    }
}

impl Api {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The object, or nothing if there is none.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Value>, ApiError> {
        let answer = self.call(Method::GET, path, "application/json", Bytes::new());
        match answer.await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an object in a collection.
    pub(crate) async fn create(&self, collection: &str, object: &Value) -> Result<Value, ApiError> {
        let path = format!("{collection}?fieldManager={MANAGER}");
        self.call(Method::POST, &path, "application/json", body(object))
            .await
    }

    /// Replaces an object, on top of the version in it.
    pub(crate) async fn update(&self, path: &str, object: &Value) -> Result<Value, ApiError> {
        let path = format!("{path}?fieldManager={MANAGER}");
        self.call(Method::PUT, &path, "application/json", body(object))
            .await
    }

    /// Applies what we want of an object, by force: the fields are ours.
    pub(crate) async fn apply(&self, path: &str, object: &Value) -> Result<Value, ApiError> {
        let path = format!("{path}?fieldManager={MANAGER}&force=true");
        self.call(
            Method::PATCH,
            &path,
            "application/apply-patch+yaml",
            body(object),
        )
        .await
    }

    /// Merges into an object. With a `resourceVersion` in it, only on top of that version.
    pub(crate) async fn merge(&self, path: &str, patch: &Value) -> Result<Value, ApiError> {
        let path = format!("{path}?fieldManager={MANAGER}");
        self.call(
            Method::PATCH,
            &path,
            "application/merge-patch+json",
            body(patch),
        )
        .await
    }

    /// Deletes an object, whatever waits for it.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), ApiError> {
        let answer = self.call(Method::DELETE, path, "application/json", Bytes::new());
        match answer.await {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<Value, ApiError> {
        let malformed = |error: &dyn std::fmt::Display| ApiError::Malformed {
            reason: error.to_string(),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .header("accept", "application/json")
            .body(body)
            .map_err(|error| malformed(&error))?;
        let answer = self.client.send(request).await?;
        let (status, retry_after) = (answer.status, answer.retry_after());
        let bytes = answer.bytes(LARGEST_ANSWER).await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| malformed(&error));
        }
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        Err(ApiError::Refused {
            status,
            message: value["message"]
                .as_str()
                .unwrap_or("no reason given")
                .to_owned(),
            retry_after,
        })
    }
}

fn body(value: &Value) -> Bytes {
    value.to_string().into()
}
