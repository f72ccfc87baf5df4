//! What is wrong with objects, in Kubernetes' words and order.

pub(crate) mod address;
pub(crate) mod amounts;
pub(crate) mod autoscaler;
pub(crate) mod certificate;
pub(crate) mod config;
pub(crate) mod container;
pub(crate) mod container_parts;
pub(crate) mod dns;
pub(crate) mod endpoints;
pub(crate) mod event;
pub(crate) mod ingress;
pub(crate) mod job;
pub(crate) mod job_policy;
pub(crate) mod namespace;
pub(crate) mod net;
pub(crate) mod network_policy;
pub(crate) mod node;
pub(crate) mod node_selector;
pub(crate) mod persistent_volume;
pub(crate) mod pod;
pub(crate) mod pod_update;
pub(crate) mod quota;
pub(crate) mod rbac;
pub(crate) mod replication;
pub(crate) mod rest;
pub(crate) mod review;
pub(crate) mod scaling;
pub(crate) mod schedule;
pub(crate) mod service;
pub(crate) mod stateful;
pub(crate) mod volume;
pub(crate) mod volume_source;
pub(crate) mod warnings;
pub(crate) mod words;
pub(crate) mod workload;

use crate::{
    meta::{NameCheck, validate_object_meta, validate_object_meta_update},
    view::list,
};
use serde_json::Value;
use std::ops::{Deref, DerefMut};
use tidegate_schema::{FieldError, Path};

/// What is found. Findings of declared rules (those that Kubernetes generates from marks on its types) come last, in
/// the order of the fields.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<FieldError>,
    declared: Vec<FieldError>,
}

impl Deref for Errors {
    type Target = Vec<FieldError>;

    fn deref(&self) -> &Self::Target {
        &self.found
    }
}

impl DerefMut for Errors {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.found
    }
}

impl Errors {
    /// Adds a finding of a declared rule.
    pub(crate) fn declare(&mut self, error: FieldError) {
        self.declared.push(error);
    }

    /// All that was found, each once.
    pub(crate) fn finish(self) -> Vec<FieldError> {
        let mut all: Vec<FieldError> = Vec::new();
        for error in self.found.into_iter().chain(self.declared) {
            if !all.contains(&error) {
                all.push(error);
            }
        }
        all
    }
}

/// What is wrong with the addresses of a service.
pub(crate) fn service_addresses(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    service::addresses_alone(new, old, &mut errors);
    errors.finish()
}

/// The metadata of a new object.
pub(crate) fn meta_create(object: &Value, namespaced: bool, name: NameCheck, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("metadata");
    let meta = &object["metadata"];
    errors.extend(validate_object_meta(meta, namespaced, name, &path));
    let finalizers = path.child("finalizers");
    for (at, name) in list(&meta["finalizers"]).iter().enumerate() {
        namespace::standard_finalizer(name, &finalizers.index(at), errors);
    }
}

/// The name of a new object, where its rule is declared.
pub(crate) fn declared_name(object: &Value, check: NameCheck, errors: &mut Errors) {
    let name = &object["metadata"]["name"];
    let path = Path::ROOT.child("metadata");
    for why in check(name.as_str().unwrap_or_default(), false) {
        errors.declare(FieldError::invalid(&path.child("name"), name, why));
    }
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
