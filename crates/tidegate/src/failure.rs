//! Why a command ended badly: one message in kubectl's words, and the exit code.

use std::fmt;

/// The message is complete: it begins with `error:`, `Error from server …` or the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }

    /// `error: ` and what is wrong.
    pub(crate) fn error(what: impl fmt::Display) -> Self {
        Self::new(format!("error: {what}"))
    }

    /// The user has read about it already.
    pub(crate) fn told() -> Self {
        Self::new("")
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}
