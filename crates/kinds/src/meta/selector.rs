//! The checks of a `LabelSelector`.

use super::{label_value_errors, object::validate_labels, qualified_name_errors};
use crate::view::{list, text};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

/// What is wrong with a selector. Bad values of labels can be let through: old objects may have them.
pub fn validate_label_selector(
    selector: &Value,
    allow_bad_values: bool,
    path: &Path<'_>,
) -> Vec<FieldError> {
    let mut errors = validate_labels(&selector["matchLabels"], &path.child("matchLabels"));
    let expressions = path.child("matchExpressions");
    for (at, expression) in list(&selector["matchExpressions"]).iter().enumerate() {
        requirement(
            expression,
            allow_bad_values,
            &expressions.index(at),
            &mut errors,
        );
    }
    errors
}

fn requirement(
    expression: &Value,
    allow_bad_values: bool,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    let values = list(&expression["values"]);
    match text(expression, "operator") {
        "In" | "NotIn" if values.is_empty() => {
            let why = "must be specified when `operator` is 'In' or 'NotIn'";
            errors.push(FieldError::required(&path.child("values"), why));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(FieldError::forbidden(&path.child("values"), why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => {
            let why = "not a valid selector operator";
            errors.push(FieldError::invalid(
                &path.child("operator"),
                &other.into(),
                why,
            ));
        }
    }
    let key = text(expression, "key");
    for why in qualified_name_errors(key) {
        errors.push(FieldError::invalid(&path.child("key"), &key.into(), why));
    }
    if allow_bad_values {
        return;
    }
    for (at, value) in values.iter().enumerate() {
        for why in label_value_errors(value.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid(
                &path.child("values").index(at),
                value,
                why,
            ));
        }
    }
}
