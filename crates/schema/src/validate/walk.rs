//! One value against one node: kube-openapi's chain of validators, in its order.

use super::{Outcome, numbers, objects, outcome::Failure, ratchet, strings, trail::Trail};
use crate::{Checks, Node, Schema, Type};
use serde_json::Value;

/// Validates a value and what is in it. With the old value of the same place, errors of what didn't change are left
/// out.
pub(super) fn check(
    value: &Value,
    old: Option<&Value>,
    schema: Schema<'_>,
    at: &Trail<'_>,
) -> Outcome {
    let mut outcome = if value.is_null() {
        check_null(schema.node(), at)
    } else {
        check_value(value, old, schema, at)
    };
    if let Some(old) = old
        && !outcome.is_valid()
        && ratchet::is_unchanged(value, old, Some(schema))
    {
        outcome.errors.clear();
    }
    outcome
}

fn check_null(node: &Node, at: &Trail<'_>) -> Outcome {
    let types = type_names(node);
    let mut outcome = if types.is_empty() || node.nullable {
        Outcome::matched()
    } else {
        Failure::type_invalid(at, &types.join(","), "null").into()
    };
    outcome.merge(check_enum(&Value::Null, node, at));
    outcome
}

fn check_value(value: &Value, old: Option<&Value>, schema: Schema<'_>, at: &Trail<'_>) -> Outcome {
    let node = schema.node();
    let mut outcome = Outcome::default();
    let mut apply = |found: Outcome| {
        outcome.merge(found);
        outcome.matches += 1;
    };
    let format = strings::known_format(node);
    if !type_names(node).is_empty() || format.is_some() {
        apply(check_type(value, node, format, at));
    }
    apply(match &node.checks {
        Some(checks) => check_alternatives(value, schema, checks, at),
        None => Outcome::matched(),
    });
    match value {
        Value::String(text) => {
            apply(strings::check(value, text, node, at));
            if let Some(format) = format
                && let Some(is_valid) = strings::format_check(format)
            {
                apply(match is_valid(text) {
                    true => Outcome::default(),
                    false => Failure::type_invalid(at, format, text).into(),
                });
            }
        }
        Value::Number(number) => apply(numbers::check(number, node, at)),
        Value::Array(items) => apply(objects::check_items(items, old, schema, at)),
        _ => {}
    }
    apply(check_enum(value, node, at));
    if let Value::Object(fields) = value {
        apply(objects::check_fields(fields, old, schema, at));
    }
    outcome.matches += 1;
    outcome
}

/// The names of the types that a node allows; none allows all.
pub(super) fn type_names(node: &Node) -> &'static [&'static str] {
    match node.r#type {
        _ if node.int_or_string => &["integer", "string"],
        Type::Any => &[],
        Type::Object => &["object"],
        Type::Array => &["array"],
        Type::String => &["string"],
        Type::Integer => &["integer"],
        Type::Number => &["number"],
        Type::Boolean => &["boolean"],
    }
}

/// The JSON type of a value, and the format that Go's type of it stands for.
fn type_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("null", ""),
        Value::Bool(_) => ("boolean", ""),
        Value::Number(number) if number.is_i64() => ("integer", "int64"),
        Value::Number(_) => ("number", "float64"),
        Value::String(_) => ("string", ""),
        Value::Array(_) => ("array", ""),
        Value::Object(_) => ("object", ""),
    }
}

fn check_type(value: &Value, node: &Node, format: Option<&str>, at: &Trail<'_>) -> Outcome {
    let types = type_names(node);
    let (found, found_format) = type_of(value);
    let allows = |name: &str| types.contains(&name);
    let whole =
        matches!(value, Value::Number(number) if number.as_f64().is_some_and(numbers::is_whole));
    let fits = allows(found)
        || (found == "number" && whole && allows("integer"))
        || (found == "integer" && allows("number"));
    let is_text = matches!(value, Value::String(_) | Value::Array(_));
    match format {
        Some(format) if !is_text && !fits && format != found_format => {
            Failure::type_invalid(at, format, found_format).into()
        }
        Some(_) if is_text && !allows("number") && !allows("integer") => Outcome::matched(),
        _ if fits => Outcome::matched(),
        _ => Failure::type_invalid(at, &types.join(","), found).into(),
    }
}

