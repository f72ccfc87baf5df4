//! What Go's converter from trees to structs says of a tree that doesn't fit: strategic merge patches are read by it,
//! not by the JSON decoder. Fields are looked at in their order, and the first error is the only one.

use super::{Reader, base64, word};
use crate::types::{Form, Special, Type, Types};
use serde_json::Value;

/// What is wrong with a tree of a type.
pub(crate) fn error(model: &str, value: &Value) -> Option<String> {
    structure(Types::all().get(model)?, value)
}

fn structure(found: &'static Type, value: &Value) -> Option<String> {
    let Value::Object(fields) = value else {
        return Some(format!("cannot restore struct from: {}", go_kind(value)));
    };
    found
        .fields
        .iter()
        .find_map(|field| form(&field.form, fields.get(field.name)?))
}

fn form(wanted: &'static Form, value: &Value) -> Option<String> {
    match (wanted, value) {
        (_, Value::Null) => None,
        (Form::Pointer(inner), value) => form(inner, value),
        (Form::Special(special), value) => own(*special, value),
        (Form::Struct(name), value) => structure(Types::all().get(name)?, value),
        (Form::List(item), Value::Array(items)) => items.iter().find_map(|value| form(item, value)),
        (Form::List(_), other) => Some(format!("cannot restore slice from {}", go_kind(other))),
        (Form::Map(_, item), Value::Object(entries)) => {
            entries.values().find_map(|value| form(item, value))
        }
        (Form::Map(..), other) => Some(format!("cannot restore map from {}", go_kind(other))),
        (Form::Bytes, Value::String(text)) => base64::normal(text)
            .err()
            .map(|at| format!("error decoding from json: illegal base64 data at input byte {at}")),
        (Form::Bytes, Value::Array(items)) => items
            .iter()
            .find_map(|value| scalar("uint8", "uint8", value)),
        (Form::Bytes, other) => Some(format!("cannot restore slice from {}", go_kind(other))),
        (Form::Named(_, inner), value) if matches!(**inner, Form::List(_) | Form::Map(..)) => {
            form(inner, value)
        }
        (Form::Named(name, inner), value) => scalar(&inner.go(), name, value),
        (form, value) => {
            let name = form.go();
            scalar(&name, &name, value)
        }
    }
}

/// A value that is to become a text, a flag or a number: `kind` is the Go kind of the type.
fn scalar(kind: &str, name: &str, value: &Value) -> Option<String> {
    let (fits, convertible) = match value {
        Value::String(_) => (kind == "string", false),
        Value::Bool(_) => (kind == "bool", false),
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
            let number = !matches!(kind, "string" | "bool");
            (kind == "float64" || (number && whole), number)
        }
        Value::Number(_) => (!matches!(kind, "string" | "bool"), kind != "bool"),
        _ => (false, false),
    };
    match (fits, convertible) {
        (true, _) => None,
        (_, true) => Some(format!("cannot convert {} to {name}", go_kind(value))),
        _ => Some(format!("unrecognized type: {kind}")),
    }
}

/// Types that read themselves.
fn own(special: Special, value: &Value) -> Option<String> {
    let mut reader = Reader::default();
    let read = reader.special(special, value.clone());
    read.err().or(reader.error)
}

/// The Go kind of a value in a tree.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::Object(_) => "map",
        Value::Array(_) => "slice",
        other => word(other),
    }
}

#[cfg(test)]
mod tests {
    use super::error;
    use serde_json::{Value, json};

    fn check(value: Value, expect: Option<&str>) {
        let model = "io.k8s.api.apps.v1.Deployment";
        assert_eq!(error(model, &json!({ "spec": value })).as_deref(), expect);
    }

    #[test]
    fn errors_are_those_of_the_converter() {
        check(json!({ "replicas": 1, "paused": true }), None);
        check(json!({ "replicas": 1.0 }), None);
        check(
            json!({ "replicas": 1.5 }),
            Some("cannot convert float64 to int32"),
        );
        check(json!({ "replicas": "x" }), Some("unrecognized type: int32"));
        check(json!({ "paused": 1 }), Some("unrecognized type: bool"));
        check(json!([]), Some("cannot restore struct from: slice"));
        let metadata = |labels: Value| json!({ "template": { "metadata": { "labels": labels } } });
        check(
            metadata(json!({ "a": 1 })),
            Some("cannot convert int64 to string"),
        );
        check(
            metadata(json!({ "a": {} })),
            Some("unrecognized type: string"),
        );
        check(metadata(json!("x")), Some("cannot restore map from string"));
        let pod =
            |containers: Value| json!({ "template": { "spec": { "containers": containers } } });
        check(pod(json!({})), Some("cannot restore slice from map"));
        check(
            pod(json!([{ "imagePullPolicy": 1 }])),
            Some("cannot convert int64 to v1.PullPolicy"),
        );
    }
}
