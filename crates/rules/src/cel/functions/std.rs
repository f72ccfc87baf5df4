//! Operators, sizes, types and tests of text.

use crate::cel::{
    equal,
    eval::Context,
    text,
    time::Timestamp,
    value::{Fault, List, Map, Outcome, Text, Value},
};
use std::{cmp::Ordering, sync::Arc};

pub(super) fn call<'a>(
    name: &str,
    args: &mut Vec<Value<'a>>,
    context: &mut Context<'_>,
) -> Option<Outcome<'a>> {
    Some(match name {
        "_+_" => add(args, context),
        "_-_" | "_*_" | "_/_" | "_%_" => arithmetic(name, args),
        "_==_" => equal::equal(&args[0], &args[1], context.fuel).map(Value::Bool),
        "_!=_" => not_equal(args, context),
        "_<_" | "_<=_" | "_>_" | "_>=_" => compare(name, args),
        "!_" => match &args[0] {
            Value::Bool(value) => Ok(Value::Bool(!value)),
            _ => Err(Fault::no_such_overload()),
        },
        "-_" => negate(&args[0]),
        "@in" => contains(&args[0], &args[1], context),
        "size" => match args[0].size() {
            Some(size) if !matches!(args[0], Value::Opaque(_)) => {
                Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
            }
            _ => Err(Fault::new("no such overload: size")),
        },
        "type" => Ok(Value::Type(args[0].type_of())),
        "dyn" => Ok(args.swap_remove(0)),
        "contains" | "startsWith" | "endsWith" => {
            let (Some(whole), Some(part)) = (args[0].as_str(), args[1].as_str()) else {
                return Some(Err(Fault::no_such_overload()));
            };
            Ok(Value::Bool(match name {
                "contains" => whole.contains(part),
                "startsWith" => whole.starts_with(part),
                _ => whole.ends_with(part),
            }))
        }
        _ => return None,
    })
}

/// Unlike what is equal, what can't be compared is not equal too.
fn not_equal<'a>(args: &[Value<'a>], context: &mut Context<'_>) -> Outcome<'a> {
    match equal::equal(&args[0], &args[1], context.fuel) {
        Ok(same) => Ok(Value::Bool(!same)),
        Err(Fault::Limit) => Err(Fault::Limit),
        Err(_) => Ok(Value::Bool(true)),
    }
}

fn overflow() -> Fault {
    Fault::new("integer overflow")
}

/// What has no such operator at all, as opposed to an operand of the wrong type.
fn no_operator(name: &str, left: &Value<'_>) -> Fault {
    match left {
        Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Timestamp(_)
        | Value::Duration(_) => Fault::no_such_overload(),
        _ => Fault::new(format!("no such overload: {name}")),
    }
}

fn add<'a>(args: &mut Vec<Value<'a>>, context: &mut Context<'_>) -> Outcome<'a> {
    let right = args.pop().ok_or_else(Fault::no_such_overload)?;
    let left = args.pop().ok_or_else(Fault::no_such_overload)?;
    Ok(match (left, right) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_add(b).ok_or_else(overflow)?),
        (Value::Uint(a), Value::Uint(b)) => Value::Uint(
            a.checked_add(b)
                .ok_or_else(|| Fault::new("unsigned integer overflow"))?,
        ),
        (Value::Double(a), Value::Double(b)) => Value::Double(a + b),
        (Value::String(a), Value::String(b)) => {
            context
                .fuel
                .burn((a.as_str().len() + b.as_str().len()) / 64)?;
            Value::String(Text::Shared(format!("{}{}", a.as_str(), b.as_str()).into()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            context.fuel.burn((a.len() + b.len()) / 64)?;
            Value::Bytes([&*a, &*b].concat().into())
        }
        (Value::List(a), Value::List(b)) => concat(a, &b, context)?,
        (Value::Duration(a), Value::Duration(b)) => {
            Value::Duration(a.checked_add(b).ok_or_else(duration_overflow)?)
        }
        (Value::Timestamp(at), Value::Duration(by))
        | (Value::Duration(by), Value::Timestamp(at)) => {
            Value::Timestamp(shift(at, i128::from(by))?)
        }
        (left, _) => return Err(no_operator("_+_", &left)),
    })
}

/// A list that nothing else holds grows in place; others are copied, which burns fuel.
fn concat<'a>(a: List<'a>, b: &List<'a>, context: &mut Context<'_>) -> Outcome<'a> {
    context.fuel.burn(b.len())?;
    let mut items = match a {
        List::Made(items) => match Arc::try_unwrap(items) {
            Ok(items) => items,
            Err(shared) => {
                context.fuel.burn(shared.len())?;
                (*shared).clone()
            }
        },
        json @ List::Json { .. } => {
            context.fuel.burn(json.len())?;
            json.to_vec()?
        }
    };
    items.reserve(b.len());
    for item in b.iter() {
        items.push(item?);
    }
    Ok(Value::list(items))
}

fn duration_overflow() -> Fault {
    Fault::new("integer overflow")
}

fn shift(at: Timestamp, by: i128) -> Result<Timestamp, Fault> {
    Timestamp::from_total(at.total() + by).ok_or_else(|| Fault::new("timestamp overflow"))
}

