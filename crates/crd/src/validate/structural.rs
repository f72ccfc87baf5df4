//! Whether a schema is structural, in the words of apiextensions-apiserver's `pkg/apiserver/schema`.
//!
//! Every value has a type and a place that the schema names outside of `allOf`, `anyOf`, `oneOf` and `not`; what stands
//! inside these only restricts values.

mod nested;

use crate::{
    errors::Errors,
    go_regexp,
    view::{Additional, Items, Props},
};
use nested::{check_completeness, check_nested};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

/// How far inside a schema something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What a schema can't be converted with, were it not refused for it anyway.
pub(crate) fn unsupported(schema: Props<'_>) -> Option<&'static str> {
    let mut found = None;
    schema.any(&mut |schema| {
        found = unsupported_here(schema);
        found.is_some()
    });
    found
}

fn unsupported_here(schema: Props<'_>) -> Option<&'static str> {
    let fields = schema.fields();
    if !fields.text("id").is_empty() {
        return Some("OpenAPIV3Schema 'id' is not supported");
    }
    if !fields.text("$schema").is_empty() {
        return Some("OpenAPIV3Schema 'schema' is not supported");
    }
    if !fields.text("$ref").is_empty() {
        return Some("OpenAPIV3Schema '$ref' is not supported");
    }
    if !fields.object("patternProperties").is_empty() {
        return Some("OpenAPIV3Schema 'patternProperties' is not supported");
    }
    if !fields.object("dependencies").is_empty() {
        return Some("OpenAPIV3Schema 'dependencies' is not supported");
    }
    if fields.get("additionalItems").is_some() {
        return Some("OpenAPIV3Schema 'additionalItems' is not supported");
    }
    if !fields.object("definitions").is_empty() {
        return Some("OpenAPIV3Schema 'definitions' is not supported");
    }
    if fields.opt_flag("x-kubernetes-preserve-unknown-fields") == Some(false) {
        return Some(
            "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined",
        );
    }
    if matches!(schema.items(), Items::Many([_, ..])) {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array");
    }
    None
}

/// What keeps a schema from being structural, sorted as kube-apiserver does.
pub(crate) fn check_structural(schema: Props<'_>, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    check(schema, Level::Root, path, &mut errors);
    check_completeness(schema, path, &mut errors);
    let mut errors = errors.into_vec();
    errors.sort_by_cached_key(FieldError::to_string);
    errors
}

/// Whether a schema is structural.
pub(crate) fn is_structural(schema: Props<'_>) -> bool {
    unsupported(schema).is_none() && check_structural(schema, &Path::ROOT).is_empty()
}

fn check(schema: Props<'_>, level: Level, path: &Path<'_>, errors: &mut Errors) {
    if errors.full() {
        return;
    }
    let items = schema.item();
    if schema.r#type() == "array" && items.is_none() {
        errors.required(&path.child("items"), "must be specified");
    }
    if let Some(items) = items {
        check(items, Level::Item, &path.child("items"), errors);
    }
    let properties = path.child("properties");
    for (name, child) in schema.properties() {
        check(child, Level::Field, &properties.key(name), errors);
    }
    let additional = schema.additional("additionalProperties");
    if !matches!(additional, Additional::None) && level == Level::Root {
        errors.forbidden(
            &path.child("additionalProperties"),
            "must not be used at the root",
        );
    }
    if let Additional::Schema(child) = additional {
        check(
            child,
            Level::Field,
            &path.child("additionalProperties"),
            errors,
        );
    }
    check_extensions(schema, path, errors);
    let skip = skipped(schema);
    check_junctors(schema, skip, path, errors);
    check_type(schema, level, path, errors);
    if schema.embedded() && !matches!(additional, Additional::None) {
        errors.forbidden(
            &path.child("additionalProperties"),
            "must not be used if x-kubernetes-embedded-resource is set",
        );
    }
    check_resource(schema, level, path, errors);
    if schema.embedded() && !schema.preserves() && !schema.has_properties() {
        errors.required(
            &path.child("properties"),
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        );
    }
}

fn check_extensions(schema: Props<'_>, path: &Path<'_>, errors: &mut Errors) {
    if schema.int_or_string() {
        for (is, word) in [
            (schema.preserves(), "x-kubernetes-preserve-unknown-fields"),
            (schema.embedded(), "x-kubernetes-embedded-resource"),
        ] {
            if is {
                let detail = "must be false if x-kubernetes-int-or-string is true";
                errors.push(FieldError::invalid(
                    &path.child(word),
                    &Value::Bool(true),
                    detail,
                ));
            }
        }
    }
}

fn check_type(schema: Props<'_>, level: Level, path: &Path<'_>, errors: &mut Errors) {
    let here = path.child("type");
    let r#type = schema.r#type();
    if schema.embedded() && r#type != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        if r#type.is_empty() {
            errors.required(&here, detail);
        } else {
            errors.invalid(&here, r#type, detail);
        }
    } else if r#type.is_empty() && !schema.int_or_string() && !schema.preserves() {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.required(&here, detail);
    }
    if level == Level::Root && !r#type.is_empty() && r#type != "object" {
        errors.invalid(&here, r#type, "must be object at the root");
    }
}

