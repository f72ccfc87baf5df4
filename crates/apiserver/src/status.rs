//! Errors as Kubernetes gives them: a `Status` with the code, reason, message and causes that its users know.
//!
//! The words are those of apimachinery's `api/errors`. Nothing here knows HTTP beyond the status code.

use serde_json::{Map, Value, json};
use std::fmt;
use tidegate_schema::FieldError;

/// Why a request was refused: what the client gets as a `Status`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    /// The HTTP status code, also in the body.
    pub(crate) code: u16,
    /// A word of `metav1.StatusReason`, empty where Kubernetes gives none.
    pub(crate) reason: &'static str,
    /// What the user reads.
    pub(crate) message: String,
    details: Option<Box<Details>>,
    /// For a list that ran out of its history: the token to go on with.
    continue_token: Option<String>,
}

/// Which object, and what about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Details {
    /// The object's name.
    pub(crate) name: String,
    /// Its group.
    pub(crate) group: String,
    /// Its resource or kind, as Kubernetes mixes them.
    pub(crate) kind: String,
    /// The object's uid.
    pub(crate) uid: String,
    /// What is wrong with which field.
    pub(crate) causes: Vec<Cause>,
    /// When to try again, in seconds; also the header `Retry-After`.
    pub(crate) retry_after_seconds: u32,
}

/// One cause of a refusal.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Cause {
    /// A word of `metav1.CauseType`.
    pub(crate) reason: String,
    /// What is wrong.
    pub(crate) message: String,
    /// The field.
    pub(crate) field: String,
}

/// A resource in its group, for messages: `deployments.apps`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupResource<'a> {
    /// The API group, empty for the core.
    pub(crate) group: &'a str,
    /// The plural name.
    pub(crate) resource: &'a str,
}

