//! Comparisons of filters, as Go's templates compare: only values of one kind, and whole numbers are not fractions.

use super::Item;
use serde_json::Value;
use std::cmp::Ordering;

enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
}

/// Whether `left operator right` holds; none where the two can't be compared.
pub(super) fn passes(left: &Item<'_>, operator: &str, right: &Item<'_>) -> Option<bool> {
    let (left, right) = (basic(left)?, basic(right)?);
    let order = match (&left, &right) {
        (Basic::Bool(left), Basic::Bool(right)) => {
            return match operator {
                "==" => Some(left == right),
                "!=" => Some(left != right),
                _ => None,
            };
        }
        (Basic::Int(left), Basic::Int(right)) => Some(left.cmp(right)),
        (Basic::Float(left), Basic::Float(right)) => left.partial_cmp(right),
        (Basic::Text(left), Basic::Text(right)) => Some(left.cmp(right)),
        _ => return None,
    };
    Some(match operator {
        "==" => order == Some(Ordering::Equal),
        "!=" => order != Some(Ordering::Equal),
        "<" => order == Some(Ordering::Less),
        "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        ">" => !matches!(order, Some(Ordering::Less | Ordering::Equal)),
        ">=" => order != Some(Ordering::Less),
        _ => return None,
    })
}

fn basic<'a>(item: &Item<'a>) -> Option<Basic<'a>> {
    Some(match item {
        Item::Tree(Value::Bool(flag)) => Basic::Bool(*flag),
        Item::Tree(Value::String(text)) => Basic::Text(text),
        Item::Tree(Value::Number(number)) => match number.as_i64() {
            Some(int) => Basic::Int(int),
            None => Basic::Float(number.as_f64()?),
        },
        Item::Tree(_) => return None,
        Item::Text(text) => Basic::Text(text),
        Item::Int(int) => Basic::Int(*int),
        Item::Float(float) => Basic::Float(*float),
        Item::Bool(flag) => Basic::Bool(*flag),
    })
}
