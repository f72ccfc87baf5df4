//! The faults that were found, with a limit: a hostile definition gets as many as a person can read, not as many as
//! it has.

use std::collections::BTreeSet;
use tidegate_schema::{FieldError, FieldErrorType, Path};

/// More faults than this are not told.
const COUNT_MAX: usize = 1_000;

/// Nor more text than this: a path repeats the names above it for every fault below.
const BYTES_MAX: usize = 4 << 20;

/// A list of faults that stops growing.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    list: Vec<FieldError>,
    bytes: usize,
}

impl Errors {
    pub(crate) fn push(&mut self, error: FieldError) {
        if !self.full() {
            self.bytes += error.field.len() + error.bad_value.len() + error.detail.len();
            self.list.push(error);
        }
    }

    pub(crate) fn extend(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        for error in errors {
            self.push(error);
        }
    }

    /// Whether further faults are dropped: time to stop looking.
    pub(crate) fn full(&self) -> bool {
        self.list.len() >= COUNT_MAX || self.bytes >= BYTES_MAX
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn list(&self) -> &[FieldError] {
        &self.list
    }

    pub(crate) fn into_vec(self) -> Vec<FieldError> {
        self.list
    }

    pub(crate) fn required(&mut self, path: &Path<'_>, detail: &str) {
        self.push(FieldError::required(path, detail));
    }

    pub(crate) fn forbidden(&mut self, path: &Path<'_>, detail: &str) {
        self.push(FieldError::forbidden(path, detail));
    }

    /// An invalid text.
    pub(crate) fn invalid(&mut self, path: &Path<'_>, value: &str, detail: impl Into<String>) {
        self.push(FieldError::invalid(path, &value.into(), detail));
    }

    /// An invalid value that is printed already.
    pub(crate) fn invalid_printed(&mut self, path: &Path<'_>, printed: String, detail: &str) {
        let error = FieldError::new(FieldErrorType::Invalid, path, detail);
        self.push(FieldError {
            bad_value: printed,
            ..error
        });
    }
}

/// Several faults as one text, each once.
pub(crate) fn aggregate(errors: &[String]) -> String {
    let mut seen = BTreeSet::new();
    let mut once: Vec<&str> = errors
        .iter()
        .map(String::as_str)
        .filter(|error| seen.insert(*error))
        .collect();
    match once.len() {
        1 => once.remove(0).to_owned(),
        _ => format!("[{}]", once.join(", ")),
    }
}
