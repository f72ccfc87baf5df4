//! Properties of generated writes, without an oracle; and hostile patches.

use crate::{
    generate::{self, Dice},
    schemas,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Instant};
use tidegate_merge::{
    FieldSet, Ownership, PatchError, Version, json_patch, keep_times, merge_patch,
    strategic_merge_patch,
};

/// Calls `work` with the ownership of `Fleet` in its first version.
fn fleet<R>(work: impl FnOnce(&Ownership<'_>) -> R) -> R {
    let document = schemas::document("fleet");
    let versions = |version: &str| match document.kind(version, "Fleet") {
        Some(schema) => Version::Schema(schema),
        None => Version::Missing,
    };
    work(&Ownership {
        api_version: "test.dev/v1",
        kind: "Fleet",
        subresource: "",
        builtin: false,
        versions: &versions,
        reset: &BTreeMap::new(),
    })
}

/// Without what is empty: nobody owns an empty list, so it stays where it is.
fn full(value: &Value) -> Value {
    let is_full = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    match value {
        Value::Array(items) => items.iter().map(full).filter(is_full).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, field)| (name.clone(), full(field)));
            Value::Object(fields.filter(|(_, field)| is_full(field)).collect())
        }
        scalar => scalar.clone(),
    }
}

/// Objects that were applied in generated questions, and that can be applied.
fn applied() -> Vec<Value> {
    let mut out = Vec::new();
    for seed in 0..400 {
        for question in generate::questions(seed, "owners") {
            let sequence = &question["owners"];
            if sequence["versions"] != json!(["test.dev/v1"]) || sequence["schemas"] != "fleet" {
                continue;
            }
            let steps = sequence["steps"].as_array().into_iter().flatten();
            let fits = |object: &Value| fleet(|o| o.apply(None, object, "x", false, 0)).is_ok();
            out.extend(
                steps
                    .filter(|step| step["do"] == "apply")
                    .map(|step| full(&step["object"]))
                    .filter(fits),
            );
        }
    }
    assert!(out.len() > 500, "{} are few", out.len());
    out
}

fn apply(live: Option<&Value>, object: &Value, manager: &str, now: i64) -> Value {
    fleet(|ownership| ownership.apply(live, object, manager, true, now)).expect("it can be applied")
}

fn empty() -> Value {
    json!({"apiVersion": "test.dev/v1", "kind": "Fleet", "metadata": {"name": "n", "namespace": "s"}})
}

#[test]
fn applying_twice_changes_nothing() {
    for object in applied() {
        let once = apply(None, &object, "one", 10);
        let twice = apply(Some(&once), &object, "one", 20);
        assert_eq!(once, twice, "{object}");
    }
}

#[test]
fn what_its_only_manager_drops_is_gone() {
    for object in applied() {
        let once = apply(None, &object, "one", 10);
        let mut dropped = apply(Some(&once), &empty(), "one", 20);
        dropped["metadata"]["managedFields"].take();
        let metadata = dropped["metadata"].as_object_mut().expect("metadata");
        metadata.retain(|_, value| !value.is_null());
        assert_eq!(dropped, empty(), "{object}");
    }
}

#[test]
fn what_another_owns_stays() {
    for pair in applied().windows(2) {
        let [first, second] = pair else { continue };
        let one = apply(None, first, "one", 10);
        let both = apply(Some(&one), second, "two", 20);
        let left = apply(Some(&both), &empty(), "one", 30);
        // What two applied is as if applied now: nothing of it is gone, and no conflict appears.
        let again = fleet(|ownership| ownership.apply(Some(&left), second, "two", false, 40));
        assert_eq!(
            again.expect("two still owns all of it"),
            left,
            "{first} {second}"
        );
    }
}

#[test]
fn updating_to_the_same_changes_nothing() {
    for object in applied() {
        let mut live = apply(None, &object, "one", 10);
        live["metadata"]["uid"] = "u".into();
        let updated = fleet(|ownership| ownership.update(Some(&live), &live, "two", 20));
        assert_eq!(updated, live);
    }
}

#[test]
fn sets_survive_their_text_and_follow_the_laws_of_sets() {
    let mut sets = Vec::new();
    for seed in 0..2_000 {
        for question in generate::questions(seed, "fields") {
            let text = question["fields"].as_str().unwrap_or_default();
            let value = serde_json::from_str(text).expect("JSON");
            sets.extend(FieldSet::from_fields_v1(&value));
        }
    }
    assert!(sets.len() > 800, "{} are few", sets.len());
    for pair in sets.windows(2) {
        let [a, b] = pair else { continue };
        let text = a.to_fields_v1();
        let back = FieldSet::from_fields_v1(&text).expect("what was written can be read");
        assert_eq!(back.to_fields_v1(), text);
        assert_eq!(back.paths(), a.paths());
        let (union, both) = (a.union(b), a.intersection(b));
        assert_eq!(union.len() + both.len(), a.len() + b.len());
        assert_eq!(a.difference(b).len() + both.len(), a.len());
        assert!(a.difference(&union).is_empty());
        assert!(both.difference(a).is_empty());
        let recursive = a.recursive_difference(b);
        assert!(recursive.difference(&a.difference(b)).is_empty());
        assert!(recursive.intersection(b).is_empty());
        for path in a.paths() {
            assert!(union.has(&path.0));
            assert_eq!(both.has(&path.0), b.has(&path.0));
        }
        assert_eq!(FieldSet::of(a.paths()).paths(), a.paths());
    }
}

