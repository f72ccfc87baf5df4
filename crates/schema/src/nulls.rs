//! Nulls where no null may be, and no default will replace them, are as good as missing.

use crate::Schema;
use serde_json::Value;

/// Drops fields that are null although their schema allows no null and gives no default. Items of lists stay.
pub fn prune_nulls(value: &mut Value, schema: Schema<'_>) {
    match value {
        Value::Object(fields) => fields.retain(|name, value| {
            let Some(schema) = schema.declared(name) else {
                return true;
            };
            let node = schema.node();
            if value.is_null() && !node.nullable && node.default.as_ref().is_none_or(Value::is_null)
            {
                return false;
            }
            prune_nulls(value, schema);
            true
        }),
        Value::Array(items) => {
            if let Some(schema) = schema.items() {
                items.iter_mut().for_each(|item| prune_nulls(item, schema));
            }
        }
        _ => {}
    }
}
