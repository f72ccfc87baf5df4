//! FieldsV1: a set as a JSON object, `{"f:spec":{"f:replicas":{}}}`, and back.

use super::{element::PathElement, set::FieldSet};
use crate::words;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Why a FieldsV1 could not be read. The entry that holds it is invalid as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// It, or something in it, is no JSON object.
    #[error("expected a JSON object in fieldsV1")]
    NotAnObject,
    /// A key is too short to say what it is.
    #[error("key must be 2 characters long:")]
    Short,
    /// A key has no colon as its second byte.
    #[error("missing colon: {0}")]
    MissingColon(String),
    /// What follows `v:`, `k:` or `i:` can't be read.
    #[error("malformed path element: {0}")]
    Malformed(String),
}

impl FieldSet {
    /// Writes the set as FieldsV1.
    pub fn to_fields_v1(&self) -> Value {
        self.to_object(false)
    }

    fn to_object(&self, include_self: bool) -> Value {
        let mut out = Map::new();
        if include_self && !(self.members.is_empty() && self.children.is_empty()) {
            out.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for member in &self.members {
            if !self.children.contains_key(member) {
                out.insert(member.to_key(), Value::Object(Map::new()));
            }
        }
        for (element, child) in &self.children {
            let is_member = self.members.contains(element);
            out.insert(element.to_key(), child.to_object(is_member));
        }
        Value::Object(out)
    }

    /// Reads FieldsV1. Kinds of path elements that aren't known are skipped, as Kubernetes does.
    pub fn from_fields_v1(value: &Value) -> Result<Self, FieldsError> {
        let (set, _) = Self::read(value)?;
        Ok(set.unwrap_or_default())
    }

    /// The set below, if there is one, and whether the element itself is a member.
    fn read(value: &Value) -> Result<(Option<Self>, bool), FieldsError> {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Null => return Ok((None, true)),
            _ => return Err(FieldsError::NotAnObject),
        };
        let mut set: Option<Self> = None;
        let mut is_member = false;
        for (key, below) in fields {
            if key == "." {
                is_member = true;
                continue;
            }
            let Some(element) = PathElement::from_key(key)? else {
                continue;
            };
            let (children, child_is_member) = Self::read(below)?;
            if child_is_member {
                set.get_or_insert_default().members.insert(element.clone());
            }
            if let Some(children) = children {
                set.get_or_insert_default()
                    .children
                    .insert(element, children);
            }
        }
        is_member |= set.is_none();
        Ok((set, is_member))
    }
}

impl PathElement {
    /// The key of FieldsV1: `f:spec`.
    pub fn to_key(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(fields) => {
                let mut out = "k:{".to_owned();
                for (i, (name, value)) in fields.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    words::write_fast_name(&mut out, name);
                    out.push(':');
                    out.push_str(&words::fast_json(value));
                }
                out.push('}');
                out
            }
            Self::Value(value) => format!("v:{}", words::fast_json(value)),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    /// Reads a key of FieldsV1. `None` is a kind that isn't known.
    pub fn from_key(key: &str) -> Result<Option<Self>, FieldsError> {
        if key.len() < 2 {
            return Err(FieldsError::Short);
        }
        if key.as_bytes()[1] != b':' {
            return Err(FieldsError::MissingColon(key.to_owned()));
        }
        let rest = &key[2..];
        let malformed = || FieldsError::Malformed(key.to_owned());
        Ok(Some(match key.as_bytes()[0] {
            b'f' => Self::Field(rest.to_owned()),
            b'v' => Self::Value(floats(serde_json::from_str(rest).map_err(|_| malformed())?)),
            b'k' => {
                let Pairs(fields) = serde_json::from_str(rest).map_err(|_| malformed())?;
                let float = |(name, value)| (name, floats(value));
                Self::key(fields.into_iter().map(float).collect())
            }
            b'i' => Self::Index(rest.parse().map_err(|_| malformed())?),
            _ => return Ok(None),
        }))
    }
}

/// The value with all numbers as floats: so Kubernetes reads those in FieldsV1, and so messages show them.
fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) => Value::from(float),
            None => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(floats).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, field)| (name, floats(field)))
            .collect(),
        other => other,
    }
}

/// The fields of a JSON object in their order, doubles included: a key is a list, not a map.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Pairs(fields))
            }

            fn visit_unit<E>(self) -> Result<Pairs, E> {
                Ok(Pairs(Vec::new()))
            }
        }

        deserializer.deserialize_any(Fields)
    }
}
