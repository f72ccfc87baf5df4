//! JSON trees as values: what a schema makes of them.
//!
//! As apiserver's `UnstructuredToVal`: an unset property, an unknown one and a null one are not there; a string
//! with the format `date-time` is a timestamp; names that are no identifiers are escaped.

use super::value::{Fault, List, Map, Outcome, Text, Value};
use crate::cel::time;
use crate::crd::escape::{escape, unescape};
use serde_json::Value as Json;
use tidegate_schema::{ListType, Schema, Type};

/// What is known of a JSON tree.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'a> {
    /// Nothing: the tree as it is.
    Dyn,
    /// A string.
    Text,
    /// The `metadata` of a resource: `name` and `generateName`.
    Meta,
    /// A node of a schema; with `resource`, one that has `apiVersion`, `kind` and `metadata`.
    Node { schema: Schema<'a>, resource: bool },
}

impl<'a> Shape<'a> {
    /// The shape of a node, in the middle of a schema.
    pub(crate) fn of(schema: Schema<'a>) -> Self {
        Self::Node {
            schema,
            resource: schema.node().embedded_resource,
        }
    }

    /// Whether keys are names of properties, not data.
    fn is_object(self) -> bool {
        match self {
            Self::Dyn | Self::Text => false,
            Self::Meta => true,
            Self::Node { schema, resource } => resource || !schema.node().properties.is_empty(),
        }
    }

