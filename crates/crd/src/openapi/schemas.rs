//! Schemas: those of the definition, in OpenAPI's words and with what every resource has, and those of lists.

use super::{COMMON, Form, Resource};
use crate::{
    validate::{is_int_or_string, is_structural},
    view::{Additional, Props},
};
use serde_json::{Map, Value, json};

const GVK: &str = "x-kubernetes-group-version-kind";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// Words whose values are published as they are, unless they say nothing.
const PLAIN: [&str; 21] = [
    "description",
    "title",
    "default",
    "example",
    "format",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "enum",
    "maxProperties",
    "minProperties",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
];

/// As `PLAIN`; words that branches of `allOf` and so on don't publish.
const EXTENSIONS: [&str; 5] = [
    "x-kubernetes-validations",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
];

/// Adds the schemas of a resource and of its list.
pub(super) fn add(schemas: &mut Map<String, Value>, resource: Resource<'_>) {
    let names = &resource.definition.names;
    schemas.insert(resource.model(&names.kind), kind(resource));
    schemas.insert(resource.model(&names.list_kind), list(resource));
}

fn kind(resource: Resource<'_>) -> Value {
    let v2 = resource.form == Form::V2;
    let document = resource.version.schema();
    let schema = document
        .as_ref()
        .map(Props::of)
        .filter(|schema| is_structural(*schema));
    let loose = |schema: &Props<'_>| {
        v2 && (schema.preserves() || resource.definition.preserve_unknown_fields)
    };
    let mut out = match schema.filter(|schema| !loose(schema)) {
        None => Map::from_iter([("type".to_owned(), "object".into())]),
        Some(schema) => {
            let mut out = node(schema, resource.form);
            properties(&mut out).extend(type_meta(resource.form, "apiVersion", "kind", "metadata"));
            out
        }
    };
    finish(&mut out, resource, &resource.definition.names.kind);
    out.into()
}

fn list(resource: Resource<'_>) -> Value {
    let names = &resource.definition.names;
    let items = resource.form.reference(&resource.model(&names.kind));
    let about = format!(
        "List of {}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md",
        names.plural
    );
    let mut fields = type_meta(resource.form, "apiVersion", "kind", "listMetadata");
    fields.insert(
        "items".to_owned(),
        json!({ "description": about, "type": "array", "items": items }),
    );
    let mut out = Map::from_iter([
        (
            "description".to_owned(),
            format!("{} is a list of {}", names.list_kind, names.kind).into(),
        ),
        ("type".to_owned(), "object".into()),
        ("required".to_owned(), json!(["items"])),
        ("properties".to_owned(), fields.into()),
    ]);
    finish(&mut out, resource, &names.list_kind);
    out.into()
}

/// The kind that a schema is of, and its selectable fields.
fn finish(out: &mut Map<String, Value>, resource: Resource<'_>, kind: &str) {
    let (group, version) = (&resource.definition.group, &resource.version.name);
    out.insert(
        GVK.to_owned(),
        json!([{ "group": group, "version": version, "kind": kind }]),
    );
    let selectable: Vec<Value> = resource
        .version
        .selectable_fields
        .iter()
        .map(|path| json!({ "fieldPath": path.strip_prefix('.').unwrap_or(path) }))
        .collect();
    if !selectable.is_empty() {
        out.insert(
            "x-kubernetes-selectable-fields".to_owned(),
            selectable.into(),
        );
    }
}

/// `apiVersion`, `kind` and `metadata`, with the texts of these names.
fn type_meta(form: Form, api_version: &str, kind: &str, metadata: &str) -> Map<String, Value> {
    let texts = &COMMON["texts"];
    let text = |name: &str| json!({ "description": texts[name], "type": "string" });
    let model = if metadata == "listMetadata" {
        "ListMeta"
    } else {
        "ObjectMeta"
    };
    let reference = form.reference(&format!("{META}.{model}"));
    let mut meta = json!({ "description": texts[metadata] });
    match form {
        Form::V3 => meta["allOf"] = json!([reference]),
        Form::V2 => meta["$ref"] = reference["$ref"].clone(),
    }
    Map::from_iter([
        ("apiVersion".to_owned(), text(api_version)),
        ("kind".to_owned(), text(kind)),
        ("metadata".to_owned(), meta),
    ])
}

fn properties(out: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let properties = out.entry("properties").or_insert_with(|| Map::new().into());
    if !properties.is_object() {
        *properties = Map::new().into();
    }
    properties
        .as_object_mut()
        .expect("invariant: it was made an object")
}

