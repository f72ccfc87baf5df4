//! Strings: lengths, patterns and formats.

use super::{Outcome, outcome::Failure, trail::Trail};
use crate::{Node, Type, formats};
use serde_json::Value;

/// Only the first fault is told.
pub(super) fn check(value: &Value, text: &str, node: &Node, at: &Trail<'_>) -> Outcome {
    let Some(checks) = &node.checks else {
        return Outcome::default();
    };
    if checks.max_length.is_some() || checks.min_length.is_some() {
        let length = text.chars().count() as u64;
        if let Some(max) = checks.max_length.filter(|max| length > *max) {
            return Failure::too_long(at, max).into();
        }
        if let Some(min) = checks.min_length.filter(|min| length < *min) {
            let words = format!("should be at least {min} chars long");
            return Failure::invalid(at, value, &words).into();
        }
    }
    let Some(pattern) = &checks.pattern else {
        return Outcome::default();
    };
    let text_of = pattern.text();
    match pattern.is_match(text) {
        Ok(true) => Outcome::default(),
        Ok(false) => Failure::invalid(at, value, &format!("should match '{text_of}'")).into(),
        Err(error) => {
            let words = format!("should match '{text_of}, but pattern is invalid: {error}'");
            Failure::invalid(at, value, &words).into()
        }
    }
}

/// The format of a node, if it is one that definitions may use with its type. Others say nothing.
pub(super) fn known_format(node: &Node) -> Option<&str> {
    let format = node.format.as_deref()?;
    let is_known = match node.r#type {
        _ if node.int_or_string => formats::check_of(format).is_some(),
        Type::Any | Type::String => formats::check_of(format).is_some(),
        Type::Integer => matches!(format, "int32" | "int64"),
        Type::Number => matches!(format, "float" | "double"),
        Type::Object | Type::Array | Type::Boolean => false,
    };
    is_known.then_some(format)
}

pub(super) fn format_check(format: &str) -> Option<fn(&str) -> bool> {
    formats::check_of(format)
}