    fn property(self, key: &str) -> Option<Shape<'a>> {
        match self {
            Self::Dyn => Some(Self::Dyn),
            Self::Text => None,
            Self::Meta => matches!(key, "name" | "generateName").then_some(Self::Text),
            Self::Node { schema, resource } => match key {
                "apiVersion" | "kind" if resource => Some(Self::Text),
                "metadata" if resource => Some(Self::Meta),
                _ if self.is_object() => schema.property(key).map(Self::of),
                _ => schema.additional().map(Self::of),
            },
        }
    }

    /// The shape of a list's items.
    pub(crate) fn items(self) -> Shape<'a> {
        match self {
            Self::Node { schema, .. } => schema.items().map_or(Self::Dyn, Self::of),
            other => other,
        }
    }

    /// Whether the list is a set, or its keys where it is a map.
    pub(crate) fn list_type(self) -> (ListType, &'a [Box<str>]) {
        match self {
            Self::Node { schema, .. } => {
                let node = schema.node();
                (node.list_type, &node.list_map_keys)
            }
            _ => (ListType::Atomic, &[]),
        }
    }

    /// Whether the schema knows this field of the tree.
    pub(crate) fn knows(self, key: &str) -> bool {
        self.property(key).is_some()
    }

    /// Whether equality is cel-go's own, not that of trees with a schema.
    pub(crate) fn is_plain(self) -> bool {
        matches!(self, Self::Dyn)
    }

    pub(crate) fn find(
        self,
        fields: &'a serde_json::Map<String, Json>,
        name: &str,
    ) -> Result<Option<Value<'a>>, Fault> {
        let object = self.is_object();
        let unescaped;
        let name = if object && name.contains("__") {
            match unescape(name) {
                None => return Ok(None),
                Some(plain) => {
                    unescaped = plain;
                    &unescaped
                }
            }
        } else {
            name
        };
        let Some(json) = fields.get(name) else {
            return Ok(None);
        };
        if object && json.is_null() {
            return Ok(None);
        }
        self.property(name)
            .map(|shape| shape.value(json))
            .transpose()
    }

    pub(crate) fn keys(self, fields: &'a serde_json::Map<String, Json>) -> Vec<Value<'a>> {
        let object = self.is_object();
        fields
            .keys()
            .filter(|key| self.knows(key))
            .map(|key| match escape(key) {
                Some(escaped) if object && escaped != *key => Value::text(escaped),
                _ => Value::String(Text::Borrowed(key)),
            })
            .collect()
    }

    /// The value of a tree.
    pub(crate) fn value(self, json: &'a Json) -> Outcome<'a> {
        match self {
            Self::Dyn => Ok(plain(json)),
            Self::Text => match json {
                Json::String(text) => Ok(Value::String(Text::Borrowed(text))),
                other => Err(expected("string", other)),
            },
            Self::Meta => self.object(json),
            Self::Node { schema, .. } => self.node_value(schema, json),
        }
    }

    fn object(self, json: &'a Json) -> Outcome<'a> {
        match json {
            Json::Object(fields) => Ok(Value::Map(Map::Json {
                fields,
                shape: self,
            })),
            _ => Err(Fault::new(
                "invalid data, expected a map for the provided schema with type=object",
            )),
        }
    }

    fn node_value(self, schema: Schema<'a>, json: &'a Json) -> Outcome<'a> {
        let node = schema.node();
        if json.is_null() {
            return if node.nullable {
                Ok(Value::Null)
            } else {
                Err(Fault::new(
                    "invalid data, got null for schema with nullable=false",
                ))
            };
        }
        if node.int_or_string {
            return match json {
                Json::String(text) => Ok(Value::String(Text::Borrowed(text))),
                Json::Number(number) if number.is_i64() => {
                    Ok(Value::Int(number.as_i64().unwrap_or_default()))
                }
                _ => Err(Fault::new(
                    "invalid data, expected XIntOrString value to be either a string or integer",
                )),
            };
        }
        match (node.r#type, json) {
            (Type::Object, _) => self.object(json),
            (Type::Array, Json::Array(_)) if schema.items().is_none() => Err(Fault::new(
                "invalid array type, expected Items with a non-empty Schema",
            )),
            (Type::Array, Json::Array(items)) => Ok(Value::List(List::Json { items, shape: self })),
            (Type::Array, _) => Err(Fault::new(
                "invalid data, expected an array for the provided schema with type=array",
            )),
            (Type::String, Json::String(text)) => string(text, node.format.as_deref()),
            (Type::String, other) => Err(expected("string", other)),
            (Type::Number, Json::Number(number)) => {
                Ok(Value::Double(number.as_f64().unwrap_or(f64::NAN)))
            }
            (Type::Number, other) => Err(expected("float", other)),
            (Type::Integer, Json::Number(number)) if number.is_i64() => {
                Ok(Value::Int(number.as_i64().unwrap_or_default()))
            }
            (Type::Integer, other) => Err(expected("int", other)),
            (Type::Boolean, Json::Bool(value)) => Ok(Value::Bool(*value)),
            (Type::Boolean, other) => Err(expected("bool", other)),
            (Type::Any, _) if node.preserve_unknown_fields => Ok(Value::Preserved(json)),
            (Type::Any, _) => Err(Fault::new(
                "invalid type, expected object, array, number, integer, boolean or string, or no type with \
                 x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields is true, got ",
            )),
        }
    }
}

fn expected(what: &str, got: &Json) -> Fault {
    let got = match got {
        Json::Null => "<nil>",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_i64() => "int64",
        Json::Number(_) => "float64",
        Json::String(_) => "string",
        Json::Array(_) => "[]interface {}",
        Json::Object(_) => "map[string]interface {}",
    };
    Fault::new(format!("invalid data, expected {what}, got {got}"))
}

fn string<'a>(text: &'a str, format: Option<&str>) -> Outcome<'a> {
    match format {
        Some("duration") => time::open_api_duration(text)
            .map(Value::Duration)
            .ok_or_else(|| {
                Fault::new(format!(
                    "Invalid duration {text}: unable to parse {text} as duration"
                ))
            }),
        Some("date") => time::date(text)
            .map(Value::Timestamp)
            .ok_or_else(|| Fault::new(format!("Invalid date formatted string {text}"))),
        Some("date-time") => time::open_api_date_time(text)
            .map(Value::Timestamp)
            .ok_or_else(|| Fault::new(format!("Invalid date-time formatted string {text}"))),
        Some("byte") => super::functions::base64(text)
            .map(|bytes| Value::Bytes(bytes.into()))
            .ok_or_else(|| Fault::new(format!("Invalid byte formatted string {text}"))),
        _ => Ok(Value::String(Text::Borrowed(text))),
    }
}

/// A tree without a schema.
fn plain(json: &Json) -> Value<'_> {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(value) => Value::Int(value),
            None => match number.as_u64() {
                Some(value) => Value::Uint(value),
                None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
        },
        Json::String(text) => Value::String(Text::Borrowed(text)),
        Json::Array(items) => Value::List(List::Json {
            items,
            shape: Shape::Dyn,
        }),
        Json::Object(fields) => Value::Map(Map::Json {
            fields,
            shape: Shape::Dyn,
        }),
    }
}
