//! Checks of what policies and bindings match, and of their parameters.

use super::{items, text};
use serde_json::Value;
use std::collections::HashSet;
use tidegate_schema::{
    FieldError, Path, dns1035_label_errors, dns1123_subdomain_errors, label_value_errors,
    qualified_name_errors,
};

type Errors = Vec<FieldError>;

pub(super) fn param_kind(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("apiVersion");
    let version = text(&value["apiVersion"]);
    if version.is_empty() {
        errors.push(FieldError::required(&at, ""));
    } else if version.matches('/').count() > 1 {
        let words = format!("unexpected GroupVersion string: {version}");
        errors.push(FieldError::invalid(&at, &value["apiVersion"], words));
    } else {
        let (group, version) = match version {
            "/" => ("", ""),
            other => other.split_once('/').unwrap_or(("", other)),
        };
        if !group.is_empty() {
            let words = dns1123_subdomain_errors(group);
            if !words.is_empty() {
                errors.push(FieldError::invalid(
                    &at,
                    &Value::from(group),
                    words.join(","),
                ));
            }
        }
        if version.is_empty() {
            errors.push(FieldError::invalid(
                &at,
                &value["apiVersion"],
                "version must be specified",
            ));
        } else {
            let words = dns1035_label_errors(version);
            if !words.is_empty() {
                errors.push(FieldError::invalid(
                    &at,
                    &Value::from(version),
                    words.join(","),
                ));
            }
        }
    }
    let at = path.child("kind");
    let kind = text(&value["kind"]);
    if kind.is_empty() {
        errors.push(FieldError::required(&at, ""));
        return;
    }
    let words = dns1035_label_errors(&kind.to_lowercase());
    if !words.is_empty() {
        let words = format!(
            "may have mixed case, but should otherwise match: {}",
            words.join(",")
        );
        errors.push(FieldError::invalid(&at, &value["kind"], words));
    }
}

pub(super) fn match_resources(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("matchPolicy");
    match &value["matchPolicy"] {
        Value::Null => errors.push(FieldError::required(&at, "")),
        policy if !matches!(text(policy), "Exact" | "Equivalent") => {
            errors.push(FieldError::not_supported(
                &at,
                policy,
                &["Equivalent", "Exact"],
            ));
        }
        _ => {}
    }
    for name in ["namespaceSelector", "objectSelector"] {
        let at = path.child(name);
        if value[name].is_null() {
            errors.push(FieldError::required(&at, ""));
        } else {
            selector(&value[name], &at, errors);
        }
    }
    for name in ["resourceRules", "excludeResourceRules"] {
        for (index, rule) in items(&value[name]).iter().enumerate() {
            named_rule(rule, &path.child(name).index(index), errors);
        }
    }
}

fn selector(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("matchLabels");
    for (key, label) in value["matchLabels"].as_object().into_iter().flatten() {
        for words in qualified_name_errors(key) {
            errors.push(FieldError::invalid(&at, &Value::from(key.as_str()), words));
        }
        for words in label_value_errors(text(label)) {
            errors.push(FieldError::invalid(&at, label, words));
        }
    }
    for (index, item) in items(&value["matchExpressions"]).iter().enumerate() {
        let list = path.child("matchExpressions");
        let path = list.index(index);
        let values = items(&item["values"]);
        match text(&item["operator"]) {
            "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
                &path.child("values"),
                "must be specified when `operator` is 'In' or 'NotIn'",
            )),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
                &path.child("values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.push(FieldError::invalid(
                &path.child("operator"),
                &Value::from(other),
                "not a valid selector operator",
            )),
        }
        for words in qualified_name_errors(text(&item["key"])) {
            let key = Value::from(text(&item["key"]));
            errors.push(FieldError::invalid(&path.child("key"), &key, words));
        }
        for (index, value) in values.iter().enumerate() {
            for words in label_value_errors(text(value)) {
                errors.push(FieldError::invalid(
                    &path.child("values").index(index),
                    value,
                    words,
                ));
            }
        }
    }
}

/// What keeps a name from being one segment of a path.
fn segment_errors(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    ['/', '%']
        .into_iter()
        .filter(|c| name.contains(*c))
        .map(|c| format!("may not contain '{c}'"))
        .collect()
}

fn named_rule(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let mut names = HashSet::new();
    for (index, name) in items(&value["resourceNames"]).iter().enumerate() {
        let list = path.child("resourceNames");
        let at = list.index(index);
        for words in segment_errors(text(name)) {
            errors.push(FieldError::invalid(&at, name, words));
        }
        if !names.insert(text(name)) {
            errors.push(FieldError::duplicate(&at, name));
        }
    }
    const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
    let at = path.child("operations");
    let operations = &value["operations"];
    listed(
        operations,
        &at,
        "if '*' is present, must not specify other operations",
        errors,
    );
    for (index, operation) in items(operations).iter().enumerate() {
        if !OPERATIONS.contains(&text(operation)) {
            errors.push(FieldError::not_supported(
                &at.index(index),
                operation,
                &OPERATIONS,
            ));
        }
    }
    let words = "if '*' is present, must not specify other API groups";
    listed(&value["apiGroups"], &path.child("apiGroups"), words, errors);
    let at = path.child("apiVersions");
    let versions = &value["apiVersions"];
    listed(
        versions,
        &at,
        "if '*' is present, must not specify other API versions",
        errors,
    );
    for (index, version) in items(versions).iter().enumerate() {
        if text(version).is_empty() {
            errors.push(FieldError::required(&at.index(index), ""));
        }
    }
    resources(&value["resources"], &path.child("resources"), errors);
    if let Some(scope) = value["scope"].as_str()
        && !matches!(scope, "*" | "Cluster" | "Namespaced")
    {
        let at = path.child("scope");
        let scopes = ["*", "Cluster", "Namespaced"];
        errors.push(FieldError::not_supported(&at, &value["scope"], &scopes));
    }
}

