//! Defaulting: missing fields get the defaults of their schemas.

use crate::{Node, Schema};
use serde_json::Value;

/// Fills in defaults, from the outside in: what a default brings is filled in itself. Where a null is no value, it
/// counts as missing.
pub fn apply_defaults(value: &mut Value, schema: Schema<'_>) {
    match value {
        Value::Object(fields) => {
            for (name, property) in schema.declared_properties() {
                let node = property.node();
                let Some(default) = non_null_default(node) else {
                    continue;
                };
                match fields.get_mut(name) {
                    Some(value) if !value.is_null() || node.nullable => {}
                    Some(value) => *value = default.clone(),
                    None => {
                        fields.insert(name.to_owned(), default.clone());
                    }
                }
            }
            for (name, value) in fields.iter_mut() {
                let named = schema
                    .property(name)
                    .filter(|property| !property.node().implied);
                match (named, schema.additional()) {
                    (Some(property), _) => apply_defaults(value, property),
                    (None, Some(additional)) => default_item(value, additional),
                    (None, None) => {}
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.items() {
                items.iter_mut().for_each(|item| default_item(item, schema));
            }
        }
        _ => {}
    }
}

/// A value of a map or list: nothing is missing here, but a null may stand for the default.
fn default_item(value: &mut Value, schema: Schema<'_>) {
    let node = schema.node();
    if value.is_null()
        && !node.nullable
        && let Some(default) = non_null_default(node)
    {
        *value = default.clone();
    }
    apply_defaults(value, schema);
}

fn non_null_default(node: &Node) -> Option<&Value> {
    node.default.as_ref().filter(|default| !default.is_null())
}
