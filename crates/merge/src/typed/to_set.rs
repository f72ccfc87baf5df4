//! The set of the fields that a value has: every leaf, every item, every key of a map.

use super::{
    atom::{List, Map, Shape, Ty},
    item,
};
use crate::fields::{FieldSet, PathElement};
use serde_json::Value;
use std::collections::BTreeMap;

/// The set of `value`, which has been validated. Nobody owns the object itself.
pub(crate) fn to_set(value: &Value, ty: Ty<'_>) -> FieldSet {
    below(value, ty).1
}

/// Whether `value` itself is a member, and what below it is.
fn below(value: &Value, ty: Ty<'_>) -> (bool, FieldSet) {
    match ty.resolve().of(value).shape() {
        Shape::Map(map) if !map.atomic => (false, fields(value, &map)),
        Shape::List(list) if list.keys.is_some() => (false, items(value, &list)),
        Shape::Map(_) | Shape::List(_) | Shape::Scalar(_) => (true, FieldSet::new()),
        Shape::Nothing => (false, FieldSet::new()),
    }
}

fn fields(value: &Value, map: &Map<'_>) -> FieldSet {
    let mut set = FieldSet::new();
    for (name, field) in value.as_object().into_iter().flatten() {
        let (is_leaf, below) = below(field, map.field(name));
        let is_empty = match field {
            Value::Null => true,
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        let is_member = is_leaf || is_empty || map.named(name).is_none();
        set.put(PathElement::field(name), is_member, below);
    }
    set
}

fn items(value: &Value, list: &List<'_>) -> FieldSet {
    let mut found: BTreeMap<PathElement, Option<&Value>> = BTreeMap::new();
    for item in value.as_array().into_iter().flatten() {
        let Ok(element) = item::element(list, item) else {
            continue;
        };
        // Of duplicates only the mark remains that there is such an item.
        found
            .entry(element)
            .and_modify(|only| *only = None)
            .or_insert(Some(item));
    }
    let mut set = FieldSet::new();
    for (element, item) in found {
        let below = item.map(|item| below(item, list.element).1);
        set.put(element, true, below.unwrap_or_default());
    }
    set
}
