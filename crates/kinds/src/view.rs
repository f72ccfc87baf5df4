//! Reading a tree as Go code reads a struct: what is missing has the zero value.

use serde_json::{Map, Value};
use std::sync::OnceLock;

/// A text, empty where there is none.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// A whole number, 0 where there is none.
pub(crate) fn int(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_default()
}

/// A flag.
pub(crate) fn is_true(value: &Value, name: &str) -> bool {
    value[name] == true
}

/// The items of a list.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The entries of a map or struct.
pub(crate) fn map(value: &Value) -> &Map<String, Value> {
    static NONE: OnceLock<Map<String, Value>> = OnceLock::new();
    value
        .as_object()
        .unwrap_or_else(|| NONE.get_or_init(Map::new))
}

/// Takes a field out.
pub(crate) fn remove(value: &mut Value, name: &str) -> Option<Value> {
    value.as_object_mut()?.remove(name)
}
