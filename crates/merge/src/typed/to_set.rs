//! The set of the fields that a value has: every leaf, every item, every key of a map.

use super::{
    atom::{List, Map, Shape, Ty},
    item,
};
use crate::fields::{FieldSet, PathElement};
use serde_json::Value;
use std::collections::BTreeMap;

/// The set of `value`, which has been validated.
pub(crate) fn to_set(value: &Value, ty: Ty<'_>) -> FieldSet {
    let mut walk = Walk::default();
    walk.value(value, ty);
    walk.set
}

#[derive(Default)]
struct Walk {
    path: Vec<PathElement>,
    set: FieldSet,
}

impl Walk {
    fn value(&mut self, value: &Value, ty: Ty<'_>) {
        match ty.resolve().of(value).shape() {
            Shape::Map(map) if map.atomic => self.set.insert(&self.path),
            Shape::Map(map) => self.map(value, &map),
            Shape::Scalar(_) => self.set.insert(&self.path),
            Shape::List(list) if list.keys.is_none() => self.set.insert(&self.path),
            Shape::List(list) => self.list(value, &list),
            Shape::Nothing => {}
        }
    }

    fn map(&mut self, value: &Value, map: &Map<'_>) {
        let Value::Object(fields) = value else {
            return;
        };
        for (name, field) in fields {
            self.path.push(PathElement::field(name));
            self.value(field, map.field(name));
            let empty = match field {
                Value::Null => true,
                Value::Object(fields) => fields.is_empty(),
                _ => false,
            };
            if empty || map.named(name).is_none() {
                self.set.insert(&self.path);
            }
            self.path.pop();
        }
    }

    fn list(&mut self, value: &Value, list: &List<'_>) {
        let Value::Array(items) = value else {
            return;
        };
        let mut found: BTreeMap<PathElement, Option<&Value>> = BTreeMap::new();
        for item in items {
            let Ok(element) = item::element(list, item) else {
                continue;
            };
            // Of duplicates only the mark remains that there is such an item.
            found
                .entry(element)
                .and_modify(|only| *only = None)
                .or_insert(Some(item));
        }
        for (element, item) in found {
            self.path.push(element);
            if let Some(item) = item {
                self.value(item, list.element);
            }
            self.set.insert(&self.path);
            self.path.pop();
        }
    }
}
