//! Checks of how an autoscaler scales, and of its status.

use super::{
    Errors, meta_update,
    words::{not_negative, unsupported},
};
use crate::{
    decode,
    view::{int, list, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const WINDOW_MAX: i64 = 3600;
const PERIOD_MAX: i64 = 1800;

pub(crate) fn behavior(behavior: &Value, path: &Path<'_>, errors: &mut Errors) {
    for name in ["scaleUp", "scaleDown"] {
        let rules = &behavior[name];
        if !rules.is_null() {
            scaling_rules(rules, &path.child(name), errors);
        }
    }
}

fn scaling_rules(rules: &Value, path: &Path<'_>, errors: &mut Errors) {
    let window = &rules["stabilizationWindowSeconds"];
    let why = match int(rules, "stabilizationWindowSeconds") {
        ..0 => Some("must be greater than or equal to zero".to_owned()),
        seconds if seconds > WINDOW_MAX => {
            Some(format!("must be less than or equal to {WINDOW_MAX}"))
        }
        _ => None,
    };
    if let Some(why) = why {
        let at = path.child("stabilizationWindowSeconds");
        errors.push(FieldError::invalid(&at, window, why));
    }
    let policy = &rules["selectPolicy"];
    let supported = ["Disabled", "Max", "Min"];
    if policy.as_str().is_some_and(|it| !supported.contains(&it)) {
        let at = path.child("selectPolicy");
        errors.push(unsupported(&at, policy, &supported));
    }
    let policies = list(&rules["policies"]);
    let at = path.child("policies");
    if policies.is_empty() {
        errors.push(FieldError::required(
            &at,
            "must specify at least one Policy",
        ));
    }
    for (index, policy) in policies.iter().enumerate() {
        scaling_policy(policy, &at.index(index), errors);
    }
    let tolerance = &rules["tolerance"];
    let amount = tolerance
        .as_str()
        .and_then(|text| decode::quantity(text).ok());
    if amount.is_some_and(|amount| amount.sign() < 0) {
        let why = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(
            &path.child("tolerance"),
            tolerance,
            why,
        ));
    }
}

fn scaling_policy(policy: &Value, path: &Path<'_>, errors: &mut Errors) {
    let supported = ["Percent", "Pods"];
    let kind = text(policy, "type");
    if !supported.contains(&kind) {
        errors.push(unsupported(&path.child("type"), &kind.into(), &supported));
    }
    for name in ["value", "periodSeconds"] {
        let number = int(policy, name);
        if number <= 0 {
            let why = "must be greater than zero";
            errors.push(FieldError::invalid(&path.child(name), &number.into(), why));
        }
    }
    let period = int(policy, "periodSeconds");
    if period > PERIOD_MAX {
        let why = format!("must be less than or equal to {PERIOD_MAX}");
        let at = path.child("periodSeconds");
        errors.push(FieldError::invalid(&at, &period.into(), why));
    }
}

/// The status of an autoscaler, written to its subresource.
pub(crate) fn part(new: &Value, old: &Value, subresource: &str, errors: &mut Errors) {
    if subresource != "status" {
        return super::updated(new, old, super::autoscaler::autoscaler, errors);
    }
    meta_update(new, old, errors);
    let path = Path::ROOT;
    let path = path.child("status");
    let conditions = path.child("conditions");
    for (index, condition) in list(&new["status"]["conditions"]).iter().enumerate() {
        not_negative(
            condition,
            "observedGeneration",
            &conditions.index(index),
            errors,
        );
    }
    for name in ["currentReplicas", "desiredReplicas"] {
        not_negative(&new["status"], name, &path, errors);
    }
}
