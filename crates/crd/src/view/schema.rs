//! One `JSONSchemaProps`, read in place.

use super::Fields;
use serde_json::Value;

/// Schemas inside schemas are followed to this depth; deeper definitions are refused. Real ones stay below thirty.
const NESTING_MAX: usize = 100;

/// Trees of values (defaults, enums, examples) may be this deep.
const DEPTH_MAX: usize = 400;

/// Every field of a schema, in the order and with the names in which kube-apiserver's messages print them.
pub(crate) const SCHEMA_WORDS: [(&str, &str); 44] = [
    ("ID", "id"),
    ("Schema", "$schema"),
    ("Ref", "$ref"),
    ("Description", "description"),
    ("Type", "type"),
    ("Nullable", "nullable"),
    ("Format", "format"),
    ("Title", "title"),
    ("Default", "default"),
    ("Maximum", "maximum"),
    ("ExclusiveMaximum", "exclusiveMaximum"),
    ("Minimum", "minimum"),
    ("ExclusiveMinimum", "exclusiveMinimum"),
    ("MaxLength", "maxLength"),
    ("MinLength", "minLength"),
    ("Pattern", "pattern"),
    ("MaxItems", "maxItems"),
    ("MinItems", "minItems"),
    ("UniqueItems", "uniqueItems"),
    ("MultipleOf", "multipleOf"),
    ("Enum", "enum"),
    ("MaxProperties", "maxProperties"),
    ("MinProperties", "minProperties"),
    ("Required", "required"),
    ("Items", "items"),
    ("AllOf", "allOf"),
    ("OneOf", "oneOf"),
    ("AnyOf", "anyOf"),
    ("Not", "not"),
    ("Properties", "properties"),
    ("AdditionalProperties", "additionalProperties"),
    ("PatternProperties", "patternProperties"),
    ("Dependencies", "dependencies"),
    ("AdditionalItems", "additionalItems"),
    ("Definitions", "definitions"),
    ("ExternalDocs", "externalDocs"),
    ("Example", "example"),
    (
        "XPreserveUnknownFields",
        "x-kubernetes-preserve-unknown-fields",
    ),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource"),
    ("XIntOrString", "x-kubernetes-int-or-string"),
    ("XListMapKeys", "x-kubernetes-list-map-keys"),
    ("XListType", "x-kubernetes-list-type"),
    ("XMapType", "x-kubernetes-map-type"),
    ("XValidations", "x-kubernetes-validations"),
];

/// One schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Props<'a>(Fields<'a>);

