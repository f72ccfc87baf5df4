//! The plain parts of `x-kubernetes-validations`: texts that must be there, and where `fieldPath` leads.

use super::super::{field_path, structural};
use crate::{
    errors::Errors,
    view::{Fields, Props},
    words::not_supported,
};
use tidegate_schema::Path;

const REASONS: [&str; 4] = [
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
];

pub(super) fn check(schema: Props<'_>, path: &Path<'_>, errors: &mut Errors) {
    let rules = schema.rules();
    if rules.is_empty() {
        return;
    }
    let here = path.child("x-kubernetes-validations");
    // A schema that can't be converted has no paths that could be followed.
    let paths = rules
        .iter()
        .any(|rule| !Fields::of(Some(rule)).text("fieldPath").is_empty());
    let followed =
        Some(schema).filter(|schema| paths && structural::unsupported(*schema).is_none());
    for (index, rule) in rules.iter().enumerate() {
        if errors.full() {
            return;
        }
        check_rule(Fields::of(Some(rule)), &here.index(index), followed, errors);
    }
}

fn check_rule(rule: Fields<'_>, path: &Path<'_>, schema: Option<Props<'_>>, errors: &mut Errors) {
    let lines = |text: &str| text.contains(['\n', '\r']);
    let (expression, message) = (rule.text("rule").trim(), rule.text("message"));
    if expression.is_empty() {
        errors.required(&path.child("rule"), "rule is not specified");
    } else if !message.is_empty() && message.trim().is_empty() {
        errors.invalid(
            &path.child("message"),
            message,
            "must be non-empty if specified",
        );
    } else if lines(message.trim()) {
        errors.invalid(
            &path.child("message"),
            message,
            "must not contain line breaks",
        );
    } else if lines(expression) && message.is_empty() {
        errors.required(
            &path.child("message"),
            "message must be specified if rule contains line breaks",
        );
    }
    let text = rule.text("messageExpression");
    if !text.is_empty() && text.trim().is_empty() {
        errors.required(
            &path.child("messageExpression"),
            "messageExpression must be non-empty if specified",
        );
    }
    if let Some(reason) = rule
        .opt_text("reason")
        .filter(|reason| !REASONS.contains(reason))
    {
        errors.push(not_supported(&path.child("reason"), reason, &REASONS));
    }
    let field = rule.text("fieldPath");
    if field.is_empty() {
        return;
    }
    let here = path.child("fieldPath");
    if field.trim().is_empty() {
        errors.invalid(&here, field, "must be non-empty if specified");
    }
    if lines(field) {
        errors.invalid(&here, field, "must not contain line breaks");
    }
    if schema.is_some_and(|schema| field_path::follow(field, schema, true).is_err()) {
        errors.invalid(&here, field, "must be a valid path");
    }
}
