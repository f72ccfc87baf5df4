//! The checks of `ObjectMeta`.

use super::{NameCheck, label_value_errors, name_is_label, qualified_name_errors};
use crate::view::{int, is_true, list, map, text};
use serde_json::Value;
use tidegate_schema::{FieldError, FieldErrorType, Path};

/// All annotations of an object, in bytes.
const ANNOTATIONS_MAX: usize = 256 << 10;

/// What is wrong with the metadata of a new object.
pub fn validate_object_meta(
    meta: &Value,
    namespaced: bool,
    name_check: NameCheck,
    path: &Path<'_>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let generate_name = text(meta, "generateName");
    if !generate_name.is_empty() {
        let at = path.child("generateName");
        errors.extend(invalid(name_check(generate_name, true), &at, generate_name));
    }
    let name = text(meta, "name");
    if name.is_empty() {
        errors.push(FieldError::required(
            &path.child("name"),
            "name or generateName is required",
        ));
    } else {
        errors.extend(invalid(name_check(name, false), &path.child("name"), name));
    }
    let namespace = text(meta, "namespace");
    let at = path.child("namespace");
    match (namespaced, namespace.is_empty()) {
        (true, true) => errors.push(FieldError::required(&at, "")),
        (true, false) => errors.extend(invalid(name_is_label(namespace, false), &at, namespace)),
        (false, true) => {}
        (false, false) => errors.push(FieldError::forbidden(&at, "not allowed on this type")),
    }
    validate_generation(meta, path, &mut errors);
    errors.extend(validate_labels(&meta["labels"], &path.child("labels")));
    errors.extend(validate_annotations(
        &meta["annotations"],
        &path.child("annotations"),
    ));
    validate_owners(
        &meta["ownerReferences"],
        &path.child("ownerReferences"),
        &mut errors,
    );
    validate_finalizers(&meta["finalizers"], &path.child("finalizers"), &mut errors);
    validate_managed_fields(
        &meta["managedFields"],
        &path.child("managedFields"),
        &mut errors,
    );
    errors
}

/// What is wrong with the metadata of an update.
pub fn validate_object_meta_update(new: &Value, old: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !old["deletionTimestamp"].is_null() {
        no_new_finalizers(new, old, &path.child("finalizers"), &mut errors);
    }
    if text(new, "resourceVersion").is_empty() {
        let why = "must be specified for an update";
        errors.push(FieldError::invalid(
            &path.child("resourceVersion"),
            &"".into(),
            why,
        ));
    }
    validate_generation(new, path, &mut errors);
    if int(new, "generation") < int(old, "generation") {
        let at = path.child("generation");
        errors.push(FieldError::invalid(
            &at,
            &int(new, "generation").into(),
            "must not be decremented",
        ));
    }
    for name in ["name", "namespace", "uid"] {
        if text(new, name) != text(old, name) {
            errors.push(immutable(&path.child(name), &text(new, name).into()));
        }
    }
    for name in [
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        if new[name] != old[name] {
            errors.push(immutable(&path.child(name), &new[name]));
        }
    }
    errors.extend(validate_labels(&new["labels"], &path.child("labels")));
    errors.extend(validate_annotations(
        &new["annotations"],
        &path.child("annotations"),
    ));
    validate_owners(
        &new["ownerReferences"],
        &path.child("ownerReferences"),
        &mut errors,
    );
    validate_managed_fields(
        &new["managedFields"],
        &path.child("managedFields"),
        &mut errors,
    );
    errors
}

fn immutable(path: &Path<'_>, value: &Value) -> FieldError {
    FieldError::invalid(path, value, "field is immutable")
}

fn invalid(why: Vec<String>, path: &Path<'_>, value: &str) -> Vec<FieldError> {
    why.into_iter()
        .map(|why| FieldError::invalid(path, &value.into(), why))
        .collect()
}

fn validate_generation(meta: &Value, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let generation = int(meta, "generation");
    if generation < 0 {
        let why = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(
            &path.child("generation"),
            &generation.into(),
            why,
        ));
    }
}

/// What is wrong with labels.
pub fn validate_labels(labels: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in map(labels) {
        let value = value.as_str().unwrap_or_default();
        errors.extend(invalid(qualified_name_errors(key), path, key));
        errors.extend(invalid(label_value_errors(value), path, value));
    }
    errors
}

