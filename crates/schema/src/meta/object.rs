//! The checks of an embedded resource's ObjectMeta, after it was read as one.

use super::names::{
    dns1123_label_errors, label_value_errors, path_segment_errors, qualified_name_errors,
};
use crate::{FieldError, Path, gotext};
use serde_json::{Map, Value};

/// All annotations of an object, in bytes.
const ANNOTATIONS_MAX: u64 = 256 << 10;

/// What is wrong with the metadata of an embedded resource. It needs no name, and any name that fits in a URL is one.
pub(crate) fn validate_object_meta(
    metadata: &Map<String, Value>,
    at: &Path<'_>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let text = |name: &str| text_of(metadata.get(name));
    for (name, prefix) in [("generateName", true), ("name", false)] {
        push(
            &mut errors,
            path_segment_errors(text(name), prefix),
            &at.child(name),
            text(name),
        );
    }
    let namespace = text("namespace");
    if !namespace.is_empty() {
        push(
            &mut errors,
            dns1123_label_errors(namespace),
            &at.child("namespace"),
            namespace,
        );
    }
    if let Some(generation) = metadata
        .get("generation")
        .filter(|value| value.as_i64().is_some_and(|value| value < 0))
    {
        errors.push(FieldError::invalid(
            &at.child("generation"),
            generation,
            "must be greater than or equal to 0",
        ));
    }
    labels(metadata.get("labels"), &at.child("labels"), &mut errors);
    annotations(
        metadata.get("annotations"),
        &at.child("annotations"),
        &mut errors,
    );
    owners(
        metadata.get("ownerReferences"),
        &at.child("ownerReferences"),
        &mut errors,
    );
    finalizers(
        metadata.get("finalizers"),
        &at.child("finalizers"),
        &mut errors,
    );
    managed_fields(
        metadata.get("managedFields"),
        &at.child("managedFields"),
        &mut errors,
    );
    errors
}

fn text_of(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

fn push(errors: &mut Vec<FieldError>, why: Vec<String>, at: &Path<'_>, value: &str) {
    errors.extend(
        why.into_iter()
            .map(|why| FieldError::invalid(at, &value.into(), why)),
    );
}

fn pairs(map: Option<&Value>) -> impl Iterator<Item = (&str, &str)> {
    let fields = map.and_then(Value::as_object).into_iter().flatten();
    fields.map(|(key, value)| (key.as_str(), text_of(Some(value))))
}

fn items(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn labels(labels: Option<&Value>, at: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (key, value) in pairs(labels) {
        push(errors, qualified_name_errors(key), at, key);
        push(errors, label_value_errors(value), at, value);
    }
}

fn annotations(annotations: Option<&Value>, at: &Path<'_>, errors: &mut Vec<FieldError>) {
    let mut size = 0;
    for (key, value) in pairs(annotations) {
        push(errors, qualified_name_errors(&key.to_lowercase()), at, key);
        size += key.len() as u64 + value.len() as u64;
    }
    if size > ANNOTATIONS_MAX {
        errors.push(FieldError::too_long(at, ANNOTATIONS_MAX));
    }
}

fn owners(owners: Option<&Value>, at: &Path<'_>, errors: &mut Vec<FieldError>) {
    let mut controller: Option<String> = None;
    for (index, owner) in items(owners).iter().enumerate() {
        let here = at.index(index);
        let text = |name: &str| text_of(owner.get(name));
        let version = text("apiVersion");
        if version.is_empty() {
            errors.push(FieldError::required(
                &here.child("apiVersion"),
                "must not be empty",
            ));
        } else if version.matches('/').count() > 1 || version.ends_with('/') {
            let why = "must be <group>/<version> or <version>";
            errors.push(FieldError::invalid(
                &here.child("apiVersion"),
                &version.into(),
                why,
            ));
        }
        for name in ["kind", "name", "uid"] {
            if text(name).is_empty() {
                errors.push(FieldError::required(&here.child(name), "must not be empty"));
            }
        }
        if version == "v1" && text("kind") == "Event" {
            let why = "/v1, Kind=Event is disallowed from being an owner";
            errors.push(FieldError {
                bad_value: shown_owner(owner),
                ..FieldError::invalid(&here, &Value::Null, why)
            });
        }
        if owner.get("controller") != Some(&Value::Bool(true)) {
            continue;
        }
        let name = format!("{}/{}", text("kind"), text("name"));
        match &controller {
            Some(first) => {
                let why = "Only one reference can have Controller set to true. Found \"true\" in references for";
                let all: Vec<String> = items(owners).iter().map(shown_owner).collect();
                errors.push(FieldError {
                    bad_value: format!("[{}]", all.join(",")),
                    ..FieldError::invalid(at, &Value::Null, format!("{why} {first} and {name}"))
                });
            }
            None => controller = Some(name),
        }
    }
}

/// As Go marshals its struct: in the order of its fields.
fn shown_owner(owner: &Value) -> String {
    const FIELDS: [&str; 6] = [
        "apiVersion",
        "kind",
        "name",
        "uid",
        "controller",
        "blockOwnerDeletion",
    ];
    let fields = FIELDS
        .iter()
        .filter_map(|name| Some((*name, owner.get(name)?)));
    let shown: Vec<String> = fields
        .map(|(name, value)| format!("\"{name}\":{}", gotext::json(value)))
        .collect();
    format!("{{{}}}", shown.join(","))
}

fn finalizers(finalizers: Option<&Value>, at: &Path<'_>, errors: &mut Vec<FieldError>) {
    let names: Vec<&str> = items(finalizers).iter().filter_map(Value::as_str).collect();
    for name in &names {
        push(errors, qualified_name_errors(name), at, name);
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid(
            at,
            finalizers.unwrap_or(&Value::Null),
            why,
        ));
    }
}

fn managed_fields(entries: Option<&Value>, at: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (index, entry) in items(entries).iter().enumerate() {
        let here = at.index(index);
        let text = |name: &str| text_of(entry.get(name));
        match text("operation") {
            "Apply" | "Update" => {}
            "" => errors.push(FieldError::required(
                &here.child("operation"),
                "must not be empty",
            )),
            other => {
                let supported = ["Apply", "Update"];
                errors.push(FieldError::not_supported(
                    &here.child("operation"),
                    &other.into(),
                    &supported,
                ));
            }
        }
        let fields_type = text("fieldsType");
        if !matches!(fields_type, "" | "FieldsV1") {
            let why = "must be `FieldsV1`";
            errors.push(FieldError::invalid(
                &here.child("fieldsType"),
                &fields_type.into(),
                why,
            ));
        }
        for (name, max) in [("manager", 128), ("subresource", 256)] {
            if text(name).len() as u64 > max {
                errors.push(FieldError::too_long(&here.child(name), max));
            }
        }
    }
}
