//! Checks that many kinds share.

use super::Errors;
use crate::{
    internal,
    view::{int, text},
};
use serde_json::Value;
use std::{collections::HashSet, hash::Hash};
use tidegate_schema::{FieldError, FieldErrorType, Path};

/// `field is immutable`.
pub(crate) const IMMUTABLE: &str = "field is immutable";

/// For each of these, whether the same one came before. Lists have as many items as fit into a request, so they are not
/// compared with each other.
pub(crate) fn repeated<T: Eq + Hash>(all: impl IntoIterator<Item = T>) -> Vec<bool> {
    let mut seen = HashSet::new();
    all.into_iter().map(|one| !seen.insert(one)).collect()
}

/// A field must stay as it is.
pub(crate) fn immutable(
    new: &Value,
    old: &Value,
    name: &str,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if new[name] != old[name] {
        let cleared = new[name].is_null() && old[name].is_string();
        let value = if cleared {
            &Value::from("")
        } else {
            &new[name]
        };
        errors.push(FieldError::invalid(&path.child(name), value, IMMUTABLE));
    }
}

/// The same, of what the server shows as its own type has it.
pub(crate) fn immutable_as(
    new: &Value,
    old: &Value,
    (name, form): (&str, &str),
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if new[name] != old[name] {
        errors.push(FieldError {
            bad_value: internal::shown(form, &new[name]),
            ..FieldError::invalid(&path.child(name), &Value::Null, IMMUTABLE)
        });
    }
}

/// What is wrong with a text.
pub(crate) type Form = fn(&str) -> Vec<String>;

/// What a form finds wrong with a text.
pub(crate) fn form(value: &str, check: Form, path: &Path<'_>, errors: &mut Errors) {
    let found = check(value)
        .into_iter()
        .map(|why| FieldError::invalid(path, &value.into(), why));
    errors.extend(found);
}

/// A field must be there.
pub(crate) fn required(value: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) -> bool {
    let there = !text(value, name).is_empty();
    if !there {
        errors.push(FieldError::required(&path.child(name), ""));
    }
    there
}

/// A number must not be negative.
pub(crate) fn not_negative(value: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    if int(value, name) < 0 {
        let why = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(&path.child(name), &value[name], why));
    }
}

/// A number must be the number of a port.
pub(crate) fn port(number: i64, path: &Path<'_>, errors: &mut Errors) {
    if !(1..=65535).contains(&number) {
        errors.push(FieldError::invalid(
            path,
            &number.into(),
            "must be between 1 and 65535, inclusive",
        ));
    }
}

/// `Unsupported value: "x": supported values: "b", "a"`, in the order given.
pub(crate) fn unsupported(path: &Path<'_>, value: &Value, supported: &[&str]) -> FieldError {
    let quoted: Vec<String> = supported.iter().map(|word| format!("{word:?}")).collect();
    let mut error = FieldError::not_supported(path, value, &[]);
    error.detail = format!("supported values: {}", quoted.join(", "));
    error
}

/// A declared rule: a field must be there.
pub(crate) fn declared_required(
    value: &Value,
    name: &str,
    path: &Path<'_>,
    errors: &mut Errors,
) -> bool {
    let there = !text(value, name).is_empty();
    if !there {
        errors.declare(FieldError::required(&path.child(name), ""));
    }
    there
}

/// A declared rule: a number must not be negative.
pub(crate) fn declared_not_negative(
    value: &Value,
    name: &str,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if int(value, name) < 0 {
        let why = "must be greater than or equal to 0";
        errors.declare(FieldError::invalid(&path.child(name), &value[name], why));
    }
}

/// A declared rule: a field must stay as it is. The value isn't shown.
pub(crate) fn declared_immutable(
    new: &Value,
    old: &Value,
    name: &str,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if new[name] != old[name] {
        errors.declare(FieldError::invalid(
            &path.child(name),
            &Value::Null,
            IMMUTABLE,
        ));
    }
}

/// A text must be one of those; where it may be missing, that is checked before.
pub(crate) fn one_of(
    value: &Value,
    name: &str,
    supported: &[&str],
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let found = text(value, name);
    if !supported.contains(&found) {
        errors.push(unsupported(&path.child(name), &found.into(), supported));
    }
}

/// Missing, or one of those.
pub(crate) fn missing_or_one_of(
    value: &Value,
    name: &str,
    supported: &[&str],
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if required(value, name, path, errors) {
        one_of(value, name, supported, path, errors);
    }
}

/// `Too many: 5: must have at most 3 items`.
pub(crate) fn too_many(path: &Path<'_>, count: usize, limit: usize) -> FieldError {
    FieldError {
        bad_value: count.to_string(),
        ..FieldError::new(
            FieldErrorType::TooMany,
            path,
            format!("must have at most {limit} items"),
        )
    }
}

/// A whole number or a percentage.
pub(crate) fn int_or_percent(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    match value {
        Value::String(text) if crate::meta::percent_errors(text).is_empty() => {}
        Value::String(text) => {
            let why = crate::meta::percent_errors(text).join("");
            errors.push(FieldError::invalid(path, &text.as_str().into(), why));
        }
        Value::Number(number) if number.as_i64().is_some_and(|number| number < 0) => {
            errors.push(FieldError::invalid(
                path,
                value,
                "must be greater than or equal to 0",
            ));
        }
        _ => {}
    }
}

/// A percentage of at most 100.
pub(crate) fn at_most_100_percent(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let percent = value
        .as_str()
        .and_then(|text| text.strip_suffix('%'))
        .and_then(|text| text.parse::<i64>().ok());
    if percent.is_some_and(|percent| percent > 100) {
        errors.push(FieldError::invalid(
            path,
            value,
            "must not be greater than 100%",
        ));
    }
}

/// A number or a percentage as a number, for comparing with zero.
pub(crate) fn amount(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.trim_end_matches('%').parse().unwrap_or_default(),
        other => other.as_i64().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::repeated;

    #[test]
    fn what_came_before_is_repeated() {
        assert_eq!(repeated(["a", "b", "a", "a"]), [false, false, true, true]);
    }
}
