//! Why a write was refused: one enum, with the HTTP status, reason, message and causes that kube-apiserver answers.

use crate::conflict::Conflict;

/// Why a patch or an apply was refused. Each variant says what to answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PatchError {
    /// The patch is malformed. Answer 400 `BadRequest` with this message.
    #[error("{0}")]
    BadRequest(String),
    /// The patch is well-formed but can't be applied to this object. Answer 422 `Invalid`; kube-apiserver says
    /// what was wrong to nobody, see [`PatchError::message`].
    #[error("{0}")]
    Unprocessable(String),
    /// The patch is too large. Answer 413 `RequestEntityTooLarge`.
    #[error("Request entity too large: {0}")]
    TooLarge(String),
    /// Somebody else owns fields that were applied. Answer 409 `Conflict` with one cause for each.
    #[error("{message}", message = crate::conflict::message(.0))]
    Conflicts(Vec<Conflict>),
    /// Anything else that kube-apiserver doesn't classify. Answer 500 with an empty reason and this message.
    #[error("{0}")]
    Internal(String),
}

/// One cause in the details of a `Status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Its `reason`: `FieldManagerConflict`.
    pub reason: &'static str,
    /// What it says.
    pub message: String,
    /// The field it is about.
    pub field: String,
}

impl PatchError {
    /// The HTTP status.
    pub fn code(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Unprocessable(_) => 422,
            Self::TooLarge(_) => 413,
            Self::Conflicts(_) => 409,
            Self::Internal(_) => 500,
        }
    }

    /// The `reason` of the `Status`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequest",
            Self::Unprocessable(_) => "Invalid",
            Self::TooLarge(_) => "RequestEntityTooLarge",
            Self::Conflicts(_) => "Conflict",
            Self::Internal(_) => "",
        }
    }

    /// The `message` of the `Status`. The text of an unprocessable patch is not in it, but in
    /// [`PatchError::causes`]' stead nothing is: kube-apiserver drops it, and so its users know this sentence.
    pub fn message(&self) -> String {
        match self {
            Self::Unprocessable(_) => {
                "the server rejected our request due to an error in our request".to_owned()
            }
            other => other.to_string(),
        }
    }

    /// The causes in the details of the `Status`.
    pub fn causes(&self) -> Vec<Cause> {
        match self {
            Self::Conflicts(conflicts) => conflicts.iter().map(Conflict::cause).collect(),
            Self::BadRequest(_)
            | Self::Unprocessable(_)
            | Self::TooLarge(_)
            | Self::Internal(_) => Vec::new(),
        }
    }

    /// Whether the `Status` has `details` at all, even empty ones: kube-apiserver's helpers differ.
    pub fn has_details(&self) -> bool {
        matches!(self, Self::Unprocessable(_) | Self::Conflicts(_))
    }
}
