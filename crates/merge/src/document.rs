//! The text of a patch, read as Go reads it: the last of doubled fields counts, scalars keep how they were written.

mod reader;

use crate::{PatchError, words};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use self::reader::Target;

/// A JSON tree that keeps the text of its scalars.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    /// A string, number or boolean as it was written.
    Scalar(String),
    Object(BTreeMap<String, Node>),
    Array(Vec<Node>),
}

/// A patch's text as a tree, with what strict field validation complains about.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    /// `duplicate field "spec.replicas"`, and `unknown field "[0].x"` of operations, in the order of the text.
    pub(crate) complaints: Vec<String>,
}

impl Document {
    /// The tree of a patch that must be an object, as strict decoding into a map asks.
    pub(crate) fn into_object(self) -> Result<(Map<String, Value>, Vec<String>), String> {
        match self.root {
            Node::Null => Ok((Map::new(), self.complaints)),
            Node::Object(_) => match self.root.to_value() {
                Value::Object(fields) => Ok((fields, self.complaints)),
                _ => Ok((Map::new(), self.complaints)),
            },
            other => Err(format!(
                "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                other.kind()
            )),
        }
    }
}

/// Reads a patch. What is no JSON at all is refused before anything else.
pub(crate) fn parse(patch: &[u8]) -> Result<Document, PatchError> {
    read(patch, Target::Anything)
}

/// Reads a JSON patch, whose operations have known fields.
pub(crate) fn parse_operations(patch: &[u8]) -> Result<Document, PatchError> {
    read(patch, Target::Operations)
}

fn read(patch: &[u8], target: Target) -> Result<Document, PatchError> {
    reader::read(patch, target)
        .ok_or_else(|| PatchError::BadRequest("invalid JSON patch".to_owned()))
}

impl Node {
    /// The tree of a value, with scalars as Go writes them.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Array(items) => Self::Array(items.iter().map(Self::of).collect()),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(name, field)| (name.clone(), Self::of(field)))
                    .collect(),
            ),
            scalar => Self::Scalar(words::json(scalar)),
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Scalar(text) => scalar(text),
            Self::Array(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(fields) => fields
                .iter()
                .map(|(name, field)| (name.clone(), field.to_value()))
                .collect(),
        }
    }

    /// What Go's messages call it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Scalar(text) => match text.as_bytes().first() {
                Some(b'"') => "string",
                Some(b't' | b'f') => "bool",
                _ => "number",
            },
            Self::Object(_) => "object",
            Self::Array(_) => "array",
        }
    }

    /// The string that it is, if it is one.
    pub(crate) fn as_text(&self) -> Option<String> {
        match self {
            Self::Scalar(text) => serde_json::from_str(text).ok(),
            Self::Null | Self::Object(_) | Self::Array(_) => None,
        }
    }

    /// How deep it is, 0 for a scalar, and how many nodes it has.
    pub(crate) fn extent(&self) -> (usize, usize) {
        let below = |(depth, nodes): (usize, usize), node: &Self| {
            let (its_depth, its_nodes) = node.extent();
            (depth.max(1 + its_depth), nodes + its_nodes)
        };
        match self {
            Self::Null | Self::Scalar(_) => (0, 1),
            Self::Object(fields) => fields.values().fold((1, 1), below),
            Self::Array(items) => items.iter().fold((1, 1), below),
        }
    }

    /// The length of its text.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null => 4,
            Self::Scalar(text) => text.len(),
            Self::Object(fields) => {
                let inside: usize = fields
                    .iter()
                    .map(|(name, field)| {
                        words::json(&Value::from(name.as_str())).len() + 1 + field.size()
                    })
                    .sum();
                2 + inside + fields.len().saturating_sub(1)
            }
            Self::Array(items) => {
                let inside: usize = items.iter().map(Self::size).sum();
                2 + inside + items.len().saturating_sub(1)
            }
        }
    }
}

/// The value of a scalar's text. Whole numbers that don't fit into 64 bits with a sign are floats, as Kubernetes
/// reads them.
fn scalar(text: &str) -> Value {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.into();
    }
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) if number.is_u64() => number.as_f64().into(),
        Ok(value) => value,
        // A scalar that was read is a scalar.
        Err(_) => Value::Null,
    }
}
