//! Schemas on their way into nodes: definitions, and what `/openapi/v3` publishes.

use serde_json::{Value, json};
use tidegate_schema::{
    Additional, ListType, MapType, Node, Path, ReadError, Schema, Schemas, Type, apply_defaults,
    coerce_resource, validate_status,
};

fn crd(schema: &Value) -> (Schemas, tidegate_schema::NodeId) {
    Schemas::from_crd(schema).expect("the schema can be read")
}

fn at<'a>(schema: Schema<'a>, path: &str) -> &'a Node {
    let found = path.split('.').fold(schema, |schema, step| match step {
        "[]" => schema.items().expect("an array"),
        "*" => schema.additional().expect("a map"),
        name => schema
            .property(name)
            .unwrap_or_else(|| panic!("{name} in {path}")),
    });
    found.node()
}

#[test]
fn resources_have_metadata() {
    let (schemas, root) = crd(&json!({
        "type": "object",
        "properties": {
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}},
            "spec": {"type": "object", "properties": {"template": {
                "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true
            }}},
        },
    }));
    let root = schemas.get(root);
    for (path, implied, r#type) in [
        ("apiVersion", true, Type::String),
        ("kind", true, Type::String),
        ("metadata", false, Type::Object),
        ("metadata.name", false, Type::String),
        ("metadata.generation", true, Type::Integer),
        ("metadata.labels.*", true, Type::String),
        ("metadata.ownerReferences.[].uid", true, Type::String),
        ("spec.template.apiVersion", true, Type::String),
        ("spec.template.metadata", true, Type::Object),
        ("spec.template.metadata.name", true, Type::String),
    ] {
        let node = at(root, path);
        assert_eq!((node.implied, node.r#type), (implied, r#type), "{path}");
    }
    assert_eq!(at(root, "metadata.finalizers").list_type, ListType::Set);
    assert_eq!(
        at(root, "metadata.ownerReferences").list_map_keys,
        ["uid".into()]
    );
    assert_eq!(
        at(root, "metadata.ownerReferences.[]").map_type,
        MapType::Atomic
    );
}

#[test]
fn references_are_followed() {
    let components = json!({
        "Tree": {"type": "object", "properties": {
            "name": {"type": "string", "default": ""},
            "left": {"$ref": "#/components/schemas/Tree"},
            "leaf": {"allOf": [{"$ref": "#/components/schemas/Leaf"}], "default": {}, "description": "A leaf."},
            "leaves": {"type": "array", "items": {"allOf": [{"$ref": "#/components/schemas/Leaf"}], "default": {}},
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                "x-kubernetes-patch-strategy": "merge,retainKeys", "x-kubernetes-patch-merge-key": "k"},
            "port": {"allOf": [{"$ref": "#/components/schemas/IntOrString"}]},
            "quantities": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Quantity"}},
        }, "required": ["name"]},
        "Leaf": {"type": "object", "properties": {"k": {"type": "string"}}, "x-kubernetes-map-type": "atomic"},
        "IntOrString": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
        "Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
        "Alias": {"$ref": "#/components/schemas/Leaf"},
    });
    let (schemas, names) = Schemas::from_openapi(&components).expect("the document can be read");
    let tree = schemas.get(names["Tree"]);
    assert_eq!(tree.property("left").map(Schema::id), Some(names["Tree"]));
    assert_eq!(at(tree, "left.left.left.name").default, Some(json!("")));
    assert_eq!(
        (&at(tree, "leaf").default, at(tree, "leaf").map_type),
        (&Some(json!({})), MapType::Atomic)
    );
    assert_eq!(schemas.get(names["Leaf"]).node().default, None);
    let leaves = at(tree, "leaves");
    assert!(
        leaves.patch_strategy.merge
            && leaves.patch_strategy.retain_keys
            && !leaves.patch_strategy.replace
    );
    assert_eq!(leaves.patch_merge_key.as_deref(), Some("k"));
    assert_eq!(at(tree, "leaves.[].k").r#type, Type::String);
    assert!(at(tree, "port").int_or_string);
    assert_eq!(at(tree, "quantities.*").r#type, Type::Any);
    assert!(matches!(
        at(tree, "quantities").additional,
        Additional::Schema(_)
    ));
    assert_eq!(at(schemas.get(names["Alias"]), "k").r#type, Type::String);
    let mut value = json!({"leaf": {}, "leaves": [null]});
    apply_defaults(&mut value, tree);
    assert_eq!(value, json!({"name": "", "leaf": {}, "leaves": [{}]}));
}

#[test]
fn what_is_no_schema_is_refused() {
    for (schema, words) in [
        (json!([]), ": must be an object"),
        (
            json!({"properties": {"a": 1}}),
            "properties.a: must be an object",
        ),
        (json!({"items": [{}]}), "items: must be an object"),
        (
            json!({"properties": {"a": {"$ref": "#/components/schemas/X"}}}),
            "properties.a: no schema #/components/schemas/X",
        ),
        (
            json!({"additionalProperties": "x"}),
            "additionalProperties: must be an object",
        ),
    ] {
        let error = Schemas::from_crd(&schema).expect_err("refused");
        assert_eq!(error.to_string(), words);
    }
    let to = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let circle = json!({"A": to("B"), "B": to("C"), "C": to("B")});
    assert_eq!(
        Schemas::from_openapi(&circle).map(drop),
        Err(ReadError::Circle)
    );
    assert_eq!(
        Schemas::from_openapi(&json!({"A": to("A")})).map(drop),
        Err(ReadError::Circle)
    );
    let chain = json!({"A": to("B"), "B": to("C"), "C": {"type": "string"}});
    let (schemas, names) = Schemas::from_openapi(&chain).expect("no circle");
    assert_eq!(schemas.get(names["A"]).node().r#type, Type::String);
}

#[test]
fn a_resource_is_decoded_as_a_whole() {
    let (schemas, root) = crd(&json!({
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {
            "a": {"type": "string"},
            "t": {"type": "object", "x-kubernetes-embedded-resource": true},
        }}},
    }));
    let root = schemas.get(root);
    let check = |keep: bool, expected_spec: Value, complaints: &[&str]| {
        let mut object = json!({
            "apiVersion": "g/v1", "kind": "K", "metadata": {"name": "x", "foo": 1, "creationTimestamp": null},
            "spec": {"a": null, "b": 1, "t": {"apiVersion": "v1", "kind": "L", "metadata": {"bar": 1}, "spec": {}}},
        });
        let found = coerce_resource(&mut object, root, keep, false);
        assert_eq!(
            found.as_deref(),
            Ok(complaints
                .iter()
                .map(|&text| text.to_owned())
                .collect::<Vec<_>>()
                .as_slice())
        );
        assert_eq!(object["metadata"], json!({"name": "x"}));
        assert_eq!(object["spec"], expected_spec);
    };
    let (meta, inner) = (
        "unknown field \"metadata.foo\"",
        "unknown field \"spec.t.metadata.bar\"",
    );
    let pruned = json!({"t": {"apiVersion": "v1", "kind": "L", "metadata": {}}});
    check(
        false,
        pruned,
        &[
            meta,
            "unknown field \"spec.b\"",
            "unknown field \"spec.t.spec\"",
            inner,
        ],
    );
    let kept = json!({"a": null, "b": 1, "t": {"apiVersion": "v1", "kind": "L", "metadata": {}, "spec": {}}});
    check(true, kept, &[meta, inner]);
    let mut bad = json!({"spec": {"t": {"kind": 5}}});
    let error = coerce_resource(&mut bad, root, false, false).expect_err("refused");
    assert_eq!(error, "spec.t.kind: Invalid value: 5: must be a string");
}

#[test]
fn status_updates_look_at_the_status() {
    let (schemas, root) = crd(&json!({
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {
                "n": {"type": "integer", "maximum": 1},
                "s": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            }},
            "status": {"type": "object", "properties": {
                "n": {"type": "integer", "maximum": 1},
                "s": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
                "t": {"type": "object", "x-kubernetes-embedded-resource": true},
            }, "anyOf": [{"required": ["n"]}]},
        },
    }));
    let check = |old: Value, new: Value, expected: &[&str]| {
        let errors = validate_status(&new, &old, schemas.get(root));
        let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{old} {new}");
    };
    let too_large = "status.n: Invalid value: 2: n in body should be less than or equal to 1";
    let any_of = "status: Invalid value: \"\": \"\" must validate at least one schema (anyOf)";
    let missing = "status.n: Required value";
    check(
        json!({}),
        json!({"spec": {"n": 2}, "status": {"n": 2, "t": {}}}),
        &[too_large],
    );
    check(
        json!({"status": {"n": 2}}),
        json!({"status": {"n": 2}}),
        &[],
    );
    check(
        json!({"status": {"n": 2}}),
        json!({"status": {"n": 2, "s": []}}),
        &[],
    );
    check(json!({}), json!({"status": {}}), &[any_of, missing]);
    check(json!({"status": {}}), json!({}), &[]);
    let twice = json!({"status": {"n": 1, "s": ["a", "a"]}});
    check(
        json!({}),
        twice.clone(),
        &["status.s[1]: Duplicate value: \"a\""],
    );
    check(json!({"spec": {"s": ["b", "b"]}}), twice, &[]);
    assert_eq!(Path::ROOT.to_string(), "");
}
