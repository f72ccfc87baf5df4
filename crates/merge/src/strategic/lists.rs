//! Lists: merged by key where their items are maps, else as sets.

use super::{
    StrategicError,
    directives::{self, DELETE, MERGE, PATCH, REPLACE},
    lookup::Field,
    merge::{merge_map, received},
    order::{self, By},
};
use crate::words;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Merges two lists, or removes `patch` from `original`.
pub(super) fn merge(
    original: Vec<Value>,
    patch: Vec<Value>,
    field: &Field<'_>,
    deletes: bool,
) -> Result<Vec<Value>, StrategicError> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    let by = by(&[&original, &patch], field.merge_key)?;
    let (merged, patch, original) = match by {
        By::Value if deletes => {
            let gone: BTreeSet<String> = patch.iter().map(words::json).collect();
            return Ok(original
                .into_iter()
                .filter(|item| !gone.contains(&words::json(item)))
                .collect());
        }
        By::Value => {
            let mut seen = BTreeSet::new();
            let both = original.iter().chain(&patch);
            let merged = both
                .filter(|item| seen.insert(words::json(item)))
                .cloned()
                .collect();
            (merged, patch, original)
        }
        By::Key("") => {
            return Err(StrategicError::Other(format!(
                "cannot merge lists without merge key for {}",
                field.below.kind()
            )));
        }
        By::Key(key) => {
            let (original, patch) = special_items(original, patch, key)?;
            let merged = merge_items(original.clone(), &patch, key, field)?;
            (merged, patch, original)
        }
    };
    let (ours, theirs) = order::split(merged, &patch, field.merge_key)?;
    order::arrange(ours, theirs, &patch, &original, by)
}

/// How the items of lists are told apart. All must be of one type.
pub(super) fn by<'k>(lists: &[&[Value]], merge_key: &'k str) -> Result<By<'k>, StrategicError> {
    let mut all = lists.iter().copied().flatten();
    let Some(first) = all.next() else {
        return Err(StrategicError::Other(
            "no elements in any of the given slices".to_owned(),
        ));
    };
    if first.is_array() {
        return Err(StrategicError::ListOfLists);
    }
    let kind = words::type_name(first);
    if all.any(|item| words::type_name(item) != kind) {
        let shown: Vec<String> = lists
            .iter()
            .map(|list| words::plain_value(&Value::Array(list.to_vec())))
            .collect();
        return Err(StrategicError::Other(format!(
            "list element types are not identical: [{}]",
            shown.join(" ")
        )));
    }
    Ok(match first {
        Value::Object(_) => By::Key(merge_key),
        _ => By::Value,
    })
}

fn fields(item: &Value) -> Result<&Map<String, Value>, StrategicError> {
    item.as_object().ok_or(StrategicError::ArgumentType(
        "map[string]interface {}",
        received(item),
    ))
}

pub(super) fn key_of<'v>(item: &'v Value, key: &str) -> Result<&'v Value, StrategicError> {
    let fields = fields(item)?;
    fields.get(key).ok_or_else(|| {
        let shown = words::plain_value(item);
        StrategicError::NoMergeKey(shown, key.to_owned())
    })
}

/// Carries out the `$patch` of items, and returns both lists without them.
fn special_items(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), StrategicError> {
    let mut rest = Vec::new();
    let mut replaces = false;
    let mut gone = BTreeSet::new();
    for item in patch {
        let map = fields(&item)?;
        match map.get(PATCH) {
            None => rest.push(item),
            Some(directive) => match directive.as_str() {
                Some(DELETE) => {
                    gone.insert(words::json(key_of(&item, key)?));
                }
                Some(REPLACE) => replaces = true,
                Some(MERGE) => {
                    return Err(StrategicError::Other(
                        "merging lists cannot yet be specified in the patch".to_owned(),
                    ));
                }
                _ => return Err(directives::unknown(directive, map)),
            },
        }
    }
    if replaces {
        return Ok((rest, Vec::new()));
    }
    if !gone.is_empty() {
        original.retain(|item| {
            !item
                .get(key)
                .is_some_and(|v| gone.contains(&words::json(v)))
        });
    }
    Ok((original, rest))
}

fn merge_items(
    mut original: Vec<Value>,
    patch: &[Value],
    key: &str,
    field: &Field<'_>,
) -> Result<Vec<Value>, StrategicError> {
    let text = |item: &Value| item.get(key).map(words::json);
    let mut places = std::collections::BTreeMap::new();
    for (i, item) in original.iter().enumerate() {
        if let Some(text) = text(item) {
            places.entry(text).or_insert(i);
        }
    }
    for item in patch {
        let wanted = words::json(key_of(item, key)?);
        match places.get(&wanted) {
            Some(place) => {
                let old = original[*place].take();
                let (Value::Object(old), Value::Object(new)) = (old, item.clone()) else {
                    return Err(StrategicError::Other(format!(
                        "value for key {place} is not a map"
                    )));
                };
                original[*place] = Value::Object(merge_map(old, new, field.below)?);
            }
            None => {
                places.insert(wanted, original.len());
                original.push(item.clone());
            }
        }
    }
    Ok(original)
}
