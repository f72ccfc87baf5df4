//! Checks of Deployment, ReplicaSet and DaemonSet.

use super::{
    Errors, meta_update, pod,
    words::{IMMUTABLE, amount, at_most_100_percent, int_or_percent, not_negative},
};
use crate::{
    internal,
    meta::validate_label_selector,
    view::{int, list, map, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

pub(crate) const OTHER_LABELS: &str = "`selector` does not match template `labels`";

/// Whether a selector matches labels.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let labels = map(labels);
    let equal = map(&selector["matchLabels"])
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value));
    equal
        && list(&selector["matchExpressions"])
            .iter()
            .all(|expression| {
                let found = labels.get(text(expression, "key"));
                let among = found.is_some_and(|value| list(&expression["values"]).contains(value));
                match text(expression, "operator") {
                    "In" => among,
                    "NotIn" => !among,
                    "Exists" => found.is_some(),
                    _ => found.is_none(),
                }
            })
}

/// A selector as Go writes it.
pub(crate) fn shown_selector(selector: &Value) -> String {
    let parts = ["matchLabels", "matchExpressions"]
        .into_iter()
        .filter(|name| !selector[*name].is_null());
    let parts: Vec<String> = parts
        .map(|name| format!("\"{name}\":{}", selector[name]))
        .collect();
    format!("{{{}}}", parts.join(","))
}

pub(crate) fn selector_error(selector: &Value, path: &Path<'_>, why: &str) -> FieldError {
    let mut error = FieldError::invalid(path, &Value::Null, why);
    if !selector.is_null() {
        error.bad_value = shown_selector(selector);
    }
    error
}

pub(crate) fn selector(spec: &Value, kind: &str, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("selector");
    let selector = &spec["selector"];
    if selector.is_null() {
        errors.push(FieldError::required(&at, ""));
        return;
    }
    errors.extend(validate_label_selector(selector, false, &at));
    if is_empty(selector) {
        errors.push(selector_error(
            selector,
            &at,
            &format!("empty selector is invalid for {kind}"),
        ));
    }
}

pub(crate) fn is_empty(selector: &Value) -> bool {
    map(&selector["matchLabels"]).is_empty() && list(&selector["matchExpressions"]).is_empty()
}

/// Whether a selector can be used at all.
pub(crate) fn is_usable(selector: &Value) -> bool {
    let operators = ["In", "NotIn", "Exists", "DoesNotExist"];
    validate_label_selector(selector, true, &Path::ROOT).is_empty()
        && list(&selector["matchExpressions"])
            .iter()
            .all(|one| operators.contains(&text(one, "operator")))
}

pub(crate) fn selector_stays(new: &Value, old: &Value, errors: &mut Errors) {
    let spec = Path::ROOT.child("spec");
    if new["spec"]["selector"] != old["spec"]["selector"] {
        errors.push(selector_error(
            &new["spec"]["selector"],
            &spec.child("selector"),
            IMMUTABLE,
        ));
    }
}

pub(crate) fn labels_match(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let labels = &spec["template"]["metadata"]["labels"];
    if spec["selector"].is_null() || !selects(&spec["selector"], labels) {
        let template = path.child("template");
        let meta = template.child("metadata");
        errors.push(FieldError::invalid(
            &meta.child("labels"),
            labels,
            OTHER_LABELS,
        ));
    }
}

/// A template whose pods run on until they are deleted.
pub(crate) fn lasting(spec: &Value, kind: &str, path: &Path<'_>, errors: &mut Errors) {
    let template = path.child("template");
    let inner = template.child("spec");
    let pod = &spec["template"]["spec"];
    if text(pod, "restartPolicy") != "Always" {
        let at = inner.child("restartPolicy");
        errors.push(super::words::unsupported(
            &at,
            &pod["restartPolicy"],
            &["Always"],
        ));
    }
    if !pod["activeDeadlineSeconds"].is_null() {
        let why = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.push(FieldError::forbidden(
            &inner.child("activeDeadlineSeconds"),
            why,
        ));
    }
}

