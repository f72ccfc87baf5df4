//! Definitions that mean harm: deep, wide, long, and wrong in every place. Nothing panics, nothing takes long, and
//! what is told stays small.

use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};
use tidegate_crd::{
    Definition, cells, conditions, default, name_errors, openapi_v2, openapi_v3, prepare_create,
    prepare_update, validate_create, validate_status_update, validate_update, warnings,
};

/// All that is told of one definition.
const TOLD_MAX: usize = 16 << 20;

/// For each definition, with much room for slow machines.
const TIME_MAX: Duration = Duration::from_secs(60);

fn definition(schema: Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "as.x.y" },
        "spec": {
            "group": "x.y",
            "scope": "Namespaced",
            "names": { "plural": "as", "kind": "A" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    })
}

/// Does everything with a definition, whatever it is; gives how many faults it has.
fn check(name: &str, definition: &Value) -> usize {
    let start = Instant::now();
    let mut crd = definition.clone();
    default(&mut crd);
    prepare_create(&mut crd);
    let errors = validate_create(&crd);
    let told: usize = errors.iter().map(|error| error.to_string().len()).sum();
    assert!(told < TOLD_MAX, "{name}: {told} bytes of errors");
    let again = validate_update(&crd, &crd);
    assert!(
        again.len() <= errors.len().max(1),
        "{name}: an unchanged definition isn't worse"
    );
    let mut changed = crd.clone();
    prepare_update(&mut changed, &crd);
    validate_status_update(&crd);
    name_errors(&crd, "x");
    warnings(&crd, Some(&crd));
    conditions(&crd, &[&crd], "2026-01-01T00:00:00Z");
    if let Ok(definition) = Definition::compile(&crd) {
        for version in definition.versions.iter().take(3) {
            cells(&version.columns, &crd, 0);
            openapi_v3(&[(&definition, version)]);
            openapi_v2(&definition, version);
        }
    }
    assert!(
        start.elapsed() < TIME_MAX,
        "{name}: took {:?}",
        start.elapsed()
    );
    errors.len()
}

fn nested(depth: usize, wrap: impl Fn(Value) -> Value) -> Value {
    (0..depth).fold(json!({ "type": "string" }), |inner, _| wrap(inner))
}

fn object(inner: Value) -> Value {
    json!({ "type": "object", "properties": { "a": inner } })
}

fn many(count: usize, value: impl Fn(usize) -> Value) -> Map<String, Value> {
    (0..count).map(|at| (format!("p{at}"), value(at))).collect()
}

#[test]
fn deep_schemas_are_refused_without_following_them() {
    check("as deep as real ones", &definition(nested(90, object)));
    let array = |inner| json!({ "type": "array", "items": inner });
    let not = |inner| json!({ "not": inner });
    let any = |inner| json!({ "anyOf": [inner] });
    let map = |inner| json!({ "type": "object", "additionalProperties": inner });
    let value = |inner| json!([inner]);
    for depth in [120, 240] {
        let cases = [
            ("objects", nested(depth, object)),
            ("arrays", nested(depth, array)),
            ("not", nested(depth, not)),
            ("anyOf", nested(depth, any)),
            ("maps", nested(depth, map)),
            (
                "dependencies",
                nested(depth, |inner| json!({ "dependencies": { "a": inner } })),
            ),
        ];
        for (name, schema) in cases {
            assert_eq!(check(name, &definition(schema)), 1, "{name}");
        }
    }
    let default = nested(1000, value);
    check(
        "default",
        &definition(object(
            json!({ "type": "array", "items": { "type": "array" }, "default": default }),
        )),
    );
}

#[test]
fn wide_schemas_take_time_as_they_are_long() {
    let faults = many(20_000, |_| json!({}));
    let wide = check(
        "faults",
        &definition(json!({ "type": "object", "properties": faults })),
    );
    assert!(wide <= 1000, "{wide} faults are told");
    let texts = many(
        4_000,
        |_| json!({ "type": "string", "pattern": "^[a-z]+$", "default": "a" }),
    );
    check(
        "texts",
        &definition(json!({ "type": "object", "properties": texts })),
    );
    let enums: Vec<Value> = (0..100_000).map(Value::from).collect();
    check(
        "enum",
        &definition(object(
            json!({ "type": "integer", "enum": enums, "default": -1 }),
        )),
    );
    let branches: Vec<Value> = (0..10_000).map(|_| json!({ "required": ["a"] })).collect();
    check(
        "branches",
        &definition(json!({ "type": "object", "anyOf": branches, "oneOf": branches })),
    );
    let keys: Vec<String> = (0..5_000).map(|at| format!("k{at}")).collect();
    let list = json!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": keys,
        "items": { "type": "object", "properties": { "k": { "type": "string" } } },
    });
    check("keys", &definition(object(list)));
    let rules: Vec<Value> = (0..5_000)
        .map(|_| json!({ "rule": " ", "fieldPath": ".a.b.c" }))
        .collect();
    check(
        "rules",
        &definition(json!({ "type": "object", "x-kubernetes-validations": rules })),
    );
}

