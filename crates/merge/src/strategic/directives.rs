//! `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/…` and `$setElementOrder/…`.

use super::StrategicError;
use crate::words;
use serde_json::{Map, Value};

pub(super) const PATCH: &str = "$patch";
pub(super) const DELETE: &str = "delete";
pub(super) const REPLACE: &str = "replace";
pub(super) const MERGE: &str = "merge";
pub(super) const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
pub(super) const SET_ORDER: &str = "$setElementOrder";
const RETAIN_KEYS: &str = "$retainKeys";

/// A map with a `$patch`: what is left of it.
pub(super) fn patch_map(
    directive: &Value,
    mut patch: Map<String, Value>,
) -> Result<Map<String, Value>, StrategicError> {
    match directive.as_str() {
        Some(REPLACE) => {
            patch.remove(PATCH);
            Ok(patch)
        }
        Some(DELETE) => Ok(Map::new()),
        _ => Err(unknown(directive, &patch)),
    }
}

pub(super) fn unknown(directive: &Value, map: &Map<String, Value>) -> StrategicError {
    StrategicError::Other(format!(
        "unknown patch type: {} in map: {}",
        words::plain_value(directive),
        words::plain_value(&Value::Object(map.clone()))
    ))
}

/// The field that a key like `$setElementOrder/containers` is about.
pub(super) fn field_of<'k>(key: &'k str, prefix: &str) -> Option<&'k str> {
    key.split_once('/')
        .filter(|(before, _)| *before == prefix)
        .map(|(_, field)| field)
}

/// Applies and removes `$retainKeys`: other fields of the original go.
pub(super) fn retain_keys(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), StrategicError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let Value::Array(keys) = keys else {
        return Err(StrategicError::RetainKeys);
    };
    let retained = |name: &str| keys.iter().any(|key| key.as_str() == Some(name));
    for (name, value) in patch.iter() {
        let exempt =
            value.is_null() || name.starts_with(DELETE_FROM_LIST) || name.starts_with(SET_ORDER);
        if !exempt && !retained(name) {
            return Err(StrategicError::RetainKeys);
        }
    }
    original.retain(|name, _| retained(name));
    Ok(())
}

/// Without maps that have a `$patch`. `None` is a value that is one.
pub(super) fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(PATCH) => None,
        Value::Object(fields) => Some(Value::Object(
            fields
                .into_iter()
                .filter_map(|(name, field)| Some((name, without_directives(field)?)))
                .collect(),
        )),
        Value::Array(items) => Some(Value::Array(
            items.into_iter().filter_map(without_directives).collect(),
        )),
        scalar => Some(scalar),
    }
}

/// Removes fields that are null, on every level: there was nothing for them to delete.
pub(super) fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(discard_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}