fn selected_template(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let selector = &spec["selector"];
    if !is_usable(selector) {
        errors.push(selector_error(
            selector,
            &path.child("selector"),
            "invalid label selector",
        ));
        return;
    }
    if selector.is_null() || !is_empty(selector) {
        labels_match(spec, path, errors);
    }
    pod::template(&spec["template"], &path.child("template"), errors);
    lasting(spec, "ReplicaSet", path, errors);
}

pub(crate) fn deployment(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    not_negative(spec, "replicas", &path, errors);
    selector(spec, "deployment", &path, errors);
    selected_template(spec, &path, errors);
    strategy(&spec["strategy"], &path.child("strategy"), errors);
    for name in [
        "minReadySeconds",
        "revisionHistoryLimit",
        "progressDeadlineSeconds",
    ] {
        not_negative(spec, name, &path, errors);
    }
    let deadline = &spec["progressDeadlineSeconds"];
    if deadline
        .as_i64()
        .is_some_and(|seconds| seconds <= int(spec, "minReadySeconds"))
    {
        let why = "must be greater than minReadySeconds";
        errors.push(FieldError::invalid(
            &path.child("progressDeadlineSeconds"),
            deadline,
            why,
        ));
    }
}

fn strategy(strategy: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rolling = &strategy["rollingUpdate"];
    let at = path.child("rollingUpdate");
    match text(strategy, "type") {
        "Recreate" if !rolling.is_null() => {
            let why = "may not be specified when strategy `type` is 'Recreate'";
            errors.push(FieldError::forbidden(&at, why));
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let (unavailable, surge) = (&rolling["maxUnavailable"], &rolling["maxSurge"]);
            int_or_percent(unavailable, &at.child("maxUnavailable"), errors);
            int_or_percent(surge, &at.child("maxSurge"), errors);
            if amount(unavailable) == 0 && amount(surge) == 0 {
                let why = "may not be 0 when `maxSurge` is 0";
                errors.push(FieldError::invalid(
                    &at.child("maxUnavailable"),
                    unavailable,
                    why,
                ));
            }
            at_most_100_percent(unavailable, &at.child("maxUnavailable"), errors);
        }
        _ => errors.push(unknown_strategy(
            strategy,
            path,
            &["Recreate", "RollingUpdate"],
        )),
    }
}

/// The strategy as the server's own type writes it.
fn unknown_strategy(strategy: &Value, path: &Path<'_>, known: &[&str]) -> FieldError {
    FieldError {
        bad_value: internal::shown("@apps.DeploymentStrategy", strategy),
        ..super::words::unsupported(path, &Value::Null, known)
    }
}

pub(crate) fn deployment_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    deployment(new, errors);
    selector_stays(new, old, errors);
}

/// Counts in a status: none is negative, and some aren't more than others.
pub(crate) struct Counts {
    pub(crate) names: &'static [&'static str],
    /// The first is at most the second; how the second is called.
    pub(crate) at_most: &'static [(&'static str, &'static str, &'static str)],
}

pub(crate) fn counts(new: &Value, old: &Value, counts: &Counts, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("status");
    let status = &new["status"];
    for name in counts.names {
        not_negative(status, name, &path, errors);
    }
    for (less, more, word) in counts.at_most {
        if int(status, less) > int(status, more) {
            let why = format!("cannot be greater than {word}");
            errors.push(FieldError::invalid(
                &path.child(less),
                &int(status, less).into(),
                why,
            ));
        }
    }
    let collisions = int(status, "collisionCount");
    if collisions < int(&old["status"], "collisionCount") {
        errors.push(FieldError::invalid(
            &path.child("collisionCount"),
            &collisions.into(),
            "cannot be decremented",
        ));
    }
}

