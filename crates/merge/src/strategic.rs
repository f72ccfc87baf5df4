//! Strategic merge patch: lists are merged by a key or as sets, and directives say what else to do.
//!
//! Follows apimachinery's `strategicpatch`, whose errors kube-apiserver passes on.

mod directives;
mod lists;
mod lookup;
mod merge;
mod order;

use self::{lookup::Place, merge::merge_map};
use crate::{PatchError, Patched, document};
use serde_json::Value;
use tidegate_schema::Schema;

/// Applies a strategic merge patch to an object of a built-in kind. Kinds without Go structs refuse it: the
/// caller answers 415 before. `strict` is field validation other than `Ignore`.
pub fn strategic_merge_patch(
    object: &Value,
    patch: &[u8],
    schema: Schema<'_>,
    strict: bool,
) -> Result<Patched, PatchError> {
    let (patch, duplicates) = document::parse(patch)?
        .into_object()
        .map_err(PatchError::BadRequest)?;
    let original = object.as_object().cloned().unwrap_or_default();
    let merged = merge_map(original, patch, Place::root(schema))?;
    Ok(Patched {
        value: Value::Object(merged),
        strict_errors: if strict { duplicates } else { Vec::new() },
    })
}

/// What is wrong with a strategic merge patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum StrategicError {
    #[error("lists of lists are not supported")]
    ListOfLists,
    #[error("invalid patch format of primitive list")]
    PrimitiveList,
    #[error("invalid patch format of retainKeys")]
    RetainKeys,
    #[error("invalid patch format of setElementOrder list")]
    SetElementOrder,
    #[error("map: {0} does not contain declared merge key: {1}")]
    NoMergeKey(String, String),
    #[error("expected a {0}, but received a {1}")]
    ArgumentType(&'static str, &'static str),
    #[error("{0}")]
    Other(String),
}

impl From<StrategicError> for PatchError {
    fn from(error: StrategicError) -> Self {
        match error {
            StrategicError::PrimitiveList
            | StrategicError::RetainKeys
            | StrategicError::SetElementOrder => Self::BadRequest(error.to_string()),
            StrategicError::ListOfLists => Self::Unprocessable(error.to_string()),
            StrategicError::NoMergeKey(..)
            | StrategicError::ArgumentType(..)
            | StrategicError::Other(_) => Self::Internal(error.to_string()),
        }
    }
}
