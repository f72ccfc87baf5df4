//! Maps: field by field, after the directives.

use super::{
    StrategicError,
    directives::{self, DELETE_FROM_LIST, PATCH, SET_ORDER},
    lists,
    lookup::{Place, Strategy},
    order,
};
use crate::words;
use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// Merges `patch` into `original`.
pub(super) fn merge_map(
    mut original: Object,
    mut patch: Object,
    place: Place<'_>,
) -> Result<Object, StrategicError> {
    if let Some(directive) = patch.get(PATCH).cloned() {
        return directives::patch_map(&directive, patch);
    }
    directives::retain_keys(&mut original, &mut patch)?;
    set_orders(&mut original, &mut patch, place)?;
    for (key, value) in patch {
        let deletes = key.starts_with(DELETE_FROM_LIST);
        let name = if deletes {
            directives::field_of(&key, DELETE_FROM_LIST).ok_or(StrategicError::PrimitiveList)?
        } else {
            &key
        };
        // An empty name after the slash leaves the key as it is.
        let name = if name.is_empty() { &key } else { name };
        merge_field(&mut original, name, value, deletes, place)?;
    }
    Ok(original)
}

fn merge_field(
    original: &mut Object,
    name: &str,
    mut new: Value,
    deletes: bool,
    place: Place<'_>,
) -> Result<(), StrategicError> {
    if new.is_null() {
        original.remove(name);
        return Ok(());
    }
    let old = match original.get_mut(name) {
        Some(old) if words::type_name(old) == words::type_name(&new) => old,
        found => {
            let found = found.is_some();
            if !deletes {
                directives::discard_nulls(&mut new);
                put(original, name, directives::without_directives(new), found);
            }
            return Ok(());
        }
    };
    match (old.take(), new) {
        (Value::Object(old_fields), Value::Object(new)) => {
            let field = place.map(name)?;
            *old = Value::Object(match field.strategy {
                Strategy::Replace => new,
                Strategy::Merge | Strategy::Default => merge_map(old_fields, new, field.below)?,
            });
        }
        (Value::Array(items), Value::Array(new)) => {
            let field = place.list(name)?;
            *old = Value::Array(if deletes || field.strategy == Strategy::Merge {
                lists::merge(items, new, &field, deletes)?
            } else {
                new
            });
        }
        (_, new) => *old = new,
    }
    Ok(())
}

fn put(original: &mut Object, name: &str, value: Option<Value>, found: bool) {
    match value {
        Some(value) => {
            original.insert(name.to_owned(), value);
        }
        None if found => {
            original.remove(name);
        }
        None => {}
    }
}

/// Lists whose order the patch says: they are merged and ordered first.
fn set_orders(
    original: &mut Object,
    patch: &mut Object,
    place: Place<'_>,
) -> Result<(), StrategicError> {
    let keys: Vec<String> = patch
        .keys()
        .filter(|key| key.starts_with(SET_ORDER))
        .cloned()
        .collect();
    for key in keys {
        let wanted = match patch.remove(&key) {
            Some(Value::Array(wanted)) => wanted,
            other => {
                let other = other.unwrap_or_default();
                return Err(StrategicError::ArgumentType(
                    "[]interface {}",
                    received(&other),
                ));
            }
        };
        let name = directives::field_of(&key, SET_ORDER).ok_or(StrategicError::SetElementOrder)?;
        set_order(original, patch, name, &wanted, place)?;
    }
    Ok(())
}

fn set_order(
    original: &mut Object,
    patch: &mut Object,
    name: &str,
    wanted: &[Value],
    place: Place<'_>,
) -> Result<(), StrategicError> {
    let list = |object: &Object| match object.get(name) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.clone())),
        Some(other) => Err(StrategicError::ArgumentType(
            "[]interface {}",
            received(other),
        )),
    };
    let (old, new) = (list(original)?, list(patch)?);
    let field = place.list(name)?;
    order::check(new.as_deref().unwrap_or_default(), wanted, field.merge_key)?;
    let merged = match (&old, &new) {
        (None, None) => return Ok(()),
        (Some(old), None) => old.clone(),
        (None, Some(new)) => {
            let new = Value::Array(new.clone());
            match directives::without_directives(new) {
                Some(Value::Array(items)) => items,
                _ => return Ok(()),
            }
        }
        (Some(old), Some(new)) if field.strategy == Strategy::Merge => {
            lists::merge(old.clone(), new.clone(), &field, false)?
        }
        (Some(_), Some(new)) => new.clone(),
    };
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let by = lists::by(&[&old, &new], field.merge_key)?;
    let (ours, theirs) = order::split(merged, wanted, field.merge_key)?;
    let ordered = order::arrange(ours, theirs, wanted, &old, by)?;
    original.insert(name.to_owned(), Value::Array(ordered));
    patch.remove(name);
    Ok(())
}

/// The Go type of what came instead.
pub(super) fn received(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        other => words::type_name(other),
    }
}