/// `items`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Items<'a> {
    /// Not given.
    None,
    /// One schema for all.
    One(Props<'a>),
    /// A list of schemas, which may be empty: not supported, but to be told.
    Many(&'a [Value]),
}

/// `additionalProperties` and `additionalItems`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Additional<'a> {
    /// Not given.
    None,
    /// `true` or `false`.
    Allows(bool),
    /// A schema.
    Schema(Props<'a>),
}

impl<'a> Props<'a> {
    /// The schema in a value; anything but an object is an empty schema.
    pub(crate) fn of(value: &'a Value) -> Self {
        Self(Fields::of(Some(value)))
    }

    pub(crate) fn fields(self) -> Fields<'a> {
        self.0
    }

    pub(crate) fn r#type(self) -> &'a str {
        self.0.text("type")
    }

    pub(crate) fn list_type(self) -> Option<&'a str> {
        self.0.opt_text("x-kubernetes-list-type")
    }

    pub(crate) fn map_type(self) -> Option<&'a str> {
        self.0.opt_text("x-kubernetes-map-type")
    }

    pub(crate) fn embedded(self) -> bool {
        self.0.flag("x-kubernetes-embedded-resource")
    }

    pub(crate) fn preserves(self) -> bool {
        self.0.flag("x-kubernetes-preserve-unknown-fields")
    }

    pub(crate) fn int_or_string(self) -> bool {
        self.0.flag("x-kubernetes-int-or-string")
    }

    pub(crate) fn default(self) -> Option<&'a Value> {
        self.0.get("default")
    }

    pub(crate) fn properties(self) -> impl Iterator<Item = (&'a str, Props<'a>)> + use<'a> {
        self.map("properties")
    }

    pub(crate) fn has_properties(self) -> bool {
        !self.0.object("properties").is_empty()
    }

    pub(crate) fn property(self, name: &str) -> Option<Self> {
        self.0.object("properties").0.get(name).map(Self::of)
    }

    /// A map of schemas.
    pub(crate) fn map(self, word: &str) -> impl Iterator<Item = (&'a str, Props<'a>)> + use<'a> {
        self.0
            .object(word)
            .iter()
            .map(|(name, value)| (name, Self::of(value)))
    }

    /// A list of schemas: `allOf` and its like.
    pub(crate) fn list(self, word: &str) -> impl Iterator<Item = Props<'a>> + use<'a> {
        self.0.list(word).iter().map(Self::of)
    }

    pub(crate) fn not(self) -> Option<Self> {
        self.0.opt_object("not").map(Self)
    }

    pub(crate) fn items(self) -> Items<'a> {
        match self.0.get("items") {
            Some(Value::Array(list)) => Items::Many(list),
            Some(value @ Value::Object(_)) => Items::One(Self::of(value)),
            _ => Items::None,
        }
    }

    /// The one schema of all items.
    pub(crate) fn item(self) -> Option<Self> {
        match self.items() {
            Items::One(item) => Some(item),
            Items::None | Items::Many(_) => None,
        }
    }

    pub(crate) fn additional(self, word: &str) -> Additional<'a> {
        match self.0.get(word) {
            Some(Value::Bool(allows)) => Additional::Allows(*allows),
            Some(value @ Value::Object(_)) => Additional::Schema(Self::of(value)),
            _ => Additional::None,
        }
    }

    pub(crate) fn rules(self) -> &'a [Value] {
        self.0.list("x-kubernetes-validations")
    }

    /// Whether any schema here or inside answers yes.
    pub(crate) fn any(self, ask: &mut impl FnMut(Props<'a>) -> bool) -> bool {
        if ask(self) {
            return true;
        }
        self.each_child(&mut |child| child.any(ask))
    }

    /// Asks every schema right inside this one, until one answers yes.
    fn each_child(self, ask: &mut impl FnMut(Props<'a>) -> bool) -> bool {
        let items = match self.items() {
            Items::None => false,
            Items::One(item) => ask(item),
            Items::Many(list) => list.iter().any(|item| ask(Self::of(item))),
        };
        items
            || ["allOf", "anyOf", "oneOf"]
                .iter()
                .any(|word| self.list(word).any(&mut *ask))
            || self.not().is_some_and(&mut *ask)
            || self.properties().any(|(_, child)| ask(child))
            || self
                .additional_child("additionalProperties")
                .is_some_and(&mut *ask)
            || self.map("patternProperties").any(|(_, child)| ask(child))
            || self
                .additional_child("additionalItems")
                .is_some_and(&mut *ask)
            || self.map("definitions").any(|(_, child)| ask(child))
            || self.map("dependencies").any(|(_, child)| ask(child))
    }

    fn additional_child(self, word: &str) -> Option<Self> {
        match self.additional(word) {
            Additional::Schema(schema) => Some(schema),
            Additional::None | Additional::Allows(_) => None,
        }
    }
}

/// Whether a schema nests deeper than is followed here.
pub(crate) fn too_deep(schema: &Value) -> bool {
    deeper(schema, DEPTH_MAX) || nested(Props::of(schema), NESTING_MAX)
}

fn nested(schema: Props<'_>, left: usize) -> bool {
    left == 0 || schema.each_child(&mut |child| nested(child, left - 1))
}

fn deeper(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(items) => left == 0 || items.iter().any(|item| deeper(item, left - 1)),
        Value::Object(fields) => left == 0 || fields.values().any(|item| deeper(item, left - 1)),
        _ => false,
    }
}

impl<'a> From<Fields<'a>> for Props<'a> {
    fn from(fields: Fields<'a>) -> Self {
        Self(fields)
    }
}
