//! Errors of fields, with the words that Kubernetes' users know (apimachinery's `field.Error`).

use crate::gotext;
use serde_json::Value;
use std::fmt;

/// Where a field is: `spec.ports[0].name`, `metadata.labels[app]`. Cheap to extend on the way down a tree.
///
/// A root without a name prints as the empty string; its children print without a leading dot.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Name(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// The object itself.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    /// The field `name` of what is here: `.name`.
    #[must_use]
    pub fn child(&'a self, name: &'a str) -> Self {
        self.step(Step::Name(name))
    }

    /// The item at `index` of the list that is here: `[index]`.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    /// The value of `key` in the map that is here: `[key]`.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Self {
        self.step(Step::Key(key))
    }

    fn step(&'a self, step: Step<'a>) -> Self {
        Self {
            parent: Some(self),
            step,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else {
            return Ok(());
        };
        parent.fmt(f)?;
        match self.step {
            Step::Root => Ok(()),
            Step::Name(name) if parent.parent.is_none() => f.write_str(name),
            Step::Name(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

/// The classes of apimachinery's `field.ErrorType`, with its words and its `reason` in a `Status` cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldErrorType {
    /// Something that is named was not found.
    NotFound,
    /// A needed field is missing or empty.
    Required,
    /// A value that must be unique is there twice.
    Duplicate,
    /// The value is malformed or out of range.
    Invalid,
    /// The value is none of a known set.
    NotSupported,
    /// The value is fine, but not here or not now.
    Forbidden,
    /// Longer than allowed. The value is not printed.
    TooLong,
    /// More items than allowed.
    TooMany,
    /// The server's own fault.
    Internal,
    /// The value has the wrong JSON type.
    TypeInvalid,
}

impl FieldErrorType {
    /// The `reason` of the cause: `FieldValueInvalid` and so on.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }
}

/// One thing that is wrong with one field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// Its class.
    pub error_type: FieldErrorType,
    /// The field, as `Path` prints it.
    pub field: String,
    /// The value, as the message shows it: already in Go's words (`"quoted"`, `3`, `null`), empty where none is shown.
    pub bad_value: String,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    /// An error of any class without a value.
    pub fn new(error_type: FieldErrorType, path: &Path<'_>, detail: impl Into<String>) -> Self {
        Self {
            error_type,
            field: path.to_string(),
            bad_value: String::new(),
            detail: detail.into(),
        }
    }

    /// `path: Required value: detail`.
    pub fn required(path: &Path<'_>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorType::Required, path, detail)
    }

    /// `path: Forbidden: detail`.
    pub fn forbidden(path: &Path<'_>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorType::Forbidden, path, detail)
    }

    /// `path: Invalid value: "value": detail`.
    pub fn invalid(path: &Path<'_>, value: &Value, detail: impl Into<String>) -> Self {
        Self {
            bad_value: shown(value),
            ..Self::new(FieldErrorType::Invalid, path, detail)
        }
    }

    /// `path: Duplicate value: "value"`.
    pub fn duplicate(path: &Path<'_>, value: &Value) -> Self {
        Self {
            bad_value: shown(value),
            ..Self::new(FieldErrorType::Duplicate, path, "")
        }
    }

    /// `path: Not found: "value"`.
    pub fn not_found(path: &Path<'_>, value: &Value) -> Self {
        Self {
            bad_value: shown(value),
            ..Self::new(FieldErrorType::NotFound, path, "")
        }
    }

    /// `path: Unsupported value: "value": supported values: "a", "b"`. The values are sorted, as Kubernetes does.
    pub fn not_supported(path: &Path<'_>, value: &Value, supported: &[&str]) -> Self {
        let mut sorted: Vec<&str> = supported.to_vec();
        sorted.sort_unstable();
        let list: Vec<String> = sorted.iter().map(|word| gotext::quote(word)).collect();
        Self {
            bad_value: shown(value),
            ..Self::new(
                FieldErrorType::NotSupported,
                path,
                format!("supported values: {}", list.join(", ")),
            )
        }
    }

    /// `path: Too long: may not be more than 63 bytes`.
    pub fn too_long(path: &Path<'_>, max: u64) -> Self {
        let unit = if max == 1 { "byte" } else { "bytes" };
        Self::new(
            FieldErrorType::TooLong,
            path,
            format!("may not be more than {max} {unit}"),
        )
    }

    /// The message without the field, as a cause of a `Status` has it.
    pub fn body(&self) -> String {
        let words = self.error_type.words();
        match (self.bad_value.is_empty(), self.detail.is_empty()) {
            (true, true) => words.to_owned(),
            (true, false) => format!("{words}: {}", self.detail),
            (false, true) => format!("{words}: {}", self.bad_value),
            (false, false) => format!("{words}: {}: {}", self.bad_value, self.detail),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// A value as Go's `field.Error` prints it: strings quoted, numbers plain, trees as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => gotext::quote(text),
        Value::Number(number) => gotext::number(number),
        other => gotext::json(other),
    }
}
