//! Checks of access reviews.

use super::Errors;
use crate::view::{list, map, text};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

pub(crate) fn access(object: &Value, errors: &mut Errors) {
    spec(object, true, errors);
    bare_metadata(object, &[], "must be empty", errors);
}

pub(crate) fn self_access(object: &Value, errors: &mut Errors) {
    spec(object, false, errors);
    bare_metadata(object, &[], "must be empty", errors);
}

pub(crate) fn local_access(object: &Value, errors: &mut Errors) {
    spec(object, true, errors);
    bare_metadata(
        object,
        &["namespace"],
        "must be empty except for namespace",
        errors,
    );
    let (resource, other) = (
        &object["spec"]["resourceAttributes"],
        &object["spec"]["nonResourceAttributes"],
    );
    let root = Path::ROOT;
    if !resource.is_null() && text(resource, "namespace") != text(&object["metadata"], "namespace")
    {
        let at = root.child("spec.resourceAttributes.namespace");
        let namespace = text(resource, "namespace").into();
        errors.push(FieldError::invalid(
            &at,
            &namespace,
            "must match metadata.namespace",
        ));
    }
    if !other.is_null() {
        let at = root.child("spec.nonResourceAttributes");
        let mut error =
            FieldError::invalid(&at, &Value::Null, "disallowed on this kind of request");
        // The internal form, as it is shown.
        error.bad_value = format!(
            "{{\"Path\":{},\"Verb\":{}}}",
            Value::from(text(other, "path")),
            Value::from(text(other, "verb"))
        );
        errors.push(error);
    }
}

fn spec(object: &Value, names_user: bool, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let (resource, other) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    if resource.is_null() == other.is_null() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let mut error = FieldError::invalid(&path, other, why);
        if !other.is_null() {
            error.bad_value = format!(
                "{{\"Path\":{:?},\"Verb\":{:?}}}",
                text(other, "path"),
                text(other, "verb")
            );
        }
        errors.push(error);
    }
    if names_user && text(spec, "user").is_empty() && list(&spec["groups"]).is_empty() {
        let why = "at least one of user or group must be specified";
        errors.push(FieldError::invalid(&path.child("user"), &"".into(), why));
    }
    let path = root.child("spec.resourceAttributes");
    for name in ["fieldSelector", "labelSelector"] {
        selector(&resource[name], &path.child(name), errors);
    }
}

fn selector(selector: &Value, path: &Path<'_>, errors: &mut Errors) {
    if selector.is_null() {
        return;
    }
    let (raw, requirements) = (
        text(selector, "rawSelector"),
        list(&selector["requirements"]),
    );
    if !raw.is_empty() && !requirements.is_empty() {
        let why = "may not specified at the same time as requirements";
        errors.push(FieldError::invalid(
            &path.child("rawSelector"),
            &raw.into(),
            why,
        ));
    }
    if raw.is_empty() && requirements.is_empty() {
        let why = format!("when {path} is specified, requirements or rawSelector is required");
        errors.push(FieldError::required(&path.child("requirements"), why));
    }
}

fn bare_metadata(object: &Value, allowed: &[&str], why: &str, errors: &mut Errors) {
    let meta = map(&object["metadata"]);
    let other = |name: &&String| *name != "managedFields" && !allowed.contains(&name.as_str());
    if meta.keys().any(|name| other(&name)) {
        errors.push(FieldError::invalid(
            &Path::ROOT.child("metadata"),
            &object["metadata"],
            why,
        ));
    }
}
