//! Checks of ResourceQuota.

use super::{
    Errors, meta_update,
    node::quantity,
    words::{IMMUTABLE, form},
};
use crate::{
    internal,
    meta::qualified_name_errors,
    view::{list, map, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

/// What quotas count, beside what is bounded by requests and limits, and objects of any kind.
const COUNTED: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
];

fn quota_name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    let before = errors.len();
    form(name, qualified_name_errors, path, errors);
    if name.contains('/') || is_huge(name) || COUNTED.contains(&name) {
        return;
    }
    if errors.len() == before && name != "storage" {
        let why = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path, &name.into(), why));
    }
    errors.push(FieldError::invalid(
        path,
        &name.into(),
        "must be a standard resource for quota",
    ));
}

/// The scopes, and which of the standard resources each counts.
const SCOPES: &[(&str, &[&str])] = &[
    ("BestEffort", &["pods"]),
    ("CrossNamespacePodAffinity", OF_PODS),
    ("NotBestEffort", OF_PODS),
    ("NotTerminating", OF_PODS),
    ("PriorityClass", OF_PODS),
    ("Terminating", OF_PODS),
    (
        "VolumeAttributesClass",
        &["persistentvolumeclaims", "requests.storage"],
    ),
];
const OF_PODS: &[&str] = &[
    "pods",
    "cpu",
    "memory",
    "limits.cpu",
    "limits.memory",
    "requests.cpu",
    "requests.memory",
];
/// Scopes that leave nothing over together.
const CONFLICTING: &[[&str; 2]] = &[
    ["BestEffort", "NotBestEffort"],
    ["Terminating", "NotTerminating"],
];

pub(crate) fn quota(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    amounts(spec, "hard", &path, errors);
    scopes(spec, &path.child("scopes"), errors);
    if !spec["scopeSelector"].is_null() {
        let at = path.child("scopeSelector");
        selector(spec, &at.child("matchExpressions"), errors);
    }
}

fn amounts(part: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child(name);
    for (name, amount) in map(&part[name]) {
        quota_name(name, &at.key(name), errors);
        quantity(name, amount, &at.key(name), errors);
    }
}

fn is_huge(name: &str) -> bool {
    name.starts_with("hugepages-") || name.starts_with("requests.hugepages-")
}

/// How many of the bounded resources a scope does not count.
fn beside_scope(spec: &Value, scope: &str) -> usize {
    let Some((_, counted)) = SCOPES.iter().find(|(known, _)| *known == scope) else {
        return 0;
    };
    let standard = |name: &&String| COUNTED.contains(&name.as_str()) || is_huge(name);
    map(&spec["hard"])
        .keys()
        .filter(standard)
        .filter(|name| !counted.contains(&name.as_str()))
        .count()
}

fn scopes(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let value = &spec["scopes"];
    let scopes = list(value);
    let mut invalid = |why: &str| errors.push(FieldError::invalid(path, value, why));
    for scope in scopes {
        let scope = scope.as_str().unwrap_or_default();
        if !SCOPES.iter().any(|(known, _)| *known == scope) {
            invalid("unsupported scope");
        }
        for _ in 0..beside_scope(spec, scope) {
            invalid("unsupported scope applied to resource");
        }
    }
    for pair in CONFLICTING {
        if pair.iter().all(|scope| scopes.iter().any(|it| it == scope)) {
            invalid("conflicting scopes");
        }
    }
}

fn selector(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    const LONE: &str = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    let expressions = list(&spec["scopeSelector"]["matchExpressions"]);
    for one in expressions {
        let scope = text(one, "scopeName");
        let operator = text(one, "operator");
        if !SCOPES.iter().any(|(known, _)| *known == scope) {
            let at = path.child("scopeName");
            errors.push(FieldError::invalid(&at, &scope.into(), "unsupported scope"));
        }
        for _ in 0..beside_scope(spec, scope) {
            let why = "unsupported scope applied to resource";
            errors.push(FieldError {
                bad_value: internal::shown("@core.ScopeSelector", &spec["scopeSelector"]),
                ..FieldError::invalid(path, &Value::Null, why)
            });
        }
        let at = path.child("operator");
        let lone = !matches!(scope, "PriorityClass" | "VolumeAttributesClass");
        if lone && SCOPES.iter().any(|(known, _)| *known == scope) && operator != "Exists" {
            errors.push(FieldError::invalid(&at, &operator.into(), LONE));
        }
        let values = path.child("values");
        match (operator, list(&one["values"]).is_empty()) {
            ("In" | "NotIn", true) => {
                let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.push(FieldError::required(&values, why));
            }
            ("Exists" | "DoesNotExist", false) => {
                let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.push(FieldError::invalid(&values, &one["values"], why));
            }
            ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => {}
            _ => {
                let why = "not a valid selector operator";
                errors.push(FieldError::invalid(&at, &operator.into(), why));
            }
        }
    }
    let has = |scope: &str| {
        expressions
            .iter()
            .any(|one| text(one, "scopeName") == scope)
    };
    for pair in CONFLICTING {
        if pair.iter().all(|scope| has(scope)) {
            errors.push(FieldError::invalid(
                path,
                &spec["scopes"],
                "conflicting scopes",
            ));
        }
    }
}

pub(crate) fn update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    quota(new, errors);
    let (now, was) = (&new["spec"]["scopes"], &old["spec"]["scopes"]);
    let within = |some: &Value, all: &Value| list(some).iter().all(|it| list(all).contains(it));
    if !(within(now, was) && within(was, now)) {
        let spec = Path::ROOT;
        let spec = spec.child("spec");
        errors.push(FieldError::invalid(&spec.child("scopes"), now, IMMUTABLE));
    }
}

/// The status, written to its subresource.
pub(crate) fn part(new: &Value, old: &Value, _: &str, errors: &mut Errors) {
    meta_update(new, old, errors);
    let path = Path::ROOT;
    let path = path.child("status");
    amounts(&new["status"], "hard", &path, errors);
    amounts(&new["status"], "used", &path, errors);
}
