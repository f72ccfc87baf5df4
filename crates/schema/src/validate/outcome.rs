//! What validating one place found: errors, and how much was right (which decides between alternatives).

use super::trail::Trail;
use crate::{FieldError, FieldErrorType, Path, field, gotext};
use serde_json::Value;
use std::collections::HashSet;

/// More errors than this are not kept: the first ones tell enough, and the answer must end somewhere.
const ERRORS_MAX: usize = 10_000;

/// The findings at a place and below.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) errors: Vec<Failure>,
    /// Among alternatives that all fail, the one with most matches is reported.
    pub(super) matches: usize,
}

/// One error. Two with the same type, name and detail are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Failure {
    error_type: FieldErrorType,
    /// Nothing where the error is of the whole value, wherever it was found.
    name: Option<String>,
    detail: String,
    bad_value: String,
}

impl Outcome {
    pub(super) fn matched() -> Self {
        Self {
            errors: Vec::new(),
            matches: 1,
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn add(&mut self, failure: Failure) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(failure);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        let room = ERRORS_MAX - self.errors.len().min(ERRORS_MAX);
        if self.errors.is_empty() {
            self.errors = other.errors;
        } else {
            self.errors.extend(other.errors.into_iter().take(room));
        }
        self.matches += other.matches;
    }

    pub(super) fn into_errors(self, at: &Path<'_>) -> Vec<FieldError> {
        let base = at.to_string();
        let mut seen = HashSet::new();
        let unseen = self.errors.into_iter().filter(|failure| {
            let key = (
                failure.error_type,
                failure.name.clone(),
                failure.detail.clone(),
            );
            seen.insert(key)
        });
        unseen.map(|failure| failure.into_error(&base)).collect()
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self {
            errors: vec![failure],
            matches: 0,
        }
    }
}

impl Failure {
    /// An error without a place: kube-openapi's composite errors, and those that are plain texts.
    pub(super) fn plain(detail: String) -> Self {
        Self {
            error_type: FieldErrorType::Invalid,
            name: None,
            detail,
            bad_value: field::shown(&Value::from("")),
        }
    }

    pub(super) fn invalid(at: &Trail<'_>, value: &Value, words: &str) -> Self {
        let name = at.to_string();
        Self {
            error_type: FieldErrorType::Invalid,
            detail: format!("{name} in body {words}"),
            name: Some(name),
            bad_value: field::shown(value),
        }
    }

    /// A factor that nothing can be a multiple of.
    pub(super) fn not_positive(at: &Trail<'_>, factor: &Value) -> Self {
        let name = at.to_string();
        let shown = field::shown(factor);
        Self {
            error_type: FieldErrorType::Invalid,
            detail: format!("factor MultipleOf declared for {name} must be positive: {shown}"),
            name: Some(name),
            bad_value: shown,
        }
    }

    /// The value doesn't have the type, or the format. `found` is a string where the value is one.
    pub(super) fn type_invalid(at: &Trail<'_>, expected: &str, found: &str) -> Self {
        let name = at.to_string();
        let found = gotext::quote(found);
        Self {
            error_type: FieldErrorType::TypeInvalid,
            detail: format!("{name} in body must be of type {expected}: {found}"),
            name: Some(name),
            bad_value: found,
        }
    }

    pub(super) fn required(at: &Trail<'_>) -> Self {
        Self {
            error_type: FieldErrorType::Required,
            name: Some(at.to_string()),
            detail: String::new(),
            bad_value: String::new(),
        }
    }

    pub(super) fn not_supported(at: &Trail<'_>, value: &Value, supported: &[Value]) -> Self {
        let words = supported.iter().map(|value| match value {
            Value::String(text) => gotext::quote(text),
            other => gotext::quote(&gotext::json(other)),
        });
        let words: Vec<String> = words.collect();
        Self {
            error_type: FieldErrorType::NotSupported,
            name: Some(at.to_string()),
            detail: format!("supported values: {}", words.join(", ")),
            bad_value: field::shown(value),
        }
    }

    pub(super) fn too_long(at: &Trail<'_>, max: u64) -> Self {
        Self {
            error_type: FieldErrorType::TooLong,
            name: Some(at.to_string()),
            detail: format!(
                "may not be more than {max} {}",
                if max == 1 { "byte" } else { "bytes" }
            ),
            bad_value: String::new(),
        }
    }

    pub(super) fn too_many(at: &Trail<'_>, actual: usize, max: u64) -> Self {
        Self {
            error_type: FieldErrorType::TooMany,
            name: Some(at.to_string()),
            detail: format!(
                "must have at most {max} {}",
                if max == 1 { "item" } else { "items" }
            ),
            bad_value: actual.to_string(),
        }
    }

    fn into_error(self, base: &str) -> FieldError {
        let name = self
            .name
            .as_deref()
            .map(|name| name.strip_prefix('.').unwrap_or(name));
        let field = match (base, name.unwrap_or_default()) {
            ("", "") => "<nil>".to_owned(),
            ("", name) => name.to_owned(),
            (base, "") => base.to_owned(),
            (base, name) => format!("{base}.{name}"),
        };
        FieldError {
            error_type: self.error_type,
            field,
            bad_value: self.bad_value,
            detail: self.detail,
        }
    }
}