const DEPLOYMENT: Counts = Counts {
    names: &[
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
        "collisionCount",
    ],
    at_most: &[
        ("updatedReplicas", "replicas", "status.replicas"),
        ("readyReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "readyReplicas", "readyReplicas"),
    ],
};

pub(crate) fn deployment_part(new: &Value, old: &Value, subresource: &str, errors: &mut Errors) {
    if subresource != "status" {
        return deployment_update(new, old, errors);
    }
    meta_update(new, old, errors);
    counts(new, old, &DEPLOYMENT, errors);
}

pub(crate) fn replica_set(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    not_negative(spec, "replicas", &path, errors);
    not_negative(spec, "minReadySeconds", &path, errors);
    selector(spec, "deployment", &path, errors);
    selected_template(spec, &path, errors);
}

pub(crate) fn replica_set_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    replica_set(new, errors);
    selector_stays(new, old, errors);
}

const REPLICA_SET: Counts = Counts {
    names: &[
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
        "terminatingReplicas",
    ],
    at_most: &[
        ("fullyLabeledReplicas", "replicas", "status.replicas"),
        ("readyReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "readyReplicas", "readyReplicas"),
    ],
};

pub(crate) fn replica_set_part(new: &Value, old: &Value, subresource: &str, errors: &mut Errors) {
    if subresource != "status" {
        return replica_set_update(new, old, errors);
    }
    meta_update(new, old, errors);
    counts(new, old, &REPLICA_SET, errors);
}

pub(crate) fn daemon_set(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let selector = &spec["selector"];
    errors.extend(validate_label_selector(
        selector,
        false,
        &path.child("selector"),
    ));
    if selector.is_null()
        || (is_usable(selector) && !selects(selector, &spec["template"]["metadata"]["labels"]))
    {
        let labels = &spec["template"]["metadata"]["labels"];
        let template = path.child("template");
        let meta = template.child("metadata");
        errors.push(FieldError::invalid(
            &meta.child("labels"),
            labels,
            OTHER_LABELS,
        ));
    }
    if !selector.is_null() && is_empty(selector) {
        errors.push(selector_error(
            selector,
            &path.child("selector"),
            "empty selector is invalid for daemonset",
        ));
    }
    pod::template(&spec["template"], &path.child("template"), errors);
    lasting(spec, "DaemonSet", &path, errors);
    not_negative(spec, "minReadySeconds", &path, errors);
    daemon_strategy(
        &spec["updateStrategy"],
        &path.child("updateStrategy"),
        errors,
    );
    not_negative(spec, "revisionHistoryLimit", &path, errors);
}

fn daemon_strategy(strategy: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rolling = &strategy["rollingUpdate"];
    let at = path.child("rollingUpdate");
    match text(strategy, "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let (unavailable, surge) = (&rolling["maxUnavailable"], &rolling["maxSurge"]);
            let (less, more) = (at.child("maxUnavailable"), at.child("maxSurge"));
            int_or_percent(unavailable, &less, errors);
            int_or_percent(surge, &more, errors);
            at_most_100_percent(unavailable, &less, errors);
            at_most_100_percent(surge, &more, errors);
            match (amount(unavailable) != 0, amount(surge) != 0) {
                (true, true) => {
                    let why = "may not be set when maxUnavailable is non-zero";
                    errors.push(FieldError::invalid(&more, surge, why));
                }
                (false, false) => errors.push(FieldError::required(
                    &less,
                    "cannot be 0 when maxSurge is 0",
                )),
                _ => {}
            }
        }
        _ => errors.push(unknown_strategy(
            strategy,
            path,
            &["RollingUpdate", "OnDelete"],
        )),
    }
}

pub(crate) fn daemon_set_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    selector_stays(new, old, errors);
    daemon_set(new, errors);
}

const DAEMON_SET: Counts = Counts {
    names: &[
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "observedGeneration",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "collisionCount",
    ],
    at_most: &[],
};

pub(crate) fn daemon_set_part(new: &Value, old: &Value, _: &str, errors: &mut Errors) {
    meta_update(new, old, errors);
    counts(new, old, &DAEMON_SET, errors);
}