/// Whatever the objects are, there is an answer.
#[test]
fn any_object_at_all_is_answered() {
    let mut answers = 0;
    for seed in 0..3_000 {
        let dice = &mut Dice::new(seed);
        let object = |dice: &mut Dice| {
            let mut object = generate::any(dice, 5);
            if let (Value::Object(fields), true) = (&mut object, dice.often(80)) {
                fields.insert("apiVersion".into(), "test.dev/v1".into());
                fields.insert("kind".into(), "Fleet".into());
                fields.insert("spec".into(), generate::any(dice, 4));
                let entry = json!({"operation": "Apply", "apiVersion": "test.dev/v1",
                    "fieldsType": "FieldsV1", "fieldsV1": generate::set(dice, 4)});
                let entries = if dice.often(70) {
                    json!([entry])
                } else {
                    generate::any(dice, 3)
                };
                fields.insert(
                    "metadata".into(),
                    json!({"managedFields": entries, "uid": "u"}),
                );
            }
            object
        };
        let (live, new) = (object(dice), object(dice));
        let live = dice.often(80).then_some(&live);
        fleet(|ownership| {
            answers += usize::from(ownership.apply(live, &new, "one", true, 0).is_ok());
            answers += usize::from(ownership.update(live, &new, "two", 0).is_object());
        });
    }
    assert!(answers > 1_000, "{answers} are few");
}

/// Texts at which a server must not fall over.
#[test]
fn hostile_patches_are_refused_soon() {
    let started = Instant::now();
    let deep = |open: &str, close: &str, n: usize| open.repeat(n) + "1" + &close.repeat(n);
    let object = json!({"a": {"b": vec!["x"; 100]}, "l": []});
    let schema = schemas::document("items").kind("", "Item").expect("a kind");
    for text in [
        deep("[", "]", 200_000),
        deep("{\"a\":", "}", 200_000),
        deep("{\"mergeItemPtr\":", "}", 100_000),
        "[".repeat(1_000_000),
        "{\"a\":".repeat(500_000),
        "\"".repeat(100_001),
    ] {
        let refused = |error: PatchError| assert_eq!(error.code(), 400);
        json_patch(&object, text.as_bytes(), true)
            .map(drop)
            .map_err(refused)
            .expect_err("refused");
        merge_patch(&object, text.as_bytes(), true)
            .map(drop)
            .map_err(refused)
            .expect_err("refused");
        strategic_merge_patch(&json!({}), text.as_bytes(), schema, true)
            .map(drop)
            .map_err(refused)
            .expect_err("refused");
    }
    let operations = |one: &str, n: usize| format!("[{}]", vec![one; n].join(","));
    // A copy bomb, a spiral into the depth, too many operations, and a large tree moved to and fro.
    for (one, n, code) in [
        (r#"{"op":"copy","from":"/a/b","path":"/a/b/-"}"#, 100, 422),
        (r#"{"op":"copy","from":"/l","path":"/l/-"}"#, 200, 422),
        (r#"{"op":"copy","from":"/a","path":"/l/-"}"#, 10_000, 422),
        (r#"{"op":"add","path":"/a/b/0","value":[]}"#, 10_001, 413),
    ] {
        let error = json_patch(&object, operations(one, n).as_bytes(), false).expect_err("refused");
        assert_eq!(error.code(), code, "{one}");
    }
    let wide = json!({"a": {"b": vec![json!([]); 100_000]}, "c": {"d": {}}});
    let to_and_fro =
        r#"{"op":"move","from":"/a","path":"/c/d/a"},{"op":"move","from":"/c/d/a","path":"/a"}"#;
    let _ = json_patch(&wide, operations(to_and_fro, 500).as_bytes(), false);
    // Loose: the machine may be busy, and the build without optimisation.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn times_move_only_with_something_else() {
    let object = |time: &str, value: i64, manager: &str| json!({"metadata": {"managedFields": [{"manager": manager, "time": time}]}, "spec": value});
    for (new, old, expect) in [
        (
            object("2", 1, "a"),
            object("1", 1, "a"),
            object("1", 1, "a"),
        ),
        (
            object("2", 2, "a"),
            object("1", 1, "a"),
            object("2", 2, "a"),
        ),
        (
            object("2", 1, "b"),
            object("1", 1, "a"),
            object("2", 1, "b"),
        ),
        (json!({"spec": 1}), object("1", 1, "a"), json!({"spec": 1})),
    ] {
        let mut kept = new.clone();
        keep_times(&mut kept, &old);
        assert_eq!(kept, expect);
    }
}
