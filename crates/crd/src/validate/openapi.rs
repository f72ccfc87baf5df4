//! What a schema may say, node by node: words that are not supported, lists and maps, and the plain parts of rules.
//!
//! Whether rules compile is for `tidegate-rules`; whether the schema is structural, for `structural`.

mod lists;
mod rules;

use super::Strictness;
use crate::{
    errors::Errors,
    view::{Additional, Items, Props},
    words::not_supported,
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// What the way down to a node says about it.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    strict: &'a Strictness,
    /// Why there may be no default here.
    no_default: Option<&'a str>,
    /// Inside of a resource's kind, apiVersion or metadata.
    in_meta: bool,
    root: bool,
}

pub(super) use lists::has_loose_set;

/// Whether the type is none that OpenAPI has.
pub(super) fn has_unknown_type(schema: Props<'_>) -> bool {
    let r#type = schema.r#type();
    !r#type.is_empty() && !TYPES.contains(&r#type)
}

/// Whether the items of a set or map may be null, or lack a key.
pub(super) fn has_loose_items(schema: Props<'_>) -> bool {
    let mut errors = Errors::default();
    lists::check_items(schema, &Path::ROOT, &mut errors);
    !errors.is_empty()
}

/// Tells all faults of a version's schema.
pub(super) fn check(schema: Props<'_>, path: &Path<'_>, strict: &Strictness, errors: &mut Errors) {
    let place = Place {
        strict,
        no_default: None,
        in_meta: false,
        root: true,
    };
    check_node(schema, path, place, errors);
}

fn check_node(schema: Props<'_>, path: &Path<'_>, place: Place<'_>, errors: &mut Errors) {
    if errors.full() {
        return;
    }
    check_words(schema, path, place, errors);
    if schema.fields().flag("uniqueItems") {
        let detail =
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.forbidden(&path.child("uniqueItems"), detail);
    }
    let inside = Place {
        root: false,
        ..place
    };
    check_children(schema, path, place, errors);
    for word in ["allOf", "oneOf", "anyOf"] {
        let here = path.child(word);
        for (index, branch) in schema.list(word).enumerate() {
            check_node(branch, &here.index(index), inside, errors);
        }
    }
    let here = path.child("definitions");
    for (name, child) in schema.map("definitions") {
        check_node(child, &here.key(name), inside, errors);
    }
    let here = path.child("items");
    match schema.items() {
        Items::None => {}
        Items::One(item) => check_node(item, &here, inside, errors),
        Items::Many(list) => {
            for (index, item) in list.iter().enumerate() {
                check_node(Props::of(item), &here.index(index), inside, errors);
            }
        }
    }
    let here = path.child("dependencies");
    for (name, value) in schema
        .fields()
        .object("dependencies")
        .iter()
        .filter(|(_, value)| value.is_object())
    {
        check_node(Props::of(value), &here.key(name), inside, errors);
    }
    check_extensions(schema, path, errors);
    lists::check(schema, path, place.strict, errors);
    rules::check(schema, path, errors);
}

/// The properties, named and not, and `not`.
fn check_children(schema: Props<'_>, path: &Path<'_>, place: Place<'_>, errors: &mut Errors) {
    let inside = Place {
        root: false,
        ..place
    };
    let additional = schema.additional("additionalProperties");
    if schema.has_properties()
        && matches!(
            additional,
            Additional::Allows(false) | Additional::Schema(_)
        )
    {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.forbidden(&path.child("additionalProperties"), detail);
    }
    if let Additional::Schema(child) = additional {
        let reason = "inside additionalProperties applying to object metadata";
        let no_default = if place.in_meta {
            Some(reason)
        } else {
            place.no_default
        };
        check_node(
            child,
            &path.child("additionalProperties"),
            Place {
                no_default,
                ..inside
            },
            errors,
        );
    }
    let here = path.child("properties");
    for (name, child) in schema.properties() {
        let mut below = inside;
        let reason;
        if (place.root || schema.embedded()) && matches!(name, "metadata" | "kind" | "apiVersion") {
            below.in_meta = true;
            if place.root {
                reason = format!("in top-level {name}");
                below.no_default = Some(&reason);
            }
        }
        check_node(child, &here.key(name), below, errors);
    }
    if let Some(not) = schema.not() {
        check_node(not, &path.child("not"), inside, errors);
    }
}

/// Words that OpenAPI has and Kubernetes doesn't.
fn check_words(schema: Props<'_>, path: &Path<'_>, place: Place<'_>, errors: &mut Errors) {
    let fields = schema.fields();
    let r#type = schema.r#type();
    if place.strict.types && has_unknown_type(schema) {
        errors.push(not_supported(&path.child("type"), r#type, &TYPES));
    }
    if let Some(reason) = place.no_default.filter(|_| schema.default().is_some()) {
        errors.forbidden(&path.child("default"), &format!("must not be set {reason}"));
    }
    for (is, word) in [
        (!fields.text("id").is_empty(), "id"),
        (fields.get("additionalItems").is_some(), "additionalItems"),
        (
            !fields.object("patternProperties").is_empty(),
            "patternProperties",
        ),
        (!fields.object("definitions").is_empty(), "definitions"),
        (fields.opt_object("dependencies").is_some(), "dependencies"),
        (fields.opt_text("$ref").is_some(), "$ref"),
    ] {
        if is {
            errors.forbidden(&path.child(word), &format!("{word} is not supported"));
        }
    }
    if r#type == "null" {
        errors.forbidden(
            &path.child("type"),
            "type cannot be set to null, use nullable as an alternative",
        );
    }
    if matches!(schema.items(), Items::Many([_, ..])) {
        errors.forbidden(
            &path.child("items"),
            "items must be a schema object and not an array",
        );
    }
    if place.in_meta && schema.embedded() {
        errors.forbidden(
            &path.child("x-kubernetes-embedded-resource"),
            "must not be used inside of resource meta",
        );
    }
}

fn check_extensions(schema: Props<'_>, path: &Path<'_>, errors: &mut Errors) {
    let word = "x-kubernetes-preserve-unknown-fields";
    if schema.fields().opt_flag(word) == Some(false) {
        let error = FieldError::invalid(
            &path.child(word),
            &Value::Bool(false),
            "must be true or undefined",
        );
        errors.push(error);
    }
    let word = "x-kubernetes-map-type";
    let Some(map_type) = schema.map_type() else {
        return;
    };
    if schema.r#type() != "object" {
        wrong_type(
            schema,
            path,
            "must be object if x-kubernetes-map-type is specified",
            errors,
        );
    }
    let known = ["atomic", "granular"];
    if !known.contains(&map_type) {
        errors.push(not_supported(&path.child(word), map_type, &known));
    }
}

fn wrong_type(schema: Props<'_>, path: &Path<'_>, detail: &str, errors: &mut Errors) {
    let here = path.child("type");
    match schema.r#type() {
        "" => errors.required(&here, detail),
        other => errors.invalid(&here, other, detail),
    }
}