#[test]
fn long_names_are_not_told_again_and_again() {
    let long = "n".repeat(50_000);
    let inner: Map<String, Value> = many(2_000, |_| json!({}));
    let outer = Map::from_iter([(long, json!({ "type": "object", "properties": inner }))]);
    check(
        "names",
        &definition(json!({ "type": "object", "properties": outer })),
    );
    let mut crd = definition(json!({ "type": "object" }));
    let version = |at: usize| json!({ "name": format!("v{at}"), "schema": { "openAPIV3Schema": { "type": "object", "maxItems": at } } });
    crd["spec"]["versions"] = (0..3_000).map(version).collect();
    check("versions", &crd);
}

#[test]
fn patterns_and_paths_take_time_as_they_are_long() {
    for (name, pattern) in [
        ("classes", "[[:".repeat(50_000)),
        ("groups", "(".repeat(100_000)),
        ("repeats", "(a{2})".repeat(100_000)),
        ("alternatives", "a|".repeat(100_000)),
        ("escapes", "\\pL".repeat(100_000)),
    ] {
        check(
            name,
            &definition(object(json!({ "type": "string", "pattern": pattern }))),
        );
    }
    for path in [
        "..a".repeat(100_000),
        "..*".repeat(1_000),
        "[?(".repeat(100_000),
        "[0,1]".repeat(64),
        "[*]".repeat(100_000),
        "[?(@.a[?(@.b)])]".repeat(1000),
        "'".repeat(100_000),
    ] {
        let mut crd = definition(nested(40, object));
        let column = json!({ "name": "A", "type": "string", "jsonPath": format!(".{path}") });
        crd["spec"]["versions"][0]["additionalPrinterColumns"] = json!([column]);
        crd["spec"]["versions"][0]["selectableFields"] =
            json!([{ "jsonPath": format!(".{path}") }]);
        check("path", &crd);
    }
}

/// Replaces the value at every place of a definition, one after the other, by every kind of JSON.
#[test]
fn nothing_panics_whatever_stands_anywhere() {
    let column = json!({ "name": "A", "type": "string", "jsonPath": ".a" });
    let mut whole = definition(json!({
        "type": "object",
        "properties": {
            "a": { "type": "string", "default": "x", "enum": ["x"], "pattern": "x", "x-kubernetes-validations": [{ "rule": "true" }] },
            "b": { "type": "array", "items": { "type": "object", "required": ["k"], "properties": { "k": { "type": "string" } } },
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] },
            "c": { "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }, { "type": "string" }] },
            "d": { "type": "object", "additionalProperties": { "type": "string" }, "externalDocs": { "url": "x" } },
            "e": { "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
        },
    }));
    let version = &mut whole["spec"]["versions"][0];
    version["additionalPrinterColumns"] = json!([column]);
    version["subresources"] = json!({ "status": {}, "scale": { "specReplicasPath": ".spec.a", "statusReplicasPath": ".status.a" } });
    version["selectableFields"] = json!([{ "jsonPath": ".a" }]);
    whole["spec"]["conversion"] = json!({ "strategy": "Webhook", "webhook": { "conversionReviewVersions": ["v1"], "clientConfig": { "service": { "name": "a", "path": "/a" }, "caBundle": "eA==" } } });
    let mut places = Vec::new();
    collect(&whole, String::new(), &mut places);
    assert!(places.len() > 70);
    let values = [
        json!(null),
        json!(true),
        json!(-1.5),
        json!("é"),
        json!(""),
        json!([]),
        json!([[{}]]),
        json!({}),
        json!({ "a": null }),
    ];
    for place in &places {
        for value in &values {
            let mut crd = whole.clone();
            *crd.pointer_mut(place).expect("a place") = value.clone();
            check(place, &crd);
        }
    }
    for value in values {
        check("the whole", &value);
    }
}

fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(
                    value,
                    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    places,
                );
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
    if !at.is_empty() {
        places.push(at);
    }
}
