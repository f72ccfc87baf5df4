//! Whether a value fits its type.

use super::{
    atom::{List, Map, Scalar, Shape, Ty},
    item,
    problems::Problems,
};
use crate::{fields::PathElement, words};
use serde_json::Value;
use std::collections::BTreeSet;

/// Everything that is wrong with `value`. Live objects may have duplicates in sets and associative lists,
/// applied ones may not.
pub(crate) fn validate(value: &Value, ty: Ty<'_>, duplicates: bool) -> Problems {
    match ty.resolve().of(value).shape() {
        Shape::Map(map) => of_map(value, &map, duplicates),
        Shape::Scalar(kind) => scalar(value, kind, "").err().unwrap_or_default(),
        Shape::List(list) => of_list(value, &list, duplicates),
        Shape::Nothing => Problems::one("schema error: invalid atom: inlined"),
    }
}

/// Whether a value is a scalar of this kind. Null is one of every kind.
pub(crate) fn scalar(value: &Value, kind: Scalar, prefix: &str) -> Result<(), Problems> {
    let ok = matches!(
        (kind, value),
        (_, Value::Null)
            | (Scalar::Numeric | Scalar::Untyped, Value::Number(_))
            | (Scalar::String | Scalar::Untyped, Value::String(_))
            | (Scalar::Boolean | Scalar::Untyped, Value::Bool(_))
    );
    if ok {
        return Ok(());
    }
    let shown = || format!("&{{{}}}", words::plain_value(value));
    Err(Problems::one(match kind {
        Scalar::Numeric => format!(
            "{prefix}expected numeric (int or float), got {}",
            words::type_name(value)
        ),
        Scalar::String => format!(
            "{prefix}expected string, got &value.valueUnstructured{{Value:{}}}",
            words::syntax(value)
        ),
        Scalar::Boolean => format!("{prefix}expected boolean, got {}", shown()),
        Scalar::Untyped => format!("{prefix}expected any scalar, got {}", shown()),
    }))
}

fn of_list(value: &Value, list: &List<'_>, duplicates: bool) -> Problems {
    let items = match value {
        Value::Array(items) => items,
        Value::Null => return Problems::default(),
        other => {
            let shown = words::plain_value(other);
            return Problems::one(format!("expected list, got &{{{shown}}}"));
        }
    };
    let mut problems = Problems::default();
    let mut seen = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        let element = match list.keys {
            None => PathElement::Index(i64::try_from(i).unwrap_or(i64::MAX)),
            Some(_) => match item::element(list, item) {
                Ok(element) => element,
                Err(error) => {
                    problems.add(Problems::one(format!("element {i}: {error}")));
                    return problems;
                }
            },
        };
        if list.keys.is_some() && !duplicates && !seen.insert(element.clone()) {
            let message = format!("duplicate entries for key {element}");
            problems.add(Problems::one(message));
        }
        problems.add_below(&element, validate(item, list.element, duplicates));
    }
    problems
}

fn of_map(value: &Value, map: &Map<'_>, duplicates: bool) -> Problems {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Null => return Problems::default(),
        other => {
            let shown = words::plain_value(other);
            return Problems::one(format!("expected map, got &{{{shown}}}"));
        }
    };
    let mut problems = Problems::default();
    for (name, field) in fields {
        let element = PathElement::field(name);
        match map.field(name) {
            Ty::Nothing => {
                problems.add_below(&element, Problems::one("field not declared in schema"));
                break;
            }
            ty => problems.add_below(&element, validate(field, ty, duplicates)),
        }
    }
    problems
}