/// What is wrong with annotations.
pub fn validate_annotations(annotations: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in map(annotations) {
        errors.extend(invalid(
            qualified_name_errors(&key.to_lowercase()),
            path,
            key,
        ));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_MAX {
        errors.push(too_long(path, ANNOTATIONS_MAX));
    }
    errors
}

/// `Too long: may not be more than 63 bytes`.
pub(crate) fn too_long(path: &Path<'_>, bytes: usize) -> FieldError {
    FieldError::new(
        FieldErrorType::TooLong,
        path,
        format!("may not be more than {bytes} bytes"),
    )
}

fn validate_owners(owners: &Value, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let mut controller: Option<String> = None;
    for (at, owner) in list(owners).iter().enumerate() {
        let here = path.index(at);
        let api_version = text(owner, "apiVersion");
        if api_version.is_empty() {
            errors.push(FieldError::required(
                &here.child("apiVersion"),
                "must not be empty",
            ));
        } else if api_version.matches('/').count() > 1 || api_version.ends_with('/') {
            let why = "must be <group>/<version> or <version>";
            errors.push(FieldError::invalid(
                &here.child("apiVersion"),
                &api_version.into(),
                why,
            ));
        }
        for name in ["kind", "name", "uid"] {
            if text(owner, name).is_empty() {
                errors.push(FieldError::required(&here.child(name), "must not be empty"));
            }
        }
        if api_version == "v1" && text(owner, "kind") == "Event" {
            errors.push(FieldError::invalid(
                &here,
                owner,
                "/v1, Kind=Event is disallowed from being an owner",
            ));
        }
        if !is_true(owner, "controller") {
            continue;
        }
        let name = format!("{}/{}", text(owner, "kind"), text(owner, "name"));
        match &controller {
            Some(first) => {
                let why = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {name}"
                );
                let mut error = FieldError::invalid(path, &Value::Null, why);
                error.bad_value = shown_owners(owners);
                errors.push(error);
            }
            None => controller = Some(name),
        }
    }
}

/// Owners as Go writes them.
fn shown_owners(owners: &Value) -> String {
    let names = [
        "apiVersion",
        "kind",
        "name",
        "uid",
        "controller",
        "blockOwnerDeletion",
    ];
    let one = |owner: &Value| {
        let fields = names.iter().filter(|name| !owner[**name].is_null());
        let fields: Vec<String> = fields
            .map(|name| format!("\"{name}\":{}", owner[*name]))
            .collect();
        format!("{{{}}}", fields.join(","))
    };
    let all: Vec<String> = list(owners).iter().map(one).collect();
    format!("[{}]", all.join(","))
}

fn validate_finalizers(finalizers: &Value, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let names: Vec<&str> = list(finalizers).iter().filter_map(Value::as_str).collect();
    for name in &names {
        errors.extend(invalid(qualified_name_errors(name), path, name));
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid(path, finalizers, why));
    }
}

fn no_new_finalizers(new: &Value, old: &Value, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let before = list(&old["finalizers"]);
    let after = list(&new["finalizers"])
        .iter()
        .filter(|name| !before.contains(name));
    let mut extra: Vec<String> = after.map(Value::to_string).collect();
    extra.sort_unstable();
    extra.dedup();
    if !extra.is_empty() {
        let why = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            extra.join(", ")
        );
        errors.push(FieldError::forbidden(path, why));
    }
}

fn validate_managed_fields(entries: &Value, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (at, entry) in list(entries).iter().enumerate() {
        let here = path.index(at);
        let operation = &entry["operation"];
        match text(entry, "operation") {
            "Apply" | "Update" => {}
            "" => errors.push(FieldError::required(
                &here.child("operation"),
                "must not be empty",
            )),
            _ => {
                let at = here.child("operation");
                errors.push(FieldError::not_supported(
                    &at,
                    operation,
                    &["Apply", "Update"],
                ));
            }
        }
        if !matches!(text(entry, "fieldsType"), "" | "FieldsV1") {
            let at = here.child("fieldsType");
            errors.push(FieldError::invalid(
                &at,
                &entry["fieldsType"],
                "must be `FieldsV1`",
            ));
        }
        if text(entry, "manager").len() > 128 {
            errors.push(too_long(&here.child("manager"), 128));
        }
        if text(entry, "subresource").len() > 256 {
            errors.push(too_long(&here.child("subresource"), 256));
        }
    }
}
