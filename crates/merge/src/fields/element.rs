//! One step of a path to a field, and the path as messages print it.

use super::order;
use crate::words;
use serde_json::Value;
use std::{cmp::Ordering, fmt};

/// One step on the way to a field.
///
/// Equality and order are structured-merge-diff's: names, keys, values, indexes; and 1 equals 1.0.
#[derive(Debug, Clone)]
pub enum PathElement {
    /// A field of a map or struct: `f:name`.
    Field(String),
    /// The item of an associative list whose key fields are these, sorted by name: `k:{"name":"x"}`.
    Key(Vec<(String, Value)>),
    /// The item of a set that equals this: `v:"x"`.
    Value(Value),
    /// The item at this index of an atomic list: `i:0`.
    Index(i64),
}

impl PathElement {
    /// A field by its name.
    pub fn field(name: impl Into<String>) -> Self {
        Self::Field(name.into())
    }

    /// An item by its key fields, in any order.
    pub fn key(mut fields: Vec<(String, Value)>) -> Self {
        fields.sort_by(|(left, _), (right, _)| left.cmp(right));
        Self::Key(fields)
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(l), Self::Field(r)) => l.cmp(r),
            (Self::Key(l), Self::Key(r)) => l
                .iter()
                .zip(r)
                .map(|((lk, lv), (rk, rv))| lk.cmp(rk).then_with(|| order::compare(lv, rv)))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| l.len().cmp(&r.len())),
            (Self::Value(l), Self::Value(r)) => order::compare(l, r),
            (Self::Index(l), Self::Index(r)) => l.cmp(r),
            (l, r) => l.rank().cmp(&r.rank()),
        }
    }
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for PathElement {}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("{name}={}", shown(value)))
                    .collect();
                write!(f, "[{}]", fields.join(","))
            }
            Self::Value(value) => write!(f, "[={}]", shown(value)),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A value in a path, as structured-merge-diff prints it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => words::quoted(text),
        Value::Bool(_) | Value::Number(_) => words::plain_value(value),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| format!("{name}={}", shown(field)))
            .collect(),
    }
}

/// The way from the object to one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FieldPath(pub Vec<PathElement>);

impl FieldPath {
    /// A path of field names.
    pub fn names(names: &[&str]) -> Self {
        Self(names.iter().map(|name| PathElement::field(*name)).collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| element.fmt(f))
    }
}