/// A list that must not be empty, and in which `*` stands alone.
fn listed(value: &Value, path: &Path<'_>, words: &str, errors: &mut Errors) {
    let list = items(value);
    if list.is_empty() {
        errors.push(FieldError::required(path, ""));
    }
    if list.len() > 1 && list.iter().any(|item| text(item) == "*") {
        errors.push(FieldError::invalid(path, value, words));
    }
}

fn resources(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let list = items(value);
    if list.is_empty() {
        errors.push(FieldError::required(path, ""));
    }
    let (mut whole, mut any_of) = (HashSet::new(), HashSet::new());
    let (mut double, mut single, mut plain) = (false, false, false);
    for (index, item) in list.iter().enumerate() {
        let at = path.index(index);
        let full = text(item);
        if full.is_empty() {
            errors.push(FieldError::required(&at, ""));
            continue;
        }
        double |= full == "*/*";
        single |= full == "*";
        let Some((name, sub)) = full.split_once('/') else {
            plain = full != "*";
            continue;
        };
        if whole.contains(name) {
            let words = format!("if '{name}/*' is present, must not specify {full}");
            errors.push(FieldError::invalid(&at, item, words));
        }
        if any_of.contains(sub) {
            let words = format!("if '*/{sub}' is present, must not specify {full}");
            errors.push(FieldError::invalid(&at, item, words));
        }
        if sub == "*" {
            whole.insert(name);
        }
        if name == "*" {
            any_of.insert(sub);
        }
    }
    if list.len() > 1 && double {
        let words = "if '*/*' is present, must not specify other resources";
        errors.push(FieldError::invalid(path, value, words));
    }
    if single && plain {
        let words = "if '*' is present, must not specify other resources without subresources";
        errors.push(FieldError::invalid(path, value, words));
    }
}

pub(super) fn binding(spec: &Value) -> Errors {
    let root = Path::ROOT;
    let path = root.child("spec");
    let mut errors = Vec::new();
    let at = path.child("policyName");
    let name = text(&spec["policyName"]);
    if name.is_empty() {
        errors.push(FieldError::required(&at, ""));
    } else {
        for words in dns1123_subdomain_errors(name) {
            errors.push(FieldError::invalid(&at, &spec["policyName"], words));
        }
    }
    if !spec["paramRef"].is_null() {
        param_ref(&spec["paramRef"], &path.child("paramRef"), &mut errors);
    }
    if !spec["matchResources"].is_null() {
        match_resources(
            &spec["matchResources"],
            &path.child("matchResources"),
            &mut errors,
        );
    }
    actions(
        &spec["validationActions"],
        &path.child("validationActions"),
        &mut errors,
    );
    errors
}

fn param_ref(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    const BOTH: &str = "name and selector are mutually exclusive";
    let name = text(&value["name"]);
    let has_selector = !value["selector"].is_null();
    if !name.is_empty() {
        let at = path.child("name");
        for words in segment_errors(name) {
            errors.push(FieldError::invalid(&at, &value["name"], words));
        }
        if has_selector {
            errors.push(FieldError::forbidden(&at, BOTH));
        }
    }
    if has_selector {
        let at = path.child("selector");
        selector(&value["selector"], &at, errors);
        if !name.is_empty() {
            errors.push(FieldError::forbidden(&at, BOTH));
        }
    } else if name.is_empty() {
        errors.push(FieldError::required(
            path,
            "one of name or selector must be specified",
        ));
    }
    let at = path.child("parameterNotFoundAction");
    match text(&value["parameterNotFoundAction"]) {
        "" => errors.push(FieldError::required(&at, "")),
        "Deny" | "Allow" => {}
        other => errors.push(FieldError {
            // Not in order there.
            detail: "supported values: \"Deny\", \"Allow\"".to_owned(),
            ..FieldError::not_supported(&at, &Value::from(other), &[])
        }),
    }
}

fn actions(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];
    let mut seen = HashSet::new();
    for (index, action) in items(value).iter().enumerate() {
        let at = path.index(index);
        if !ACTIONS.contains(&text(action)) {
            errors.push(FieldError::not_supported(&at, action, &ACTIONS));
        }
        if !seen.insert(text(action)) {
            errors.push(FieldError::duplicate(&at, action));
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        let words = "must not contain both Deny and Warn (repeating the same validation failure information in the \
                     API response and headers serves no purpose)";
        errors.push(FieldError::invalid(path, value, words));
    }
    if seen.is_empty() {
        errors.push(FieldError::required(
            path,
            "at least one validation action is required",
        ));
    }
}
