//! What is wrong with objects, in Kubernetes' words and order.

pub(crate) mod config;
pub(crate) mod words;

use crate::meta::{NameCheck, validate_object_meta, validate_object_meta_update};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

/// What is found is added here.
pub(crate) type Errors = Vec<FieldError>;

/// The metadata of a new object.
pub(crate) fn metadata(object: &Value, namespaced: bool, name: NameCheck) -> Errors {
    validate_object_meta(
        &object["metadata"],
        namespaced,
        name,
        &Path::ROOT.child("metadata"),
    )
}

/// The metadata of an update; some kinds look at it as at a new object's, too.
pub(crate) fn metadata_update(
    new: &Value,
    old: &Value,
    namespaced: bool,
    name: NameCheck,
    again: bool,
) -> Errors {
    let mut errors = validate_object_meta_update(
        &new["metadata"],
        &old["metadata"],
        &Path::ROOT.child("metadata"),
    );
    if again {
        errors.extend(metadata(new, namespaced, name));
    }
    errors
}
