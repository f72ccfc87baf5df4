//! Sequences of writes to one object.

use super::{
    Dice, any,
    maker::{Maker, definition},
};
use crate::schemas;
use serde_json::{Value, json};

pub(super) fn owners(
    dice: &mut Dice,
    schemas_name: Option<&str>,
    kind: &str,
    versions: &[&str],
    builtin: bool,
) -> Value {
    let definitions = schemas::components(schemas_name.unwrap_or("fleet"));
    let mut steps = Vec::new();
    let mut last = Value::Null;
    let odd = dice.often(15);
    let mut version = versions[0];
    for i in 0..2 + dice.below(6) {
        if dice.often(30) {
            version = versions[dice.below(versions.len())];
        }
        let schema = definition(definitions, version, kind);
        let apply = dice.often(55);
        let density = *dice.pick(&[15, 30, 60]);
        let doubles = !apply && dice.often(10);
        let mut maker = Maker {
            dice,
            definitions,
            density,
            doubles,
            zeros: !builtin,
        };
        let mut object = if last.is_object() && maker.dice.often(60) {
            let fresh = maker.make(schema, 4);
            blend(maker.dice, &last, &fresh)
        } else {
            maker.make(schema, 4)
        };
        name(dice, &mut object, version, kind);
        last = object.clone();
        if !apply {
            object["metadata"]["uid"] = "u".into();
        }
        if !apply && !builtin && dice.often(12) {
            object["metadata"]["managedFields"] = claims(dice, version);
        }
        if odd && !builtin && dice.often(20) {
            object[*dice.pick(&["spec", "status", "x"])] = any(dice, 2);
        }
        steps.push(json!({
            "do": if apply { "apply" } else { "update" },
            "manager": *dice.pick(&["one", "two", "three", "kubectl", ""]),
            "version": version,
            "subresource": if !apply && dice.often(20) { "status" } else { "" },
            "force": dice.often(40),
            "now": 1_000_000_000 + i * 10,
            "object": object,
        }));
    }
    let mut out = json!({"kind": kind, "versions": versions, "builtin": builtin, "steps": steps});
    if let Some(schemas_name) = schemas_name {
        out["schemas"] = schemas_name.into();
    }
    if dice.often(20) {
        let set = dice.pick(&[
            r#"{"f:status":{}}"#,
            r#"{"f:spec":{}}"#,
            r#"{"f:spec":{"f:nested":{},"f:replicas":{}}}"#,
        ]);
        out["reset"] = json!({versions[0]: *set});
    }
    json!({"op": "owners", "owners": out})
}

/// ManagedFields that an update may come with: true, wild or broken.
fn claims(dice: &mut Dice, version: &str) -> Value {
    let known = [
        json!({"f:spec": {".": {}, "f:replicas": {}, "f:tags": {"v:\"a\"": {}}, "f:labels": {"f:a": {}}}}),
        json!({"f:spec": {"f:whole": {"f:a": {}}, "f:args": {"v:\"a\"": {}}, "f:ref": {"f:name": {}}}}),
        json!({"f:spec": {"f:named": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}}}, "f:nested": {}}}),
        json!({"f:spec": {"f:tags": {}, "f:labels": {}, "f:named": {}}, "f:nope": {"f:x": {}}}),
    ];
    (0..dice.below(4))
        .map(|_| {
            let fields = match dice.below(3) {
                0 => super::set(dice, 3),
                _ => dice.pick(&known).clone(),
            };
            let mut entry = json!({
                "manager": *dice.pick(&["one", "two", "old"]),
                "operation": *dice.pick(&["Apply", "Update"]),
                "apiVersion": if dice.often(20) { "test.dev/v0" } else { version },
                "fieldsType": "FieldsV1",
                "fieldsV1": fields,
            });
            if dice.often(50) {
                entry["time"] = "2001-01-01T00:00:00Z".into();
            }
            if dice.often(8) {
                let broken = *dice.pick(&["operation", "apiVersion", "fieldsType", "fieldsV1"]);
                entry[broken] = (*dice.pick(&["", "x"])).into();
            }
            entry
        })
        .collect()
}

/// Makes a tree an object.
fn name(dice: &mut Dice, object: &mut Value, version: &str, kind: &str) {
    object["apiVersion"] = version.into();
    object["kind"] = kind.into();
    object["metadata"] = json!({"name": "n", "namespace": "s"});
    if dice.often(40) {
        object["metadata"]["labels"] = json!({*dice.pick(&["a", "b"]): *dice.pick(&["1", "2"])});
    }
    if dice.often(20) {
        object["metadata"]["finalizers"] = json!([*dice.pick(&["a/b", "c/d"])]);
    }
}

/// Some fields of one, some of the other.
fn blend(dice: &mut Dice, old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let mut out = old.clone();
            for name in old.keys() {
                if dice.often(15) {
                    out.remove(name);
                }
            }
            for (name, value) in new {
                if dice.often(35) {
                    let both = blend(dice, &old.get(name).cloned().unwrap_or_default(), value);
                    out.insert(name.clone(), both);
                }
            }
            Value::Object(out)
        }
        (Value::Array(old), Value::Array(new)) if dice.often(50) => {
            let mut out = old.clone();
            if !out.is_empty() && dice.often(50) {
                out.remove(dice.below(out.len()));
            }
            if let (false, Some(item)) = (old.iter().any(Value::is_object), new.first())
                && !out.contains(item)
            {
                out.push(item.clone());
            }
            Value::Array(out)
        }
        (_, new) => new.clone(),
    }
}
