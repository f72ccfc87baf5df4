//! A value without some of its fields and items.

use super::{
    atom::{List, Map, Shape, Ty},
    item,
};
use crate::fields::{FieldSet, PathElement};
use serde_json::{Map as Object, Value};

/// `value` without what is in `set`. What becomes empty by that is null, or gone if it is in the set too.
pub(crate) fn remove(value: &Value, set: &FieldSet, ty: Ty<'_>) -> Value {
    match ty.resolve().of(value).shape() {
        Shape::Scalar(_) => value.clone(),
        Shape::Map(map) if !map.atomic => fields(value, set, &map),
        Shape::List(list) if list.keys.is_some() => items(value, set, &list),
        Shape::Map(_) | Shape::List(_) | Shape::Nothing => Value::Null,
    }
}

fn items(value: &Value, set: &FieldSet, list: &List<'_>) -> Value {
    let Value::Array(items) = value else {
        return Value::Null;
    };
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let element = item::element(list, item).ok();
        if element.as_ref().is_some_and(|e| set.members().contains(e)) {
            continue;
        }
        out.push(match element.as_ref().and_then(|e| set.below(e)) {
            Some(below) => remove(item, below, list.element),
            None => item.clone(),
        });
    }
    if out.is_empty() {
        Value::Null
    } else {
        Value::Array(out)
    }
}

fn fields(value: &Value, set: &FieldSet, map: &Map<'_>) -> Value {
    let Value::Object(fields) = value else {
        return Value::Null;
    };
    let mut out = Object::new();
    for (name, field) in fields {
        let element = PathElement::field(name);
        if set.members().contains(&element) {
            continue;
        }
        let field = match set.below(&element) {
            Some(below) => remove(field, below, map.field(name)),
            None => field.clone(),
        };
        out.insert(name.clone(), field);
    }
    if out.is_empty() {
        Value::Null
    } else {
        Value::Object(out)
    }
}
