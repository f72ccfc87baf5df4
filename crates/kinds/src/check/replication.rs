//! Checks of ReplicationController.

use super::{
    Errors, meta_update, pod,
    words::declared_not_negative,
    workload::{Counts, OTHER_LABELS, counts, lasting},
};
use crate::view::map;
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

/// Parts of an object that an older version of the API has no place for.
const NOT_CONVERTIBLE: &str = "non-convertible.kubernetes.io";

pub(crate) fn controller(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    declared_not_negative(spec, "replicas", &path, errors);
    declared_not_negative(spec, "minReadySeconds", &path, errors);
    let selector = map(&spec["selector"]);
    if selector.is_empty() {
        errors.push(FieldError::required(&path.child("selector"), ""));
    }
    let (template, at) = (&spec["template"], path.child("template"));
    if template.is_null() {
        errors.push(FieldError::required(&at, ""));
        return;
    }
    let labels = &template["metadata"]["labels"];
    let mut wanted = selector.iter();
    if !wanted.all(|(key, value)| map(labels).get(key) == Some(value)) {
        let meta = at.child("metadata");
        errors.push(FieldError::invalid(
            &meta.child("labels"),
            labels,
            OTHER_LABELS,
        ));
    }
    pod::template(template, &at, errors);
    lasting(spec, "ReplicationController", &path, errors);
}

pub(crate) fn update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    controller(new, errors);
    let annotations = map(&old["metadata"]["annotations"]).iter();
    for (key, value) in annotations.filter(|(key, _)| key.starts_with(NOT_CONVERTIBLE)) {
        let [_, field] = key.split('/').collect::<Vec<_>>()[..] else {
            continue;
        };
        if !field.contains("selector") {
            let mut error = FieldError::not_found(&Path::ROOT.child(field), value);
            error.detail = "unknown non-convertible field".to_owned();
            errors.push(error);
        } else if new["spec"]["selector"] != old["spec"]["selector"] {
            let spec = Path::ROOT.child("spec");
            errors.push(FieldError::invalid(
                &spec.child("selector"),
                &new["spec"]["selector"],
                "cannot update non-convertible selector",
            ));
        }
    }
}

const COUNTS: Counts = Counts {
    names: &[
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
    ],
    at_most: &[
        ("fullyLabeledReplicas", "replicas", "status.replicas"),
        ("readyReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "readyReplicas", "readyReplicas"),
    ],
};

pub(crate) fn part(new: &Value, old: &Value, _: &str, errors: &mut Errors) {
    meta_update(new, old, errors);
    counts(new, old, &COUNTS, errors);
}
