//! Validation of custom resources, with the words and the order that kube-apiserver has.
//!
//! Five checks, which its strategies call one after another: values against the schema, embedded resources, and
//! lists that are sets or maps. CEL rules are not among them.
//!
//! Where kube-apiserver goes through a map in random order, this goes by name.

mod embedded;
mod lists;
mod numbers;
mod objects;
mod outcome;
mod ratchet;
mod strings;
mod trail;
mod walk;

use crate::{FieldError, Path, Schema};
use outcome::Outcome;
use serde_json::Value;

pub use self::{embedded::validate_embedded, lists::validate_lists};

/// All that is wrong with a custom resource, in the order of kube-apiserver: values, embedded resources, lists.
///
/// With `old`, what was wrong before and did not change is let through. `at` is [`Path::ROOT`] for whole objects.
/// Errors of the object as such have the field `<nil>` then, as kube-apiserver's have.
pub fn validate(
    value: &Value,
    old: Option<&Value>,
    schema: Schema<'_>,
    at: &Path<'_>,
) -> Vec<FieldError> {
    let mut errors = validate_values(value, old, schema, at);
    errors.extend(validate_embedded(value, schema, at));
    errors.extend(new_list_errors(value, old, schema, at));
    errors
}

/// Only what the schema says of values. With `old`, what was wrong before and did not change is let through.
pub fn validate_values(
    value: &Value,
    old: Option<&Value>,
    schema: Schema<'_>,
    at: &Path<'_>,
) -> Vec<FieldError> {
    walk::check(value, old, schema, &trail::Trail::Root).into_errors(at)
}

/// What is wrong with an update of the status subresource. `new` and `old` are whole objects, `schema` is the root's.
///
/// Only the status is validated by the schema; embedded resources aren't looked at; lists are, everywhere.
pub fn validate_status(new: &Value, old: &Value, schema: Schema<'_>) -> Vec<FieldError> {
    let status = new.get("status").zip(schema.property("status"));
    let mut errors = match status {
        Some((status, schema)) => {
            let old = old.get("status").unwrap_or(&Value::Null);
            validate_values(status, Some(old), schema, &Path::ROOT.child("status"))
        }
        None => Vec::new(),
    };
    errors.extend(new_list_errors(new, Some(old), schema, &Path::ROOT));
    errors
}

/// Lists are only looked at where they were all right before.
fn new_list_errors(
    value: &Value,
    old: Option<&Value>,
    schema: Schema<'_>,
    at: &Path<'_>,
) -> Vec<FieldError> {
    let errors = validate_lists(value, schema, at);
    match old {
        Some(old) if !errors.is_empty() && !validate_lists(old, schema, at).is_empty() => {
            Vec::new()
        }
        _ => errors,
    }
}
