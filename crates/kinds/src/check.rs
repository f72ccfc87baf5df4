//! What is wrong with objects, in Kubernetes' words and order.

pub(crate) mod autoscaler;
pub(crate) mod config;
pub(crate) mod container;
pub(crate) mod endpoints;
pub(crate) mod event;
pub(crate) mod ingress;
pub(crate) mod job;
pub(crate) mod namespace;
pub(crate) mod net;
pub(crate) mod node;
pub(crate) mod pod;
pub(crate) mod rbac;
pub(crate) mod rest;
pub(crate) mod review;
pub(crate) mod schedule;
pub(crate) mod service;
pub(crate) mod stateful;
pub(crate) mod volume;
pub(crate) mod words;
pub(crate) mod workload;

use crate::meta::{NameCheck, validate_object_meta, validate_object_meta_update};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

/// What is found is added here.
pub(crate) type Errors = Vec<FieldError>;

/// The metadata of a new object.
pub(crate) fn meta_create(object: &Value, namespaced: bool, name: NameCheck, errors: &mut Errors) {
    errors.extend(validate_object_meta(
        &object["metadata"],
        namespaced,
        name,
        &Path::ROOT.child("metadata"),
    ));
}

/// The metadata of an update.
pub(crate) fn meta_update(new: &Value, old: &Value, errors: &mut Errors) {
    errors.extend(validate_object_meta_update(
        &new["metadata"],
        &old["metadata"],
        &Path::ROOT.child("metadata"),
    ));
}

/// The metadata of an update, then the object as a new one but for its metadata: what most kinds ask for.
pub(crate) fn updated(
    new: &Value,
    old: &Value,
    check: fn(&Value, &mut Errors),
    errors: &mut Errors,
) {
    meta_update(new, old, errors);
    check(new, errors);
}