/// `anyOf`, `oneOf`, `allOf` and `not`. Nothing in them is ratcheted on its own.
fn check_alternatives(
    value: &Value,
    schema: Schema<'_>,
    checks: &Checks,
    at: &Trail<'_>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let check_branch = |id| check(value, None, schema.at(id), at);
    if !checks.any_of.is_empty() {
        outcome.merge(any_of(checks.any_of.iter().map(|id| check_branch(*id)), at));
    }
    if !checks.one_of.is_empty() {
        outcome.merge(one_of(checks.one_of.iter().map(|id| check_branch(*id)), at));
    }
    if !checks.all_of.is_empty() {
        let mut valid = 0;
        for id in &checks.all_of {
            let branch = check_branch(*id);
            valid += usize::from(branch.is_valid());
            outcome.merge(branch);
        }
        if valid != checks.all_of.len() {
            let none = if valid == 0 { ". None validated" } else { "" };
            outcome.add(composite(
                at,
                &format!("must validate all the schemas (allOf){none}"),
            ));
        }
    }
    if let Some(not) = checks.not
        && check_branch(not).is_valid()
    {
        outcome.add(composite(at, "must not validate the schema (not)"));
    }
    outcome.matches += 1;
    outcome
}

fn any_of(branches: impl Iterator<Item = Outcome>, at: &Trail<'_>) -> Outcome {
    let mut best: Option<Outcome> = None;
    for branch in branches {
        if branch.is_valid() {
            return branch;
        }
        if best
            .as_ref()
            .is_none_or(|best| branch.matches > best.matches)
        {
            best = Some(branch);
        }
    }
    let mut outcome = Outcome::from(composite(at, "must validate at least one schema (anyOf)"));
    outcome.merge(best.unwrap_or_default());
    outcome
}

fn one_of(branches: impl Iterator<Item = Outcome>, at: &Trail<'_>) -> Outcome {
    let mut best: Option<Outcome> = None;
    let mut first: Option<Outcome> = None;
    let mut valid = 0;
    for branch in branches {
        if branch.is_valid() {
            valid += 1;
            first.get_or_insert(branch);
        } else if valid == 0
            && best
                .as_ref()
                .is_none_or(|best| branch.matches > best.matches)
        {
            best = Some(branch);
        }
    }
    let found = match (valid, first) {
        (1, Some(only)) => return only,
        (0, _) => "Found none valid".to_owned(),
        (valid, _) => {
            best = None;
            format!("Found {valid} valid alternatives")
        }
    };
    let mut outcome = Outcome::from(composite(
        at,
        &format!("must validate one and only one schema (oneOf). {found}"),
    ));
    outcome.merge(best.unwrap_or_default());
    outcome
}

fn composite(at: &Trail<'_>, words: &str) -> Failure {
    Failure::plain(format!("{} {words}", crate::gotext::quote(&at.to_string())))
}

/// Null is in no enum, not even in one that lists it.
fn check_enum(value: &Value, node: &Node, at: &Trail<'_>) -> Outcome {
    let Some(checks) = node
        .checks
        .as_deref()
        .filter(|checks| !checks.r#enum.is_empty())
    else {
        return Outcome::default();
    };
    match checks.r#enum.iter().any(|allowed| equals(value, allowed)) {
        true => Outcome::default(),
        false => Failure::not_supported(at, value, &checks.r#enum).into(),
    }
}

/// Equal once the value is converted to the Go type of what is allowed: 1.5 is 1 where 1 is allowed, and 65 is "A".
fn equals(value: &Value, allowed: &Value) -> bool {
    match (value, allowed) {
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Number(value), Value::Number(allowed)) => {
            match (value.as_i64(), allowed.as_i64()) {
                (Some(value), Some(allowed)) => value == allowed,
                (None, Some(allowed)) => value
                    .as_f64()
                    .is_some_and(|value| numbers::go_int(value) == allowed),
                (_, None) => value.as_f64() == allowed.as_f64(),
            }
        }
        (Value::Number(value), Value::String(allowed)) => {
            let letter = value
                .as_i64()
                .map(|value| u32::try_from(value).ok().and_then(char::from_u32));
            letter.is_some_and(|letter| allowed.chars().eq([letter.unwrap_or('\u{fffd}')]))
        }
        _ => value == allowed,
    }
}
