//! What this crate answers to a question, in the form of the oracle's answers.

use crate::schemas;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tidegate_merge::{
    FieldSet, Ownership, PatchError, Patched, Version, json_patch, merge_patch,
    strategic_merge_patch,
};

/// The answer to one question.
pub(crate) fn answer(question: &Value) -> Value {
    let object = &question["object"];
    let patch = question["patch"].as_str().unwrap_or_default().as_bytes();
    let strict = question["strict"].as_bool().unwrap_or_default();
    match question["op"].as_str() {
        Some("json") => patched(json_patch(object, patch, strict)),
        Some("merge") => patched(merge_patch(object, patch, strict)),
        Some("strategic") => {
            let document = schemas::document(question["schemas"].as_str().unwrap_or("items"));
            let text = |i: usize| question["kind"][i].as_str().unwrap_or_default();
            let schema = document.kind(text(0), text(1)).expect("a known kind");
            patched(strategic_merge_patch(object, patch, schema, strict))
        }
        Some("fields") => fields(question["fields"].as_str().unwrap_or_default()),
        Some("owners") => owners(&question["owners"]),
        other => panic!("unknown op {other:?}"),
    }
}

fn patched(outcome: Result<Patched, PatchError>) -> Value {
    match outcome {
        Ok(patched) if patched.strict_errors.is_empty() => json!({"value": patched.value}),
        Ok(patched) => json!({"value": patched.value, "strict": patched.strict_errors}),
        Err(error) => refused(&error),
    }
}

fn refused(error: &PatchError) -> Value {
    let mut out = json!({"code": error.code(), "message": error.to_string()});
    if !error.reason().is_empty() {
        out["reason"] = error.reason().into();
    }
    let causes: Vec<Value> = error
        .causes()
        .into_iter()
        .map(|cause| json!([cause.reason, cause.message, cause.field]))
        .collect();
    if !causes.is_empty() {
        out["causes"] = causes.into();
    }
    out
}

fn fields(text: &str) -> Value {
    let set = serde_json::from_str(text)
        .map_err(|error| error.to_string())
        .and_then(|value: Value| FieldSet::from_fields_v1(&value).map_err(|e| e.to_string()));
    match set {
        Err(error) => json!({"code": 500, "message": error}),
        Ok(set) => {
            let paths: Vec<String> = set.paths().iter().map(ToString::to_string).collect();
            let mut out = json!({"value": set.to_fields_v1()});
            if !paths.is_empty() {
                out["paths"] = paths.into();
            }
            out
        }
    }
}

/// A sequence of writes to one object.
fn owners(sequence: &Value) -> Value {
    let text = |name: &str| sequence[name].as_str().unwrap_or_default();
    let kind = text("kind");
    let document = sequence["schemas"].as_str().map(schemas::document);
    let served: Vec<&str> = sequence["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let versions = |version: &str| {
        if !served.contains(&version) {
            return Version::Missing;
        }
        match document {
            None => Version::Schemaless,
            Some(document) => match document.kind(version, kind) {
                Some(schema) => Version::Schema(schema),
                None => Version::Missing,
            },
        }
    };
    let reset: BTreeMap<String, FieldSet> = sequence["reset"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(version, text)| {
            let value = serde_json::from_str(text.as_str().unwrap_or_default());
            let set = FieldSet::from_fields_v1(&value.expect("JSON")).expect("FieldsV1");
            (version.clone(), set)
        })
        .collect();
    let builtin = sequence["builtin"].as_bool().unwrap_or_default();
    let mut live = sequence.get("live").cloned();
    let mut steps = Vec::new();
    for step in sequence["steps"].as_array().into_iter().flatten() {
        let text = |name: &str| step[name].as_str().unwrap_or_default();
        let ownership = Ownership {
            api_version: text("version"),
            kind,
            subresource: text("subresource"),
            builtin,
            versions: &versions,
            reset: &reset,
        };
        if let Some(live) = &mut live {
            live["apiVersion"] = text("version").into();
        }
        let now = step["now"].as_i64().unwrap_or_default();
        let (object, manager) = (&step["object"], text("manager"));
        let outcome = if text("do") == "apply" {
            let force = step["force"].as_bool().unwrap_or_default();
            ownership.apply(live.as_ref(), object, manager, force, now)
        } else {
            Ok(ownership.update(live.as_ref(), object, manager, now))
        };
        match outcome {
            Ok(mut object) => {
                identify(&mut object);
                steps.push(json!({"value": object}));
                live = Some(object);
            }
            Err(error) => steps.push(refused(&error)),
        }
    }
    json!({"steps": steps})
}

fn identify(object: &mut Value) {
    let metadata = &mut object["metadata"];
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    if metadata["uid"].as_str().is_none_or(str::is_empty) {
        metadata["uid"] = "u".into();
    }
}

/// Two answers in one form: whole floats as integers, causes sorted, and for built-in kinds nothing empty or zero.
pub(crate) fn normal(question: &Value, answer: &Value) -> Value {
    let mut answer = answer.clone();
    if question["op"] == "fields" && answer["code"] == 500 {
        // Nobody sees what is wrong with a FieldsV1.
        answer["message"] = Value::Null;
    }
    whole(&mut answer);
    let builtin = question["owners"]["builtin"].as_bool().unwrap_or_default();
    let steps = answer.get_mut("steps").and_then(Value::as_array_mut);
    for step in steps.into_iter().flatten() {
        if let Some(causes) = step.get_mut("causes").and_then(Value::as_array_mut) {
            causes.sort_by_key(ToString::to_string);
        }
        if builtin && let Some(value) = step.get_mut("value") {
            let entries = value["metadata"]["managedFields"].take();
            drop_empty(value);
            value["metadata"]["managedFields"] = entries;
        }
    }
    answer
}

fn whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let digits = text.strip_suffix(".0").map(str::parse::<i64>);
            if let Some(Ok(integer)) = digits {
                *value = integer.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole),
        Value::Object(fields) => fields.values_mut().for_each(whole),
        _ => {}
    }
}

fn drop_empty(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        Value::Object(fields) => {
            fields.values_mut().for_each(drop_empty);
            fields.retain(|_, field| match field {
                Value::Null => false,
                Value::Bool(flag) => *flag,
                Value::Number(number) => number.as_f64() != Some(0.0),
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                Value::Object(fields) => !fields.is_empty(),
            });
        }
        _ => {}
    }
}
