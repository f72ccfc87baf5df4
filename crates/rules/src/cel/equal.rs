//! Equality and order of values.
//!
//! Every node that is compared burns fuel, so that comparing large trees again and again ends.

use super::{
    eval::Fuel,
    value::{Fault, List, Map, Value},
};
use serde_json::Value as Json;
use std::{cmp::Ordering, collections::HashMap};
use tidegate_schema::ListType;

/// The whole number that a double is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and in range"
)]
pub(crate) fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value >= -(2f64.powi(63)) && value < 2f64.powi(63))
        .then_some(value as i64)
}

/// The whole number without sign that a double is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole and in range"
)]
pub(crate) fn whole_unsigned(value: f64) -> Option<u64> {
    (value.fract() == 0.0 && value >= 0.0 && value < 2f64.powi(64)).then_some(value as u64)
}

/// The order of two values that have one; numbers of different types are compared by value.
pub(crate) fn compare(a: &Value<'_>, b: &Value<'_>) -> Result<Ordering, Fault> {
    let no = Fault::no_such_overload;
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Uint(a), Value::Uint(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.as_str().cmp(b.as_str()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        (
            Value::Int(_) | Value::Uint(_) | Value::Double(_),
            Value::Int(_) | Value::Uint(_) | Value::Double(_),
        ) => numbers(a, b).ok_or_else(|| Fault::new("NaN values cannot be ordered"))?,
        _ => return Err(no()),
    })
}

/// The order of numbers; none with NaN.
fn numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Double(a), Value::Int(b)) => mixed(*a, i128::from(*b)),
        (Value::Double(a), Value::Uint(b)) => mixed(*a, i128::from(*b)),
        (Value::Int(a), Value::Double(b)) => mixed(*b, i128::from(*a)).map(Ordering::reverse),
        (Value::Uint(a), Value::Double(b)) => mixed(*b, i128::from(*a)).map(Ordering::reverse),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "as cel-go compares them")]
fn mixed(a: f64, b: i128) -> Option<Ordering> {
    a.partial_cmp(&(b as f64))
}

/// Whether two values are equal. Trees with a schema refuse to be compared with what is no tree.
pub(crate) fn equal(a: &Value<'_>, b: &Value<'_>, fuel: &mut Fuel) -> Result<bool, Fault> {
    fuel.enter()?;
    let result = same(a, b, fuel);
    fuel.leave();
    result
}

fn same(a: &Value<'_>, b: &Value<'_>, fuel: &mut Fuel) -> Result<bool, Fault> {
    Ok(match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => {
            fuel.burn(a.as_str().len() / 64)?;
            a.as_str() == b.as_str()
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            fuel.burn(a.len() / 64)?;
            a == b
        }
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::Type(a), Value::Type(b)) => a.runtime_name() == b.runtime_name(),
        (
            Value::Int(_) | Value::Uint(_) | Value::Double(_),
            Value::Int(_) | Value::Uint(_) | Value::Double(_),
        ) => numbers(a, b) == Some(Ordering::Equal),
        (Value::List(a), Value::List(b)) => lists(a, b, fuel)?,
        (Value::Map(a), Value::Map(b)) => maps(a, b, fuel)?,
        (Value::Optional(a), Value::Optional(b)) => match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => equal(a, b, fuel)?,
            _ => false,
        },
        (Value::Opaque(a), Value::Opaque(b)) => a == b,
        (Value::Preserved(a), other) => tree_of(other).is_some_and(|b| **a == b),
        (Value::List(List::Json { shape, .. }) | Value::Map(Map::Json { shape, .. }), _)
            if !shape.is_plain() =>
        {
            return Err(Fault::no_such_overload());
        }
        _ => false,
    })
}

/// The JSON tree behind a value, where there is one.
fn tree_of(value: &Value<'_>) -> Option<Json> {
    Some(match value {
        Value::Preserved(json) => (*json).clone(),
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Double(value) => Json::from(*value),
        Value::String(text) => Json::from(text.as_str()),
        Value::List(List::Json { items, .. }) => Json::Array(items.to_vec()),
        Value::Map(Map::Json { fields, .. }) => Json::Object((*fields).clone()),
        _ => return None,
    })
}

fn lists(a: &List<'_>, b: &List<'_>, fuel: &mut Fuel) -> Result<bool, Fault> {
    if a.len() != b.len() {
        return Ok(false);
    }
    if let List::Json { shape, items } = a {
        match shape.list_type() {
            (ListType::Map, keys) => return keyed_lists(a, items, keys, b, fuel),
            (ListType::Set, _) => return sets(a, b, fuel),
            (ListType::Atomic, _) => {}
        }
    }
    for (x, y) in a.iter().zip(b.iter()) {
        if !equal(&x?, &y?, fuel)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Lists whose items have keys are equal in any order.
fn keyed_lists(
    a: &List<'_>,
    items: &[Json],
    keys: &[Box<str>],
    b: &List<'_>,
    fuel: &mut Fuel,
) -> Result<bool, Fault> {
    fuel.burn(items.len())?;
    let key = |item: &Json| -> String {
        let parts: Vec<&Json> = keys.iter().filter_map(|key| item.get(&**key)).collect();
        serde_json::to_string(&parts).unwrap_or_default()
    };
    let places: HashMap<String, usize> = items
        .iter()
        .enumerate()
        .map(|(index, item)| (key(item), index))
        .collect();
    let mut seen = 0;
    for other in b.iter() {
        let other = other?;
        let Some(index) = tree_of(&other).and_then(|tree| places.get(&key(&tree)).copied()) else {
            return Ok(false);
        };
        let Some(mine) = a.get(index) else {
            return Ok(false);
        };
        if !equal(&mine?, &other, fuel)? {
            return Ok(false);
        }
        seen += 1;
    }
    Ok(seen == places.len())
}

/// Sets of scalars are equal in any order.
fn sets(a: &List<'_>, b: &List<'_>, fuel: &mut Fuel) -> Result<bool, Fault> {
    let key = |value: Value<'_>| serde_json::to_string(&tree_of(&value)).unwrap_or_default();
    fuel.burn(a.len())?;
    let mut mine: Vec<String> = a
        .iter()
        .map(|item| item.map(key))
        .collect::<Result<_, _>>()?;
    let mut others: Vec<String> = b
        .iter()
        .map(|item| item.map(key))
        .collect::<Result<_, _>>()?;
    mine.sort_unstable();
    mine.dedup();
    others.sort_unstable();
    others.dedup();
    Ok(mine == others)
}

fn maps(a: &Map<'_>, b: &Map<'_>, fuel: &mut Fuel) -> Result<bool, Fault> {
    if a.len() != b.len() {
        return Ok(false);
    }
    match a {
        Map::Json { fields, shape } if !shape.is_plain() => {
            for (key, json) in *fields {
                if !shape.knows(key) {
                    let Map::Json { fields, .. } = b else {
                        return Err(Fault::no_such_overload());
                    };
                    if fields.get(key).is_some_and(|other| other != json) {
                        return Ok(false);
                    }
                    continue;
                }
                let key = Value::text(key);
                match (a.find(&key)?, b.find(&key)?) {
                    (None, None) => {}
                    (Some(x), Some(y)) if equal(&x, &y, fuel)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        _ => {
            for key in a.keys() {
                match (a.find(&key)?, b.find(&key)?) {
                    (Some(x), Some(y)) if equal(&x, &y, fuel)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
    }
}
