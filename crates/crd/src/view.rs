//! A definition as it was sent, read without a copy: typed questions to JSON trees.
//!
//! A field of the wrong type counts as absent, as does null: whoever decoded the definition has refused wrong types
//! already. [`too_deep`] is asked before anything here recurses.

mod same;
mod schema;
mod spec;

use serde_json::{Map, Value};
use std::sync::LazyLock;

pub(crate) use self::{
    same::same,
    schema::{Additional, Items, Props, SCHEMA_WORDS, too_deep},
    spec::{Names, Spec, Version, root},
};

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// A JSON object, asked field by field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The object, or an empty one where the value is something else.
    pub(crate) fn of(value: Option<&'a Value>) -> Self {
        Self(value.and_then(Value::as_object).unwrap_or(&EMPTY))
    }

    /// The value of a field that is there and isn't null.
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(self, name: &str) -> &'a str {
        self.opt_text(name).unwrap_or_default()
    }

    pub(crate) fn opt_text(self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Value::as_str)
    }

    pub(crate) fn flag(self, name: &str) -> bool {
        self.opt_flag(name).unwrap_or_default()
    }

    pub(crate) fn opt_flag(self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    pub(crate) fn int(self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    pub(crate) fn list(self, name: &str) -> &'a [Value] {
        self.get(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn texts(self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.list(name)
            .iter()
            .map(|item| item.as_str().unwrap_or_default())
    }

    /// The object in a field, where there is one.
    pub(crate) fn opt_object(self, name: &str) -> Option<Self> {
        self.get(name).and_then(Value::as_object).map(Self)
    }

    /// The object in a field, or an empty one.
    pub(crate) fn object(self, name: &str) -> Self {
        self.opt_object(name).unwrap_or(Self(&EMPTY))
    }

    /// All fields, in the order of their names.
    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}