/// A node outside of branches.
fn node(schema: Props<'_>, form: Form) -> Map<String, Value> {
    let v2 = form == Form::V2;
    let fields = schema.fields();
    let mut out = Map::new();
    words(schema, form, &mut out);
    for word in EXTENSIONS {
        keep(&mut out, word, fields.get(word));
    }
    let nullable = fields.flag("nullable");
    // kubectl can't cope with what version 2 of OpenAPI has no words for.
    let hidden = v2 && (nullable || schema.preserves());
    let items = schema.item().filter(|_| !hidden);
    let r#type = schema.r#type();
    let typeless = v2
        && (nullable
            || items.is_none() && r#type == "array"
            || schema.preserves() && r#type == "object");
    if !r#type.is_empty() && !typeless {
        out.insert("type".to_owned(), r#type.into());
    }
    if nullable && !v2 {
        out.insert("nullable".to_owned(), true.into());
    }
    if let Some(items) = items {
        out.insert("items".to_owned(), node(items, form).into());
    }
    if schema.has_properties() && !hidden {
        let children = schema
            .properties()
            .map(|(name, child)| (name.to_owned(), node(child, form).into()));
        out.insert(
            "properties".to_owned(),
            children.collect::<Map<_, _>>().into(),
        );
    }
    let additional = match schema.additional("additionalProperties") {
        Additional::None => None,
        Additional::Allows(allows) => Some(allows.into()),
        Additional::Schema(child) => Some(node(child, form).into()),
    };
    out.extend(additional.map(|additional: Value| ("additionalProperties".to_owned(), additional)));
    if !v2 {
        junctors(schema, &mut out);
        unfold(schema, &mut out);
    }
    let mut required = required(schema, form, hidden);
    if schema.embedded() && !(v2 && schema.preserves()) {
        properties(&mut out).extend(type_meta(
            form,
            "embeddedApiVersion",
            "embeddedKind",
            "metadata",
        ));
        let missing = ["kind", "apiVersion"]
            .into_iter()
            .filter(|name| !required.contains(name));
        required.extend(missing.collect::<Vec<_>>());
    }
    if !required.is_empty() {
        out.insert("required".to_owned(), required.into());
    }
    out
}

/// What version 2 can require: nothing that may be null.
fn required(schema: Props<'_>, form: Form, hidden: bool) -> Vec<&str> {
    let mut required: Vec<&str> = schema.fields().texts("required").collect();
    if form == Form::V2 {
        let nullable = |child: Props<'_>| child.fields().flag("nullable");
        if matches!(schema.additional("additionalProperties"), Additional::Schema(child) if nullable(child))
        {
            required.clear();
        }
        required.retain(|name| hidden || !schema.property(name).is_some_and(nullable));
    }
    required
}

/// The words that are published as they are.
fn words(schema: Props<'_>, form: Form, out: &mut Map<String, Value>) {
    for word in PLAIN {
        if !(form == Form::V2 && word == "default") {
            keep(out, word, schema.fields().get(word));
        }
    }
    if let Some(docs) = schema.fields().opt_object("externalDocs") {
        let mut kept = Map::new();
        for word in ["description", "url"] {
            keep(&mut kept, word, docs.get(word));
        }
        out.insert("externalDocs".to_owned(), kept.into());
    }
}

/// Keeps a value that says something.
fn keep(out: &mut Map<String, Value>, word: &str, value: Option<&Value>) {
    let says = |value: &&Value| match value {
        Value::Bool(flag) => *flag || matches!(word, "default" | "example"),
        Value::String(text) => !text.is_empty() || matches!(word, "default" | "example"),
        Value::Array(list) => !list.is_empty() || matches!(word, "default" | "example"),
        _ => true,
    };
    if let Some(value) = value.filter(says) {
        out.insert(word.to_owned(), value.clone());
    }
}

fn junctors(schema: Props<'_>, out: &mut Map<String, Value>) {
    for word in ["allOf", "anyOf", "oneOf"] {
        let branches: Vec<Value> = schema
            .list(word)
            .map(|child| branch(child).into())
            .collect();
        if !branches.is_empty() {
            out.insert(word.to_owned(), branches.into());
        }
    }
    if let Some(not) = schema.not() {
        out.insert("not".to_owned(), branch(not).into());
    }
}

/// What stands inside of `allOf` and so on.
fn branch(schema: Props<'_>) -> Map<String, Value> {
    let mut out = Map::new();
    words(schema, Form::V3, &mut out);
    if !schema.r#type().is_empty() {
        out.insert("type".to_owned(), schema.r#type().into());
    }
    keep(&mut out, "required", schema.fields().get("required"));
    if let Some(items) = schema.item() {
        out.insert("items".to_owned(), branch(items).into());
    }
    if schema.has_properties() {
        let children = schema
            .properties()
            .map(|(name, child)| (name.to_owned(), branch(child).into()));
        out.insert(
            "properties".to_owned(),
            children.collect::<Map<_, _>>().into(),
        );
    }
    junctors(schema, &mut out);
    out
}

/// Says of an int or string that it is one of them, where the schema doesn't.
fn unfold(schema: Props<'_>, out: &mut Map<String, Value>) {
    let first = schema.list("allOf").next();
    if !schema.int_or_string() || is_int_or_string(schema) || first.is_some_and(is_int_or_string) {
        return;
    }
    let either = json!([{ "type": "integer" }, { "type": "string" }]);
    if !out.contains_key("anyOf") {
        out.insert("anyOf".to_owned(), either);
        return;
    }
    let mut all = vec![json!({ "anyOf": either })];
    if let Some(Value::Array(rest)) = out.remove("allOf") {
        all.extend(rest);
    }
    out.insert("allOf".to_owned(), all.into());
}
