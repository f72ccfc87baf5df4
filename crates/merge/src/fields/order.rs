//! The total order and the equality of values in keys and sets: numbers by size, whatever they were written as.

use serde_json::{Number, Value};
use std::cmp::Ordering;

/// Compares two values as structured-merge-diff does: numbers, strings, booleans, lists, maps, null.
pub(crate) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => numbers(l, r),
        (Value::String(l), Value::String(r)) => l.cmp(r),
        (Value::Bool(l), Value::Bool(r)) => l.cmp(r),
        (Value::Array(l), Value::Array(r)) => l
            .iter()
            .zip(r)
            .map(|(l, r)| compare(l, r))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| l.len().cmp(&r.len())),
        (Value::Object(l), Value::Object(r)) => {
            let mut pairs = l.iter().zip(r);
            pairs
                .find_map(|((lk, lv), (rk, rv))| {
                    Some(lk.cmp(rk).then_with(|| compare(lv, rv))).filter(|order| order.is_ne())
                })
                .unwrap_or_else(|| l.len().cmp(&r.len()))
        }
        (l, r) => rank(l).cmp(&rank(r)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

fn numbers(left: &Number, right: &Number) -> Ordering {
    match (left.as_i64(), right.as_i64()) {
        (Some(l), Some(r)) => l.cmp(&r),
        _ => float(left).total_cmp(&float(right)),
    }
}

/// The number as a float. Minus zero is zero, so that equal numbers compare as equal.
fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default() + 0.0
}

/// Whether two values are equal: 1 and 1.0 are.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => numbers(l, r).is_eq(),
        (Value::Array(l), Value::Array(r)) => {
            l.len() == r.len() && l.iter().zip(r).all(|(l, r)| equal(l, r))
        }
        (Value::Object(l), Value::Object(r)) => {
            l.len() == r.len()
                && l.iter()
                    .zip(r)
                    .all(|((lk, lv), (rk, rv))| lk == rk && equal(lv, rv))
        }
        (l, r) => l == r,
    }
}
