//! Checks of a job's policies of failure and success, and of time zones.

use super::{
    Errors,
    words::{form, not_negative, repeated, too_many, unsupported},
};
use crate::{
    meta::qualified_name_errors,
    view::{int, list, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, FieldErrorType, Path};

const RULES_MAX: usize = 20;
const PATTERNS_MAX: usize = 20;
const EXIT_CODES_MAX: usize = 255;
const ACTIONS: &[&str] = &["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: &[&str] = &["In", "NotIn"];
const STATES: &[&str] = &["False", "True", "Unknown"];

/// What a job does about its failed pods.
pub(crate) fn failure(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rules = list(&spec["podFailurePolicy"]["rules"]);
    let path = path.child("rules");
    if rules.len() > RULES_MAX {
        errors.push(too_many(&path, rules.len(), RULES_MAX));
    }
    for (index, rule) in rules.iter().enumerate() {
        failure_rule(spec, rule, &path.index(index), errors);
    }
}

fn failure_rule(spec: &Value, rule: &Value, path: &Path<'_>, errors: &mut Errors) {
    if text(rule, "action") == "FailIndex" && spec["backoffLimitPerIndex"].is_null() {
        let why = "requires the backoffLimitPerIndex to be set";
        errors.push(FieldError::invalid(
            &path.child("action"),
            &rule["action"],
            why,
        ));
    }
    one_of_listed(rule, "action", ACTIONS, path, errors);
    let codes = &rule["onExitCodes"];
    if !codes.is_null() {
        exit_codes(spec, codes, &path.child("onExitCodes"), errors);
    }
    let conditions = list(&rule["onPodConditions"]);
    let at = path.child("onPodConditions");
    if conditions.len() > PATTERNS_MAX {
        errors.push(too_many(&at, conditions.len(), PATTERNS_MAX));
    }
    for (index, pattern) in conditions.iter().enumerate() {
        let at = at.index(index);
        form(
            text(pattern, "type"),
            qualified_name_errors,
            &at.child("type"),
            errors,
        );
        one_of_listed(pattern, "status", STATES, &at, errors);
    }
    let why = match (codes.is_null(), conditions.is_empty()) {
        (false, false) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (true, true) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => return,
    };
    errors.push(FieldError::new(FieldErrorType::Invalid, path, why));
}

/// Missing, with the words that there are, or one of those.
fn one_of_listed(
    value: &Value,
    name: &str,
    supported: &[&str],
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let found = text(value, name);
    let at = path.child(name);
    if found.is_empty() {
        let quoted: Vec<String> = supported.iter().map(|word| format!("{word:?}")).collect();
        let why = format!("valid values: [{}]", quoted.join(" "));
        errors.push(FieldError::required(&at, why));
    } else if !supported.contains(&found) {
        errors.push(unsupported(&at, &found.into(), supported));
    }
}

fn exit_codes(spec: &Value, codes: &Value, path: &Path<'_>, errors: &mut Errors) {
    one_of_listed(codes, "operator", OPERATORS, path, errors);
    let pod = &spec["template"]["spec"];
    let known = |name: &str| {
        ["containers", "initContainers"]
            .iter()
            .flat_map(|part| list(&pod[*part]))
            .any(|container| text(container, "name") == name)
    };
    if let Some(name) = codes["containerName"].as_str().filter(|name| !known(name)) {
        let why = "must be one of the container or initContainer names in the pod template";
        errors.push(FieldError::invalid(
            &path.child("containerName"),
            &name.into(),
            why,
        ));
    }
    let at = path.child("values");
    let values = list(&codes["values"]);
    if values.is_empty() {
        let why = "at least one value is required";
        errors.push(FieldError::invalid(&at, &codes["values"], why));
    } else if values.len() > EXIT_CODES_MAX {
        errors.push(too_many(&at, values.len(), EXIT_CODES_MAX));
    }
    let again = repeated(values.iter().map(Value::as_i64));
    for (index, value) in values.iter().enumerate() {
        if text(codes, "operator") == "In" && value == 0 {
            let why = "must not be 0 for the In operator";
            errors.push(FieldError::invalid(&at.index(index), value, why));
        }
        if again[index] {
            errors.push(FieldError::duplicate(&at.index(index), value));
        }
    }
    if !values.is_sorted_by_key(Value::as_i64) {
        errors.push(FieldError::invalid(
            &at,
            &codes["values"],
            "must be ordered",
        ));
    }
}

/// When a job has done enough.
pub(crate) fn success(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rules = list(&spec["successPolicy"]["rules"]);
    let path = path.child("rules");
    if rules.is_empty() {
        let why = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(&path, why));
    }
    if rules.len() > RULES_MAX {
        errors.push(too_many(&path, rules.len(), RULES_MAX));
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = path.index(index);
        let (count, indexes) = (&rule["succeededCount"], &rule["succeededIndexes"]);
        if count.is_null() && indexes.is_null() {
            let why = "at least one of succeededCount or succeededIndexes must be specified";
            errors.push(FieldError::required(&at, why));
        }
        not_negative(rule, "succeededCount", &at, errors);
        let completions = int(spec, "completions");
        if count.as_i64().is_some_and(|count| count > completions) {
            let why = format!(
                "must be less than or equal to {completions} (the number of specified completions)"
            );
            errors.push(FieldError::invalid(&at.child("succeededCount"), count, why));
        }
    }
}

/// A name of the time zone database.
pub(crate) fn time_zone(zone: &Value, path: &Path<'_>, errors: &mut Errors) {
    let Some(name) = zone.as_str() else {
        return;
    };
    let mut invalid = |why: String| errors.push(FieldError::invalid(path, zone, why));
    if name.is_empty() {
        invalid("timeZone must be nil or non-empty string".to_owned());
        return;
    }
    if name.eq_ignore_ascii_case("Local") {
        let why =
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        invalid(why.to_owned());
    }
    if name != "Local" && !crate::data::TIME_ZONES.lines().any(|known| known == name) {
        invalid(format!("unknown time zone {name}"));
    }
}
