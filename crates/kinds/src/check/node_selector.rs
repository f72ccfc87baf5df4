//! Checks of selectors of nodes, as volumes and pods have them.

use super::{Errors, words::form};
use crate::{
    meta::{dns1123_subdomain_errors, label_value_errors, qualified_name_errors},
    view::{list, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const NO_OPERATOR: &str = "not a valid selector operator";

/// What is wrong with a selector of nodes.
pub(crate) fn selector(selector: &Value, path: &Path<'_>, errors: &mut Errors) {
    let terms = list(&selector["nodeSelectorTerms"]);
    let path = path.child("nodeSelectorTerms");
    if terms.is_empty() {
        let why = "must have at least one node selector term";
        errors.push(FieldError::required(&path, why));
    }
    for (index, one) in terms.iter().enumerate() {
        term(one, true, &path.index(index), errors);
    }
}

/// What is wrong with a part of a selector; values that no label can have are wrong only if `strict`.
pub(crate) fn term(term: &Value, strict: bool, path: &Path<'_>, errors: &mut Errors) {
    let labels = path.child("matchExpressions");
    for (index, rule) in list(&term["matchExpressions"]).iter().enumerate() {
        label_rule(rule, strict, &labels.index(index), errors);
    }
    let fields = path.child("matchFields");
    for (index, rule) in list(&term["matchFields"]).iter().enumerate() {
        field_rule(rule, &fields.index(index), errors);
    }
}

fn label_rule(rule: &Value, strict: bool, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("values");
    let values = list(&rule["values"]);
    match text(rule, "operator") {
        "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
            &at,
            "must be specified when `operator` is 'In' or 'NotIn'",
        )),
        "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
            &at,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "Gt" | "Lt" if values.len() != 1 => errors.push(FieldError::required(
            &at,
            "must be specified single value when `operator` is 'Lt' or 'Gt'",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => errors.push(FieldError::invalid(
            &path.child("operator"),
            &other.into(),
            NO_OPERATOR,
        )),
    }
    form(
        text(rule, "key"),
        qualified_name_errors,
        &path.child("key"),
        errors,
    );
    for (index, value) in values.iter().enumerate().filter(|_| strict) {
        let value = value.as_str().unwrap_or_default();
        form(value, label_value_errors, &at.index(index), errors);
    }
}

/// Of the fields of nodes, only names can be asked for.
fn field_rule(rule: &Value, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("values");
    let values = list(&rule["values"]);
    match text(rule, "operator") {
        "In" | "NotIn" if values.len() != 1 => errors.push(FieldError::required(
            &at,
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        )),
        "In" | "NotIn" => {}
        other => errors.push(FieldError::invalid(
            &path.child("operator"),
            &other.into(),
            NO_OPERATOR,
        )),
    }
    if text(rule, "key") != "metadata.name" {
        let why = "not a valid field selector key";
        errors.push(FieldError::invalid(&path.child("key"), &rule["key"], why));
        return;
    }
    for (index, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or_default();
        form(value, dns1123_subdomain_errors, &at.index(index), errors);
    }
}