/// What a resource's kind, apiVersion and metadata may say.
fn check_resource(schema: Props<'_>, level: Level, path: &Path<'_>, errors: &mut Errors) {
    let resource = level == Level::Root || schema.embedded();
    let properties = path.child("properties");
    for name in ["kind", "apiVersion"] {
        if let Some(child) = schema
            .property(name)
            .filter(|child| resource && child.r#type() != "string")
        {
            errors.invalid(
                &properties.key(name).child("type"),
                child.r#type(),
                "must be string",
            );
        }
    }
    let Some(metadata) = schema.property("metadata") else {
        return;
    };
    let path = properties.key("metadata");
    if resource && metadata.r#type() != "object" {
        errors.invalid(&path.child("type"), metadata.r#type(), "must be object");
    }
    if level == Level::Root && !is_plain_metadata(metadata) {
        errors.forbidden(
            &path,
            "must not specify anything other than name and generateName, but metadata is implicitly specified",
        );
    }
}

/// Whether a root's `metadata` says no more than its type, a default, and something of `name` and `generateName`.
fn is_plain_metadata(metadata: Props<'_>) -> bool {
    metadata
        .fields()
        .iter()
        .all(|(word, value)| match (word, value) {
            ("type" | "default", _) | (_, Value::Null | Value::Bool(false)) => true,
            ("properties", Value::Object(fields)) => fields
                .keys()
                .all(|name| matches!(name.as_str(), "name" | "generateName")),
            ("enum" | "allOf" | "anyOf" | "oneOf", Value::Array(list)) => list.is_empty(),
            (_, Value::String(text)) => text.is_empty(),
            _ => false,
        })
}

/// Which part of a schema is one of the two allowed ways to spell an int or string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skip {
    Nothing,
    /// `anyOf: [{type: integer}, {type: string}]`, and the same as the first of `allOf`.
    Spelled {
        any_of: bool,
        first_all_of: bool,
    },
}

fn skipped(schema: Props<'_>) -> Skip {
    let any_of = is_int_or_string(schema);
    let first_all_of = schema.list("allOf").next().is_some_and(is_int_or_string);
    if any_of || first_all_of {
        Skip::Spelled {
            any_of,
            first_all_of,
        }
    } else {
        Skip::Nothing
    }
}

/// Whether `anyOf` is exactly `[{type: integer}, {type: string}]`.
pub(crate) fn is_int_or_string(schema: Props<'_>) -> bool {
    let mut branches = schema.list("anyOf");
    let ints = branches
        .next()
        .is_some_and(|branch| is_bare(branch, "integer"));
    let texts = branches
        .next()
        .is_some_and(|branch| is_bare(branch, "string"));
    ints && texts && branches.next().is_none()
}

fn is_bare(schema: Props<'_>, r#type: &str) -> bool {
    schema.r#type() == r#type
        && schema.fields().iter().all(|(word, value)| match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => word == "type" || text.is_empty(),
            Value::Array(list) => {
                matches!(word, "enum" | "allOf" | "anyOf" | "oneOf") && list.is_empty()
            }
            _ => false,
        })
}

/// `anyOf`, `allOf`, `oneOf`, `not` and the pattern.
fn check_junctors(schema: Props<'_>, skip: Skip, path: &Path<'_>, errors: &mut Errors) {
    let (skip_any_of, skip_first) = match skip {
        Skip::Nothing => (false, false),
        Skip::Spelled {
            any_of,
            first_all_of,
        } => (any_of, first_all_of),
    };
    if !skip_any_of {
        let here = path.child("anyOf");
        for (index, branch) in schema.list("anyOf").enumerate() {
            check_nested(branch, false, &here.index(index), errors);
        }
    }
    let here = path.child("allOf");
    for (index, branch) in schema.list("allOf").enumerate() {
        check_nested(branch, skip_first && index == 0, &here.index(index), errors);
    }
    let here = path.child("oneOf");
    for (index, branch) in schema.list("oneOf").enumerate() {
        check_nested(branch, false, &here.index(index), errors);
    }
    if let Some(branch) = schema.not() {
        check_nested(branch, false, &path.child("not"), errors);
    }
    let pattern = schema.fields().text("pattern");
    if let Err(error) = go_regexp::check(pattern) {
        let detail = format!("must be a valid regular expression, but isn't: {error}");
        errors.invalid(&path.child("pattern"), pattern, detail);
    }
}