impl fmt::Display for GroupResource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
            continue_token: None,
        }
    }

    pub(crate) fn about(mut self, what: GroupResource<'_>, name: &str) -> Self {
        self.details = Some(Box::new(Details {
            name: name.to_owned(),
            group: what.group.to_owned(),
            kind: what.resource.to_owned(),
            ..Details::default()
        }));
        self
    }

    /// Any other refusal.
    pub(crate) fn other(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, reason, message)
    }

    /// 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403: `pods "x" is forbidden: why`.
    pub(crate) fn forbidden(what: GroupResource<'_>, name: &str, why: &str) -> Self {
        let message = match (what.resource.is_empty(), name.is_empty()) {
            (true, _) => format!("forbidden: {why}"),
            (false, true) => format!("{what} is forbidden: {why}"),
            (false, false) => format!("{what} {} is forbidden: {why}", quoted(name)),
        };
        Self::new(403, "Forbidden", message).about(what, name)
    }

    /// 404: `pods "x" not found`.
    pub(crate) fn not_found(what: GroupResource<'_>, name: &str) -> Self {
        Self::new(
            404,
            "NotFound",
            format!("{what} {} not found", quoted(name)),
        )
        .about(what, name)
    }

    /// 404 for a path that names no resource we serve.
    pub(crate) fn unknown_resource() -> Self {
        let mut error = Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        );
        error.details = Some(Box::default());
        error
    }

    /// 405 for a part of a custom resource.
    pub(crate) fn method_not_supported(resource: GroupResource<'_>, verb: &str) -> Self {
        let mut error = Self::new(
            405,
            "MethodNotAllowed",
            format!("{verb} is not supported on resources of kind \"{resource}\""),
        );
        let details = error.details_mut();
        details.group = resource.group.to_owned();
        details.kind = resource.resource.to_owned();
        error
    }

    /// 405 where the path has no such method at all.
    pub(crate) fn method_not_on_path() -> Self {
        let mut error = Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        );
        error.details = Some(Box::default());
        error
    }

    /// 406.
    pub(crate) fn not_acceptable(supported: &[&str]) -> Self {
        Self::new(
            406,
            "NotAcceptable",
            format!(
                "only the following media types are accepted: {}",
                supported.join(", ")
            ),
        )
    }

    /// 406 of a built-in kind's route.
    pub(crate) fn no_such_representation(produced: &[&str]) -> Self {
        let available = produced.join(", ");
        let mut error = Self::new(
            406,
            "NotAcceptable",
            format!("406: Not Acceptable\n\nAvailable representations: {available}"),
        );
        error.details = Some(Box::default());
        error
    }

    /// 409: an object of this name is there already.
    pub(crate) fn already_exists(what: GroupResource<'_>, name: &str) -> Self {
        Self::new(
            409,
            "AlreadyExists",
            format!("{what} {} already exists", quoted(name)),
        )
        .about(what, name)
    }

    /// 409: the generated name is taken; try again.
    pub(crate) fn generate_name_conflict(what: GroupResource<'_>, name: &str) -> Self {
        let mut error = Self::new(
            409,
            "AlreadyExists",
            format!(
                "{what} {} already exists, the server was not able to generate a unique name for the object",
                quoted(name)
            ),
        )
        .about(what, name);
        error.details_mut().retry_after_seconds = 1;
        error
    }

    /// 409: `Operation cannot be fulfilled on pods "x": why`.
    pub(crate) fn conflict(what: GroupResource<'_>, name: &str, why: &str) -> Self {
        Self::new(
            409,
            "Conflict",
            format!(
                "Operation cannot be fulfilled on {what} {}: {why}",
                quoted(name)
            ),
        )
        .about(what, name)
    }

    /// 410: the version asked for is no longer in the history.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 410 in the middle of a paged list, with the token of an inconsistent continuation.
    pub(crate) fn expired_continue(message: impl Into<String>, token: String) -> Self {
        let mut error = Self::expired(message);
        error.continue_token = Some(token);
        error
    }

    /// 413.
    pub(crate) fn too_large(message: impl fmt::Display) -> Self {
        Self::new(
            413,
            "RequestEntityTooLarge",
            format!("Request entity too large: {message}"),
        )
    }

    /// 415.
    pub(crate) fn unsupported_media_type(supported: &[&str]) -> Self {
        Self::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: {}",
                supported.join(", ")
            ),
        )
    }

    /// 422: `Pod "x" is invalid: …`.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let qualified = GroupResource {
            group,
            resource: kind,
        };
        let mut error = Self::new(
            422,
            "Invalid",
            format!(
                "{qualified} {} is invalid: {}",
                quoted(name),
                aggregated(errors)
            ),
        )
        .about(qualified, name);
        error.details_mut().causes = errors.iter().map(cause).collect();
        error
    }

    /// 429.
    pub(crate) fn too_many_requests(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let mut error = Self::new(429, "TooManyRequests", message);
        error.details_mut().retry_after_seconds = retry_after_seconds;
        error
    }

    /// 500.
    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        let text = message.to_string();
        let mut error = Self::new(
            500,
            "InternalError",
            format!("Internal error occurred: {text}"),
        );
        error.details_mut().causes.push(Cause {
            message: text,
            ..Cause::default()
        });
        error
    }

    /// 503.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "ServiceUnavailable", message)
    }

    /// 504.
    pub(crate) fn timeout(message: &str, retry_after_seconds: u32) -> Self {
        let mut error = Self::new(504, "Timeout", format!("Timeout: {message}"));
        error.details_mut().retry_after_seconds = retry_after_seconds;
        error
    }

    /// 504: the client knows a later version than the server.
    pub(crate) fn too_large_resource_version(asked: u64, current: u64) -> Self {
        let mut error = Self::timeout(
            &format!("Too large resource version: {asked}, current: {current}"),
            1,
        );
        error.details_mut().causes.push(Cause {
            reason: "ResourceVersionTooLarge".to_owned(),
            message: "Too large resource version".to_owned(),
            field: String::new(),
        });
        error
    }

    /// Adds a cause.
    #[must_use]
    pub(crate) fn with_cause(mut self, cause: Cause) -> Self {
        self.details_mut().causes.push(cause);
        self
    }

    /// Replaces the message.
    #[must_use]
    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// When to try again, in seconds.
    pub(crate) fn retry_after_seconds(&self) -> Option<u32> {
        self.details
            .as_ref()
            .map(|details| details.retry_after_seconds)
            .filter(|seconds| *seconds > 0)
    }

    /// Details, made where there are none.
    pub(crate) fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_with(Box::default)
    }

    /// The `Status` object.
    pub(crate) fn to_value(&self) -> Value {
        let mut metadata = Map::new();
        if let Some(token) = &self.continue_token {
            metadata.insert("continue".into(), token.clone().into());
        }
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata,
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.to_value();
        }
        status
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

impl Details {
    /// As JSON, without what is empty.
    pub(crate) fn to_value(&self) -> Value {
        let mut out = Map::new();
        for (key, text) in [
            ("name", &self.name),
            ("group", &self.group),
            ("kind", &self.kind),
            ("uid", &self.uid),
        ] {
            if !text.is_empty() {
                out.insert(key.into(), text.clone().into());
            }
        }
        if !self.causes.is_empty() {
            out.insert(
                "causes".into(),
                self.causes.iter().map(Cause::to_value).collect(),
            );
        }
        if self.retry_after_seconds > 0 {
            out.insert("retryAfterSeconds".into(), self.retry_after_seconds.into());
        }
        Value::Object(out)
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut out = Map::new();
        for (key, text) in [
            ("reason", &self.reason),
            ("message", &self.message),
            ("field", &self.field),
        ] {
            if !text.is_empty() {
                out.insert(key.into(), text.clone().into());
            }
        }
        Value::Object(out)
    }
}

fn cause(error: &FieldError) -> Cause {
    Cause {
        reason: error.error_type.reason().to_owned(),
        message: error.body(),
        field: error.field.clone(),
    }
}

/// As `utilerrors.Aggregate` prints many: each text once, in brackets.
pub(crate) fn aggregated(errors: &[FieldError]) -> String {
    let mut texts: Vec<String> = Vec::with_capacity(errors.len());
    for error in errors {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
