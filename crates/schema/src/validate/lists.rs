//! Lists that are sets or maps hold each item once.

use crate::{FieldError, ListType, Path, Schema};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// What is there twice, in `value` and below. Of what is there several times, the second is told.
pub fn validate_lists(value: &Value, schema: Schema<'_>, at: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    walk(value, schema, at, &mut errors);
    errors
}

fn walk(value: &Value, schema: Schema<'_>, at: &Path<'_>, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(fields) => {
            // A field may be looked at twice: an additional schema is for all of them here.
            if let Some(additional) = schema.additional() {
                for (name, value) in fields {
                    walk(value, additional, &at.key(name), errors);
                }
            }
            for (name, property) in schema.declared_properties() {
                if let Some(value) = fields.get(name) {
                    walk(value, property, &at.child(name), errors);
                }
            }
        }
        Value::Array(items) => {
            let node = schema.node();
            match node.list_type {
                ListType::Atomic => {}
                ListType::Set => {
                    for index in second_ones(items.iter().map(|item| Some(item.to_string()))) {
                        errors.push(FieldError::duplicate(&at.index(index), &items[index]));
                    }
                }
                ListType::Map => check_map(items, &node.list_map_keys, at, errors),
            }
            if let Some(schema) = schema.items() {
                for (index, item) in items.iter().enumerate() {
                    walk(item, schema, &at.index(index), errors);
                }
            }
        }
        _ => {}
    }
}

fn check_map(items: &[Value], keys: &[Box<str>], at: &Path<'_>, errors: &mut Vec<FieldError>) {
    let scalar = items
        .iter()
        .position(|item| !item.is_object() && !item.is_null());
    if let Some(index) = scalar {
        let detail = "must be an object for an array of list-type map";
        errors.push(FieldError::invalid(&at.index(index), &items[index], detail));
        return;
    }
    let keys_of = |item: &Value| {
        let mut found = Map::new();
        for key in keys {
            if let Some(value) = item.get(&**key) {
                found.insert(key.to_string(), value.clone());
            }
        }
        Value::Object(found)
    };
    let found: Vec<Value> = items.iter().map(keys_of).collect();
    for index in second_ones(found.iter().map(|keys| Some(keys.to_string()))) {
        errors.push(FieldError::duplicate(&at.index(index), &found[index]));
    }
}

/// The place where each thing that is there several times is met the second time. JSON text tells 1 from 1.0 and "1".
fn second_ones(texts: impl Iterator<Item = Option<String>>) -> Vec<usize> {
    let mut times: HashMap<String, usize> = HashMap::new();
    let mut second = Vec::new();
    for (index, text) in texts.enumerate() {
        let Some(text) = text else { continue };
        let times = times.entry(text).or_default();
        *times += 1;
        if *times == 2 {
            second.push(index);
        }
    }
    second
}
