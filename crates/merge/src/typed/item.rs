//! How an item of an associative list is told apart: by its key fields, or by its value.

use super::atom::{List, Ty};
use crate::fields::PathElement;
use serde_json::Value;

/// The path element of an item, or why it has none.
pub(crate) fn element(list: &List<'_>, item: &Value) -> Result<PathElement, String> {
    match list.keys {
        None => Err("invalid indexing of non-associative list".to_owned()),
        Some([]) => of_set(item),
        Some(keys) => of_map(list, keys, item),
    }
}

fn of_set(item: &Value) -> Result<PathElement, String> {
    Err(match item {
        Value::Object(_) => "associative list without keys has an element that's a map type",
        Value::Array(_) => "not supported: associative list with lists as elements",
        Value::Null => "associative list without keys has an element that's an explicit null",
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Ok(PathElement::Value(item.clone()));
        }
    }
    .to_owned())
}

fn of_map(list: &List<'_>, keys: &[Box<str>], item: &Value) -> Result<PathElement, String> {
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => {
            return Err("associative list with keys may not have a null element".to_owned());
        }
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let mut key = Vec::with_capacity(keys.len());
    for name in keys {
        let value = match fields.get(&**name) {
            Some(value) => Some(value),
            None => default_of(list.element, name)
                .map_err(|error| format!("couldn't find default value for {name}: {error}"))?,
        };
        if let Some(value) = value {
            key.push((name.to_string(), value.clone()));
        }
    }
    if key.is_empty() {
        let names: Vec<String> = keys.iter().map(|name| crate::words::quoted(name)).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] \
             (and doesn't have default values for any key fields)",
            names.join(" ")
        ));
    }
    Ok(PathElement::key(key))
}

fn default_of<'a>(item: Ty<'a>, name: &str) -> Result<Option<&'a Value>, &'static str> {
    let map = item
        .resolve()
        .map
        .ok_or("associative list may not have non-map types")?;
    Ok(map.named(name).and_then(Ty::default))
}
