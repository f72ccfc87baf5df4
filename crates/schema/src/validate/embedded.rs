//! Resources that are embedded in others have an `apiVersion`, a `kind` and, if any, the metadata of a resource.

use crate::{FieldError, Path, Schema, meta};
use serde_json::{Map, Value};

/// What is wrong with resources that are embedded in `value`. The root itself isn't looked at unless its schema says
/// that it is embedded.
pub fn validate_embedded(value: &Value, schema: Schema<'_>, at: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    walk(value, schema, at, &mut errors);
    errors
}

fn walk(value: &Value, schema: Schema<'_>, at: &Path<'_>, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(fields) => {
            if schema.node().embedded_resource {
                check(fields, at, errors);
            }
            for (name, value) in fields {
                let named = schema
                    .property(name)
                    .filter(|property| !property.node().implied);
                match (named, schema.additional()) {
                    (Some(schema), _) => walk(value, schema, &at.child(name), errors),
                    (None, Some(schema)) => walk(value, schema, &at.key(name), errors),
                    (None, None) => {}
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.items() else { return };
            for (index, item) in items.iter().enumerate() {
                walk(item, schema, &at.index(index), errors);
            }
        }
        _ => {}
    }
}

fn check(fields: &Map<String, Value>, at: &Path<'_>, errors: &mut Vec<FieldError>) {
    let names = ["apiVersion", "kind"];
    for name in names {
        if !fields.contains_key(name) {
            errors.push(FieldError::required(&at.child(name), ""));
        }
    }
    for name in names {
        let at = at.child(name);
        match fields.get(name) {
            None => {}
            Some(Value::String(text)) => {
                if let Some(detail) = fault_of(name, text) {
                    errors.push(FieldError::invalid(&at, &text.as_str().into(), detail));
                }
            }
            Some(other) => errors.push(FieldError::invalid(&at, other, "must be a string")),
        }
    }
    if let Some(metadata) = fields.get("metadata") {
        let at = at.child("metadata");
        let mut decoded = metadata.clone();
        match meta::decode(&mut decoded, false, &mut Vec::new()) {
            Err(error) => errors.push(FieldError::invalid(&at, metadata, error)),
            Ok(()) => {
                let fields = decoded.as_object();
                errors.extend(
                    fields
                        .into_iter()
                        .flat_map(|fields| meta::validate_object_meta(fields, &at)),
                );
            }
        }
    }
}

fn fault_of(name: &str, text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("must not be empty".to_owned());
    }
    if name == "apiVersion" {
        let slashes = text.matches('/').count();
        return (slashes > 1).then(|| format!("unexpected GroupVersion string: {text}"));
    }
    let faults = meta::dns1035_label_errors(&text.to_lowercase());
    let words = "may have mixed case, but should otherwise match:";
    (!faults.is_empty()).then(|| format!("{words} {}", faults.join(",")))
}
