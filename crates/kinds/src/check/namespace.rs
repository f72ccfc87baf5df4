//! Checks of Namespace.

use super::{Errors, meta_create, meta_update};
use crate::{
    meta::{name_is_label, qualified_name_errors},
    view::{list, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

pub(crate) fn namespace(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let spec = root.child("spec");
    for name in list(&object["spec"]["finalizers"]) {
        finalizer(name, &spec.child("finalizers"), errors);
    }
}

fn finalizer(name: &Value, path: &Path<'_>, errors: &mut Errors) {
    let text = name.as_str().unwrap_or_default();
    let found = qualified_name_errors(text).into_iter();
    errors.extend(found.map(|why| FieldError::invalid(path, name, why)));
    standard_finalizer(name, path, errors);
}

/// A name without a domain must be one of Kubernetes' own.
pub(crate) fn standard_finalizer(name: &Value, path: &Path<'_>, errors: &mut Errors) {
    let known = ["kubernetes", "orphan", "foregroundDeletion"];
    let text = name.as_str().unwrap_or_default();
    if !text.contains('/') && !known.contains(&text) {
        let why = "name is neither a standard finalizer name nor is it fully qualified";
        errors.push(FieldError::invalid(path, name, why));
    }
}

pub(crate) fn update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_create(new, false, name_is_label, errors);
    namespace(new, errors);
    meta_update(new, old, errors);
}

pub(crate) fn part(new: &Value, old: &Value, subresource: &str, errors: &mut Errors) {
    meta_update(new, old, errors);
    let root = Path::ROOT;
    if subresource == "finalize" {
        let spec = root.child("spec");
        let finalizers = spec.child("finalizers");
        for (at, name) in list(&new["spec"]["finalizers"]).iter().enumerate() {
            finalizer(name, &finalizers.index(at), errors);
        }
        return;
    }
    let (status, deleted) = (
        root.child("status"),
        !new["metadata"]["deletionTimestamp"].is_null(),
    );
    let (wanted, empty) = if deleted {
        ("Terminating", "not empty")
    } else {
        ("Active", "empty")
    };
    let phase = text(&new["status"], "phase");
    if phase != wanted {
        let why = format!("may only be '{wanted}' if `deletionTimestamp` is {empty}");
        errors.push(FieldError::invalid(
            &status.child("Phase"),
            &phase.into(),
            why,
        ));
    }
}
