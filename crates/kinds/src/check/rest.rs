//! Checks of the small groups' kinds.

use super::{
    Errors, meta_create, meta_update,
    words::{
        at_most_100_percent, declared_immutable, declared_required, form, immutable,
        int_or_percent, one_of, required,
    },
};
use crate::{
    internal,
    meta::{
        dns1123_subdomain_errors, name_is_path_segment, name_is_subdomain, qualified_name_errors,
        validate_label_selector,
    },
    view::{int, list, map, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

pub(crate) fn lease(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let mut at_least = |name: &str, least: i64, why: &str| {
        if spec[name].as_i64().is_some_and(|number| number < least) {
            errors.push(FieldError::invalid(&path.child(name), &spec[name], why));
        }
    };
    at_least("leaseDurationSeconds", 1, "must be greater than 0");
    at_least("leaseTransitions", 0, "must be greater than or equal to 0");
    let strategy = text(spec, "strategy");
    if !text(spec, "preferredHolder").is_empty() && strategy.is_empty() {
        let why = "may only be specified if `strategy` is defined";
        errors.push(FieldError::forbidden(&path.child("preferredHolder"), why));
    }
}

pub(crate) fn disruption_budget(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let names = ["minAvailable", "maxUnavailable"];
    if names.iter().all(|name| !spec[*name].is_null()) {
        let why = "minAvailable and maxUnavailable cannot be both set";
        let mut error = FieldError::invalid(&path, &Value::Null, why);
        error.bad_value = internal::shown("@policy.PodDisruptionBudgetSpec", spec);
        errors.push(error);
    }
    for name in names.into_iter().filter(|name| !spec[*name].is_null()) {
        int_or_percent(&spec[name], &path.child(name), errors);
        at_most_100_percent(&spec[name], &path.child(name), errors);
    }
    errors.extend(validate_label_selector(
        &spec["selector"],
        false,
        &path.child("selector"),
    ));
    if !spec["unhealthyPodEvictionPolicy"].is_null() {
        one_of(
            spec,
            "unhealthyPodEvictionPolicy",
            &["AlwaysAllow", "IfHealthyBudget"],
            &path,
            errors,
        );
    }
}

const SYSTEM_CLASSES: &[(&str, i64)] = &[
    ("system-node-critical", 2_000_001_000),
    ("system-cluster-critical", 2_000_000_000),
];

pub(crate) fn priority_class(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let (name, value) = (text(&object["metadata"], "name"), int(object, "value"));
    if name.starts_with("system-") {
        let known = SYSTEM_CLASSES.iter().find(|(known, _)| *known == name);
        let why = match known {
            None => Some(format!("{name} is not a known system priority class")),
            Some((_, wanted)) if *wanted != value => {
                Some(format!("value of {name} PriorityClass must be {wanted}"))
            }
            Some(_) if object["globalDefault"] == true => Some(format!(
                "globalDefault of {name} PriorityClass must be false"
            )),
            Some(_) => None,
        };
        if let Some(why) = why {
            let meta = root.child("metadata");
            let words = "priority class names with 'system-' prefix are reserved for system use only. error: ";
            errors.push(FieldError::forbidden(
                &meta.child("name"),
                format!("{words}{why}"),
            ));
        }
    } else if value > 1_000_000_000 {
        let why = "maximum allowed value of a user defined priority is 1000000000";
        errors.push(FieldError::forbidden(&root.child("value"), why));
    }
    if !object["preemptionPolicy"].is_null() {
        super::words::missing_or_one_of(
            object,
            "preemptionPolicy",
            &["PreemptLowerPriority", "Never"],
            &root,
            errors,
        );
    }
}

pub(crate) fn priority_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    let root = Path::ROOT;
    if int(new, "value") != int(old, "value") {
        errors.push(FieldError::forbidden(
            &root.child("value"),
            "may not be changed in an update.",
        ));
    }
    immutable(new, old, "preemptionPolicy", &root, errors);
}

pub(crate) fn storage_class(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    if declared_required(object, "provisioner", &root, errors) {
        let provisioner = text(object, "provisioner").to_lowercase();
        form(
            &provisioner,
            qualified_name_errors,
            &root.child("provisioner"),
            errors,
        );
    }
    if map(&object["parameters"]).contains_key("") {
        errors.push(FieldError::invalid(
            &root.child("parameters"),
            &"".into(),
            "field can not be empty.",
        ));
    }
    for (name, supported) in [
        ("reclaimPolicy", &["Delete", "Retain"][..]),
        ("volumeBindingMode", &["Immediate", "WaitForFirstConsumer"]),
    ] {
        let empty = if name == "volumeBindingMode" {
            object[name].is_null()
        } else {
            text(object, name).is_empty()
        };
        if !empty {
            one_of(object, name, supported, &root, errors);
        }
    }
    topologies(object, errors);
}

/// Where volumes may be.
fn topologies(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("allowedTopologies");
    let terms = list(&object["allowedTopologies"]);
    let mut before: Vec<std::collections::BTreeMap<&str, Vec<&str>>> = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        let at = path.index(index);
        let at = at.child("matchLabelExpressions");
        let mut chosen = std::collections::BTreeMap::new();
        for (index, one) in list(&term["matchLabelExpressions"]).iter().enumerate() {
            let at = at.index(index);
            let here = at.child("values");
            let mut values: Vec<&str> = Vec::new();
            if list(&one["values"]).is_empty() {
                errors.push(FieldError::required(&here, ""));
            }
            for (index, value) in list(&one["values"]).iter().enumerate() {
                let value = value.as_str().unwrap_or_default();
                if values.contains(&value) {
                    errors.push(FieldError::duplicate(&here.index(index), &value.into()));
                } else {
                    values.push(value);
                }
            }
            values.sort_unstable();
            let key = text(one, "key");
            form(key, qualified_name_errors, &at.child("key"), errors);
            if chosen.insert(key, values).is_some() {
                errors.push(FieldError::duplicate(&at.child("key"), &key.into()));
            }
        }
        // The real server keeps room for as many terms as there are, and takes the empty places for terms.
        let empty = if chosen.is_empty() { terms.len() } else { 0 };
        for _ in 0..empty + before.iter().filter(|it| **it == chosen).count() {
            errors.push(FieldError::duplicate(&at, &"".into()));
        }
        before.push(chosen);
    }
}

