//! Optional values.

use super::no_overload;
use crate::cel::value::{Fault, Outcome, Value};

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    Some(match (name, args) {
        ("optional.none", []) => Ok(Value::Optional(None)),
        ("optional.of", [value]) => Ok(Value::some(value.clone())),
        ("optional.ofNonZeroValue", [value]) if value.is_zero() => Ok(Value::Optional(None)),
        ("optional.ofNonZeroValue", [value]) => Ok(Value::some(value.clone())),
        ("hasValue", [Value::Optional(inner)]) => Ok(Value::Bool(inner.is_some())),
        ("value", [Value::Optional(inner)]) => match inner {
            Some(inner) => Ok((**inner).clone()),
            None => Err(Fault::new("optional.none() dereference")),
        },
        ("optional.unwrap" | "unwrapOpt", [Value::List(list)]) => {
            let mut out = Vec::new();
            for item in list.iter() {
                match item {
                    Ok(Value::Optional(Some(inner))) => out.push((*inner).clone()),
                    Ok(Value::Optional(None)) => {}
                    Ok(other) => {
                        return Some(Err(Fault::new(format!("value {other} is not optional"))));
                    }
                    Err(fault) => return Some(Err(fault)),
                }
            }
            Ok(Value::list(out))
        }
        ("hasValue" | "value", _) => Err(no_overload(name, args)),
        _ => return None,
    })
}
