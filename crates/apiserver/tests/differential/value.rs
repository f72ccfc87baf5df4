//! Places in JSON values, written as in `.status.conditions.0.type`, and what filters do there.

use serde_json::Value;

use crate::script::Filter;

/// The value at a path. `\.` is a dot in a key, `type:Ready` the item of a list that has this type.
pub(crate) fn get<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    keys(path)
        .iter()
        .try_fold(value, |value, key| match (value, key.split_once(':')) {
            (Value::Array(items), Some((name, wanted))) => {
                items.iter().find(|item| item[name] == wanted)
            }
            (Value::Array(items), None) => items.get(key.parse::<usize>().ok()?),
            _ => value.get(key),
        })
}

fn get_mut<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    keys(path).iter().try_fold(value, |value, key| match value {
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => value.get_mut(key),
    })
}

fn keys(path: &str) -> Vec<String> {
    let path = path.trim_start_matches('.').replace("\\.", "\u{0}");
    path.split('.')
        .filter(|key| !key.is_empty())
        .map(|key| key.replace('\u{0}', "."))
        .collect()
}

/// A value as the text of a variable.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Reduces an answer's body.
pub(crate) fn reduce(value: &mut Value, filter: &Filter) {
    match filter {
        Filter::Only { path, key, values } => {
            if let Some(Value::Array(items)) = get_mut(value, path) {
                items.retain(|item| get(item, key).is_some_and(|it| values.contains(&text(it))));
                items.sort_by_key(|item| get(item, key).map(text));
            }
        }
        Filter::Names { path } => {
            if let Some(Value::Array(items)) = get_mut(value, path) {
                for item in items {
                    if let Some(name) = get(item, ".metadata.name") {
                        *item = name.clone();
                    }
                }
            }
        }
        Filter::Drop { path } => {
            let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
            if let Some(Value::Object(map)) = get_mut(value, parent) {
                map.remove(key);
            }
        }
        Filter::Shape { path } => {
            if let Some(found) = get_mut(value, path) {
                blur(found);
            }
        }
        Filter::Status => *value = Value::Null,
    }
}

/// Scalars become the names of their types.
fn blur(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(blur),
        Value::Array(items) => items.iter_mut().for_each(blur),
        Value::String(_) => *value = "a string".into(),
        Value::Number(_) => *value = "a number".into(),
        Value::Bool(_) => *value = "true or false".into(),
        Value::Null => {}
    }
}
