//! Old and new values side by side. What was wrong before and is unchanged is let through.
//!
//! Items of lists have an old value only where the list is a map; fields only where a schema knows them.

use crate::{ListType, Schema, Type, gotext};
use serde_json::{Map, Value};
use std::{cell::OnceCell, collections::HashMap};

/// Whether nothing changed here, as far as the schema can tell: maps of lists may change their order.
pub(super) fn is_unchanged(new: &Value, old: &Value, schema: Option<Schema<'_>>) -> bool {
    match (new, old) {
        (Value::Array(new_items), Value::Array(old_items)) => {
            if new_items.len() != old_items.len() {
                return false;
            }
            match schema {
                Some(schema) if schema.node().list_type == ListType::Map => {
                    let old_items = OldItems::new(old, schema);
                    new_items.iter().all(|new| {
                        let old = schema.items().and_then(|_| old_items.get(new));
                        old.is_some_and(|old| is_unchanged(new, old, schema.items()))
                    })
                }
                _ => new_items == old_items,
            }
        }
        (Value::Object(new_fields), Value::Object(old_fields)) => {
            new_fields.len() == old_fields.len()
                && new_fields.iter().all(|(name, new)| {
                    let schema = schema.and_then(|schema| schema.declared(name));
                    match (old_fields.get(name), schema) {
                        (Some(old), Some(schema)) => is_unchanged(new, old, Some(schema)),
                        _ => false,
                    }
                })
        }
        _ => new == old,
    }
}

/// The items of an old list, found by their keys. Made when first asked.
pub(super) struct OldItems<'a> {
    items: &'a [Value],
    schema: Schema<'a>,
    by_key: OnceCell<HashMap<String, &'a Value>>,
}

impl<'a> OldItems<'a> {
    pub(super) fn new(old: &'a Value, schema: Schema<'a>) -> Self {
        let node = schema.node();
        let has_keys = node.r#type == Type::Array
            && node.list_type == ListType::Map
            && !node.list_map_keys.is_empty();
        Self {
            items: old
                .as_array()
                .filter(|_| has_keys)
                .map_or(&[], Vec::as_slice),
            schema,
            by_key: OnceCell::new(),
        }
    }

    /// The old item with the keys of a new one.
    pub(super) fn get(&self, new: &Value) -> Option<&'a Value> {
        if self.items.is_empty() {
            return None;
        }
        let by_key = self.by_key.get_or_init(|| {
            let mut by_key = HashMap::with_capacity(self.items.len());
            for item in self.items {
                if let Some(key) = self.key(item) {
                    by_key.entry(key).or_insert(item);
                }
            }
            by_key
        });
        by_key.get(&self.key(new)?).copied()
    }

    fn key(&self, item: &Value) -> Option<String> {
        let fields: &Map<String, Value> = item.as_object()?;
        let mut key = String::new();
        for name in &self.schema.node().list_map_keys {
            match fields.get(&**name)? {
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
                scalar => key.push_str(&gotext::json(scalar)),
            }
            key.push('\0');
        }
        Some(key)
    }
}
