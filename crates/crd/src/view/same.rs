//! Whether two trees say the same, as Kubernetes' semantic equality has it: a missing field equals a null, an empty
//! list, an empty text and a false.

use serde_json::Value;

/// Whether both say the same.
pub(crate) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (
        a.filter(|value| !is_zero(value)),
        b.filter(|value| !is_zero(value)),
    ) {
        (None, None) => true,
        (Some(a), Some(b)) => same_values(a, b),
        _ => false,
    }
}

fn same_values(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(left), Value::Object(right)) => {
            left.iter()
                .all(|(name, value)| same(Some(value), right.get(name)))
                && right
                    .iter()
                    .all(|(name, value)| left.contains_key(name) || is_zero(value))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same_values(a, b))
        }
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        _ => a == b,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
