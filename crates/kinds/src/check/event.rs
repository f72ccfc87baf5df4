//! Checks of events: what the older group always asked for, and what the newer asks for beside it.

use super::{Errors, meta_create, meta_update, words::form};
use crate::{
    internal,
    meta::{name_is_subdomain, qualified_name_errors},
    view::{int, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

pub(crate) fn core(object: &Value, errors: &mut Errors) {
    legacy(
        object,
        "involvedObject",
        "reportingComponent",
        "message",
        errors,
    );
}

pub(crate) fn core_update(new: &Value, _: &Value, errors: &mut Errors) {
    core(new, errors);
}

/// `fields` are the names in the object; the paths that errors name are always those of the core group.
fn legacy(object: &Value, involved: &str, component: &str, message: &str, errors: &mut Errors) {
    let root = Path::ROOT;
    let at = root.child("involvedObject");
    let (namespace, target) = (
        text(&object["metadata"], "namespace"),
        text(&object[involved], "namespace"),
    );
    let other = FieldError::invalid(
        &at.child("namespace"),
        &target.into(),
        "does not match event.namespace",
    );
    if object["eventTime"].is_null() {
        let fits = if target.is_empty() {
            matches!(namespace, "" | "default")
        } else {
            namespace == target
        };
        errors.extend((!fits).then_some(other));
        return;
    }
    if target.is_empty() && !matches!(namespace, "default" | "kube-system") {
        errors.push(other);
    }
    if text(object, component).is_empty() {
        errors.push(FieldError::required(&root.child(component), ""));
    }
    form(
        text(object, component),
        qualified_name_errors,
        &root.child(component),
        errors,
    );
    let mut bounded = |name: &str, shown: &str, needed: bool, limit: usize| {
        let length = text(object, name).len();
        if needed && length == 0 {
            errors.push(FieldError::required(&root.child(shown), ""));
        }
        if length > limit {
            let why = format!("can have at most {limit} characters");
            errors.push(FieldError::invalid(&root.child(shown), &"".into(), why));
        }
    };
    bounded("reportingInstance", "reportingInstance", true, 128);
    bounded("action", "action", true, 128);
    bounded("reason", "reason", true, 128);
    bounded(message, "message", false, 1024);
}

fn series(object: &Value, errors: &mut Errors) {
    let series = &object["series"];
    if series.is_null() {
        return;
    }
    let root = Path::ROOT;
    if int(series, "count") < 2 {
        errors.push(FieldError::invalid(
            &root.child("series.count"),
            &"".into(),
            "should be at least 2",
        ));
    }
    if series["lastObservedTime"].is_null() {
        errors.push(FieldError::required(
            &root.child("series.lastObservedTime"),
            "",
        ));
    }
}

pub(crate) fn events(object: &Value, errors: &mut Errors) {
    legacy(object, "regarding", "reportingController", "note", errors);
    meta_create(object, true, name_is_subdomain, errors);
    series(object, errors);
    let root = Path::ROOT;
    if object["eventTime"].is_null() {
        errors.push(FieldError::required(&root.child("eventTime"), ""));
    }
    let mut invalid = |name: &str, why: String| {
        errors.push(FieldError::invalid(&root.child(name), &"".into(), why))
    };
    let kind = text(object, "type");
    if !matches!(kind, "Normal" | "Warning") {
        invalid("type", format!("has invalid value: {kind}"));
    }
    let source = &object["deprecatedSource"];
    let unset = [
        (
            "firstTimestamp",
            object["deprecatedFirstTimestamp"].is_null(),
        ),
        ("lastTimestamp", object["deprecatedLastTimestamp"].is_null()),
        ("count", int(object, "deprecatedCount") == 0),
        (
            "source",
            text(source, "component").is_empty() && text(source, "host").is_empty(),
        ),
    ];
    for (name, _) in unset.into_iter().filter(|(_, unset)| !unset) {
        invalid(name, "needs to be unset".to_owned());
    }
}

/// The fields of the newer group that never change, with the names that errors have for them.
const STAYS: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("reason", "reason"),
    ("note", "message"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
    ("reason", "reason"),
    ("type", "type"),
    ("eventTime", "eventTime"),
    ("action", "action"),
    ("related", "related"),
    ("reportingController", "reportingController"),
    ("reportingInstance", "reportingInstance"),
];

pub(crate) fn events_update(new: &Value, old: &Value, errors: &mut Errors) {
    legacy(new, "regarding", "reportingController", "note", errors);
    meta_update(new, old, errors);
    if new["series"] != old["series"] {
        series(new, errors);
    }
    for (name, shown) in STAYS.iter().filter(|(name, _)| new[*name] != old[*name]) {
        let value = if new[*name].is_null() && old[*name].is_string() {
            &"".into()
        } else {
            &new[*name]
        };
        let mut error =
            FieldError::invalid(&Path::ROOT.child(shown), value, super::words::IMMUTABLE);
        match *name {
            "regarding" => error.bad_value = internal::shown("@core.ObjectReference", value),
            "related" => error.bad_value = internal::shown("*@core.ObjectReference", value),
            _ => {}
        }
        errors.push(error);
    }
}