pub(crate) fn storage_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    storage_class(new, errors);
    meta_update(new, old, errors);
    for name in [
        "provisioner",
        "parameters",
        "reclaimPolicy",
        "volumeBindingMode",
    ] {
        declared_immutable(new, old, name, &Path::ROOT, errors);
    }
}

pub(crate) fn policy_binding(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    if declared_required(spec, "policyName", &path, errors) {
        form(
            text(spec, "policyName"),
            dns1123_subdomain_errors,
            &path.child("policyName"),
            errors,
        );
    }
    param_ref(&spec["paramRef"], &path.child("paramRef"), errors);
    let at = path.child("validationActions");
    let actions = list(&spec["validationActions"]);
    if actions.is_empty() {
        errors.declare(FieldError::required(&at, ""));
    }
    for (index, action) in actions.iter().enumerate() {
        if !["Audit", "Deny", "Warn"].contains(&action.as_str().unwrap_or_default()) {
            errors.push(super::words::unsupported(
                &at.index(index),
                action,
                &["Audit", "Deny", "Warn"],
            ));
        }
        if actions[..index].contains(action) {
            errors.push(FieldError::duplicate(&at.index(index), action));
        }
    }
    if actions.contains(&"Deny".into()) && actions.contains(&"Warn".into()) {
        let why = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        errors.push(FieldError::invalid(&at, &spec["validationActions"], why));
    }
}

fn param_ref(reference: &Value, path: &Path<'_>, errors: &mut Errors) {
    if reference.is_null() {
        return;
    }
    let (name, selector) = (text(reference, "name"), &reference["selector"]);
    let exclusive = "name and selector are mutually exclusive";
    let found = name_is_path_segment(name, false).into_iter();
    errors.extend(found.map(|why| FieldError::invalid(&path.child("name"), &name.into(), why)));
    if !name.is_empty() && !selector.is_null() {
        errors.push(FieldError::forbidden(&path.child("name"), exclusive));
    }
    if !selector.is_null() {
        errors.extend(validate_label_selector(
            selector,
            false,
            &path.child("selector"),
        ));
        if !name.is_empty() {
            errors.push(FieldError::forbidden(&path.child("selector"), exclusive));
        }
    }
    if name.is_empty() && selector.is_null() {
        errors.push(FieldError::required(
            path,
            "one of name or selector must be specified",
        ));
    }
    if required(reference, "parameterNotFoundAction", path, errors) {
        one_of(
            reference,
            "parameterNotFoundAction",
            &["Deny", "Allow"],
            path,
            errors,
        );
    }
}

pub(crate) fn policy_binding_update(new: &Value, _: &Value, errors: &mut Errors) {
    meta_create(new, false, name_is_subdomain, errors);
    policy_binding(new, errors);
}