fn arithmetic<'a>(name: &str, args: &[Value<'a>]) -> Outcome<'a> {
    match (&args[0], &args[1]) {
        (Value::Int(a), Value::Int(b)) => ints(name, *a, *b).map(Value::Int),
        (Value::Uint(a), Value::Uint(b)) => uints(name, *a, *b).map(Value::Uint),
        (Value::Double(a), Value::Double(b)) if name != "_%_" => Ok(Value::Double(match name {
            "_-_" => a - b,
            "_*_" => a * b,
            _ => a / b,
        })),
        (Value::Duration(a), Value::Duration(b)) if name == "_-_" => a
            .checked_sub(*b)
            .map(Value::Duration)
            .ok_or_else(duration_overflow),
        (Value::Timestamp(at), Value::Duration(by)) if name == "_-_" => {
            shift(*at, -i128::from(*by)).map(Value::Timestamp)
        }
        (Value::Timestamp(a), Value::Timestamp(b)) if name == "_-_" => {
            i64::try_from(a.total() - b.total())
                .map(Value::Duration)
                .map_err(|_| duration_overflow())
        }
        (left @ (Value::Int(_) | Value::Uint(_)), _) => Err(no_operator(name, left)),
        (left @ Value::Double(_), _) if name != "_%_" => Err(no_operator(name, left)),
        (Value::Duration(_) | Value::Timestamp(_) | Value::String(_), _) => {
            Err(Fault::no_such_overload())
        }
        _ => Err(Fault::new(format!("no such overload: {name}"))),
    }
}

fn ints(name: &str, a: i64, b: i64) -> Result<i64, Fault> {
    match name {
        "_-_" => a.checked_sub(b).ok_or_else(overflow),
        "_*_" => a.checked_mul(b).ok_or_else(overflow),
        "_/_" if b == 0 => Err(Fault::new("division by zero")),
        "_/_" => a.checked_div(b).ok_or_else(overflow),
        _ if b == 0 => Err(Fault::new("modulus by zero")),
        _ => a.checked_rem(b).ok_or_else(overflow),
    }
}

fn uints(name: &str, a: u64, b: u64) -> Result<u64, Fault> {
    let overflow = || Fault::new("unsigned integer overflow");
    match name {
        "_-_" => a.checked_sub(b).ok_or_else(overflow),
        "_*_" => a.checked_mul(b).ok_or_else(overflow),
        "_/_" => a
            .checked_div(b)
            .ok_or_else(|| Fault::new("division by zero")),
        _ => a
            .checked_rem(b)
            .ok_or_else(|| Fault::new("modulus by zero")),
    }
}

fn negate<'a>(value: &Value<'a>) -> Outcome<'a> {
    Ok(match value {
        Value::Int(value) => Value::Int(value.checked_neg().ok_or_else(overflow)?),
        Value::Double(value) => Value::Double(-value),
        Value::Duration(value) => Value::Duration(value.checked_neg().ok_or_else(overflow)?),
        Value::String(_) | Value::Timestamp(_) => return Err(Fault::no_such_overload()),
        _ => return Err(Fault::new("no such overload: -_")),
    })
}

fn compare<'a>(name: &str, args: &[Value<'a>]) -> Outcome<'a> {
    let comparable = matches!(
        args[0],
        Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::String(_)
            | Value::Bytes(_)
            | Value::Timestamp(_)
            | Value::Duration(_)
    );
    if !comparable {
        return Err(Fault::new(format!("no such overload: {name}")));
    }
    let order = equal::compare(&args[0], &args[1])?;
    Ok(Value::Bool(match name {
        "_<_" => order == Ordering::Less,
        "_<=_" => order != Ordering::Greater,
        "_>_" => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }))
}

/// `item in container`.
pub(super) fn contains<'a>(
    item: &Value<'a>,
    container: &Value<'a>,
    context: &mut Context<'_>,
) -> Outcome<'a> {
    match container {
        Value::List(list) => {
            let mut fault = None;
            for known in list.iter() {
                match equal::equal(&known?, item, context.fuel) {
                    Ok(true) => return Ok(Value::Bool(true)),
                    Ok(false) => {}
                    Err(Fault::Limit) => return Err(Fault::Limit),
                    Err(error) => fault = Some(error),
                }
            }
            match fault {
                Some(fault) => Err(fault),
                None => Ok(Value::Bool(false)),
            }
        }
        Value::Map(map) => map.find(item).map(|found| Value::Bool(found.is_some())),
        _ => Err(Fault::no_such_overload()),
    }
}

/// A map's entries, ready to be changed.
pub(super) fn entries<'a>(
    map: Map<'a>,
    context: &mut Context<'_>,
) -> Result<std::collections::BTreeMap<crate::cel::value::Key, Value<'a>>, Fault> {
    use crate::cel::value::Key;
    match map {
        Map::Made(fields) => match Arc::try_unwrap(fields) {
            Ok(fields) => Ok(fields),
            Err(shared) => {
                context.fuel.burn(shared.len())?;
                Ok((*shared).clone())
            }
        },
        json @ Map::Json { .. } => {
            context.fuel.burn(json.len())?;
            let mut out = std::collections::BTreeMap::new();
            for key in json.keys() {
                if let (Some(name), Some(value)) = (Key::of(&key), json.find(&key)?) {
                    out.insert(name, value);
                }
            }
            Ok(out)
        }
    }
}

/// A number as text, for conversions.
pub(super) fn double_text(value: f64) -> String {
    text::double(value)
}
