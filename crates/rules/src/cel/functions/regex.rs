//! Regular expressions, as Go reads them.

use super::no_overload;
use crate::cel::{
    eval::Context,
    value::{Fault, Outcome, Value},
};
use tidegate_schema::Pattern;

/// Compiling is dear: a pattern that is worked out at run time burns for it.
const COMPILING: usize = 20_000;
const COMPILING_BYTE: usize = 1_000;

pub(super) fn call<'a>(
    name: &str,
    args: &[Value<'a>],
    context: &mut Context<'_>,
) -> Option<Outcome<'a>> {
    if !matches!(name, "matches" | "find" | "findAll") {
        return None;
    }
    let (Some(text), Some(pattern)) = (
        args.first().and_then(Value::as_str),
        args.get(1).and_then(Value::as_str),
    ) else {
        return Some(Err(match name {
            "matches" => Fault::no_such_overload(),
            _ => no_overload(name, args),
        }));
    };
    let fresh;
    let mut work = text.len() / 16;
    let regex = match context.regex {
        Some(known) => known,
        None => {
            work += COMPILING + pattern.len() * COMPILING_BYTE;
            fresh = Pattern::new(pattern);
            &fresh
        }
    };
    if let Err(fault) = context.fuel.burn(work) {
        return Some(Err(fault));
    }
    if name == "matches" {
        return Some(regex.is_match(text).map(Value::Bool).map_err(Fault::new));
    }
    let mut found = match regex.find_iter(text) {
        Ok(found) => found,
        Err(words) => return Some(Err(Fault::new(format!("Illegal regex: {words}")))),
    };
    Some(Ok(match (name, args.get(2)) {
        ("find", None) => Value::text(found.next().unwrap_or_default()),
        ("findAll", None) => Value::list(found.map(Value::text).collect()),
        ("findAll", Some(Value::Int(count))) => {
            let most = usize::try_from(*count).unwrap_or(usize::MAX);
            Value::list(found.take(most).map(Value::text).collect())
        }
        _ => return Some(Err(no_overload(name, args))),
    }))
}
