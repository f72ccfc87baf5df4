//! What kube-apiserver refuses about a definition, in its words and order (apiextensions-apiserver's
//! `pkg/apis/apiextensions/validation`).
//!
//! Metadata is for whoever checks that of other objects, with [`name_errors`] for the name; its faults come first.
//! An update is checked less strictly where the stored definition has the fault already.

mod approval;
mod conversion;
mod defaults;
mod expressions;
mod field_path;
mod names;
mod openapi;
mod spec;
mod structural;
mod url;
mod version;

use crate::{
    errors::Errors,
    view::{Fields, Names, Props, Spec, root, too_deep},
    words::subdomain_errors,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_schema::{FieldError, Path, go_json};

pub(crate) use self::{
    approval::{Approval, approval, is_protected},
    conversion::is_bad_ca_bundle,
    structural::{check_structural, is_int_or_string, is_structural, unsupported},
};

/// The most selectable fields that a version may have.
const SELECTABLE_MAX: usize = 8;

/// What is asked of a definition; all of it, unless the stored one breaks it already.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own to the stored definition"
)]
struct Strictness {
    /// Every version has a schema.
    schemas: bool,
    types: bool,
    structural: bool,
    pruned_defaults: bool,
    atomic_sets: bool,
    map_keys: bool,
    /// One of the versions of ConversionReview is known.
    review_versions: bool,
    immutable_names: bool,
    ca_bundle: bool,
    /// Versions whose many selectable fields are as they were; the empty name is for all versions.
    many_selectable: BTreeSet<String>,
}

impl Strictness {
    fn of_new() -> Self {
        Self {
            schemas: true,
            types: true,
            structural: true,
            pruned_defaults: true,
            atomic_sets: true,
            map_keys: true,
            review_versions: true,
            immutable_names: false,
            ca_bundle: false,
            many_selectable: BTreeSet::new(),
        }
    }

    fn of_update(new: &Spec<'_>, old: &Spec<'_>, old_crd: &Value) -> Self {
        let established = is_true(old_crd, "Established");
        let none = |ask: fn(Props<'_>) -> bool| {
            !old.schemas()
                .any(|schema| schema.any(&mut |node| ask(node)))
        };
        Self {
            schemas: old.common.schema.and_then(root).is_some()
                || old
                    .versions
                    .iter()
                    .all(|version| version.schema.and_then(root).is_some()),
            types: none(openapi::has_unknown_type),
            structural: old.schemas().all(is_structural),
            pruned_defaults: old.schemas().all(defaults::are_pruned),
            atomic_sets: none(openapi::has_loose_set),
            map_keys: none(openapi::has_loose_items),
            review_versions: conversion::has_known_review_version(old.conversion()),
            immutable_names: established,
            ca_bundle: established && !conversion::has_bad_ca_bundle(old.conversion()),
            many_selectable: many_selectable(new, old),
        }
    }
}

/// What is wrong with the name of a definition, for the check of its metadata.
pub fn name_errors(crd: &Value, name: &str) -> Vec<String> {
    let spec = Spec::of(crd);
    let mut errors = subdomain_errors(name);
    if name != format!("{}.{}", spec.names().plural(), spec.group()) {
        errors.push("must be spec.names.plural+\".\"+spec.group".to_owned());
    }
    errors
}

/// What is wrong with a new definition, beside its metadata. Its status is expected as [`crate::prepare_create`] left it.
pub fn validate_create(crd: &Value) -> Vec<FieldError> {
    if let Some(error) = depth_error(crd) {
        return vec![error];
    }
    let mut errors = Errors::default();
    let spec = Spec::of(crd);
    spec::check(&spec, None, &Strictness::of_new(), &mut errors);
    check_status(crd, &spec, &mut errors);
    approval::check(crd, None, &mut errors);
    check_preserve(&spec, None, &mut errors);
    errors.into_vec()
}

/// What is wrong with a changed definition, beside its metadata.
pub fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    if let Some(error) = depth_error(new) {
        return vec![error];
    }
    if depth_error(old).is_some() {
        return validate_create(new);
    }
    let mut errors = Errors::default();
    let (spec, old_spec) = (Spec::of(new), Spec::of(old));
    let strict = Strictness::of_update(&spec, &old_spec, old);
    spec::check(&spec, Some(&old_spec), &strict, &mut errors);
    check_immutable(&spec, &old_spec, &strict, &mut errors);
    check_status(new, &spec, &mut errors);
    approval::check(new, Some(old), &mut errors);
    check_preserve(&spec, Some(&old_spec), &mut errors);
    errors.into_vec()
}

/// What is wrong with a changed status, beside the metadata.
pub fn validate_status_update(new: &Value) -> Vec<FieldError> {
    let mut errors = Errors::default();
    check_accepted_names(new, &mut errors);
    errors.into_vec()
}

/// Schemas that nest deeper than any real one are refused before anything follows them down.
fn depth_error(crd: &Value) -> Option<FieldError> {
    let versions = Fields::of(crd.get("spec")).list("versions");
    let deep = |version: &Value| {
        version
            .pointer("/schema/openAPIV3Schema")
            .is_some_and(too_deep)
    };
    let index = versions.iter().position(deep)?;
    let path = Path::ROOT;
    let path = path.child("spec");
    let path = path.child("versions");
    let path = path.index(index);
    let path = path.child("schema");
    Some(FieldError::forbidden(
        &path.child("openAPIV3Schema"),
        "nested too deeply",
    ))
}

fn check_status(crd: &Value, spec: &Spec<'_>, errors: &mut Errors) {
    check_accepted_names(crd, errors);
    let status = Fields::of(crd.get("status"));
    let root = Path::ROOT;
    let root = root.child("status");
    let path = root.child("storedVersions");
    let stored: Vec<&str> = status.texts("storedVersions").collect();
    if stored.is_empty() {
        let shown = if status.get("storedVersions").is_some() {
            "[]"
        } else {
            "null"
        };
        return errors.invalid_printed(
            &path,
            shown.to_owned(),
            "must have at least one stored version",
        );
    }
    let names: BTreeSet<&str> = spec.versions.iter().map(|version| version.name()).collect();
    // Each stored version is found once.
    let mut unseen: BTreeSet<&str> = stored.iter().copied().collect();
    for version in &spec.versions {
        if unseen.remove(version.name()) || !version.storage() {
            continue;
        }
        let shown = go_json(&stored.iter().copied().collect());
        errors.invalid_printed(
            &path,
            shown,
            &format!("must have the storage version {}", version.name()),
        );
    }
    for (index, name) in stored
        .iter()
        .enumerate()
        .filter(|(_, name)| !names.contains(*name))
    {
        let detail = format!(
            "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
             until a storage migration ensures no data remains persisted in {name} and removes {name} from \
             status.storedVersions"
        );
        errors.invalid(&path.index(index), name, detail);
    }
}

fn check_accepted_names(crd: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let root = root.child("status");
    let accepted = Fields::of(crd.get("status")).object("acceptedNames");
    names::check(Names(accepted), &root.child("acceptedNames"), errors);
}

fn check_immutable(new: &Spec<'_>, old: &Spec<'_>, strict: &Strictness, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let names = path.child("names");
    let (now, then) = (new.names(), old.names());
    for (checked, path, now, then) in [
        (
            strict.immutable_names,
            path.child("scope"),
            new.scope(),
            old.scope(),
        ),
        (
            strict.immutable_names,
            names.child("kind"),
            now.kind(),
            then.kind(),
        ),
        (true, path.child("group"), new.group(), old.group()),
        (true, names.child("plural"), now.plural(), then.plural()),
    ] {
        if checked && now != then {
            errors.invalid(&path, now, "field is immutable");
        }
    }
}

fn check_preserve(spec: &Spec<'_>, old: Option<&Spec<'_>>, errors: &mut Errors) {
    if spec.preserves() && !old.is_some_and(Spec::preserves) {
        let root = Path::ROOT;
        let path = root.child("spec");
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(FieldError::invalid(
            &path.child("preserveUnknownFields"),
            &Value::Bool(true),
            detail,
        ));
    }
}

/// Whether a condition is true.
pub(crate) fn is_true(crd: &Value, r#type: &str) -> bool {
    let conditions = Fields::of(crd.get("status")).list("conditions");
    let found = conditions
        .iter()
        .map(|condition| Fields::of(Some(condition)));
    found
        .into_iter()
        .find(|condition| condition.text("type") == r#type)
        .is_some_and(|it| it.text("status") == "True")
}

fn many_selectable(new: &Spec<'_>, old: &Spec<'_>) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    let unchanged = |new: &[Value], old: &[Value]| old.len() > SELECTABLE_MAX && new == old;
    if unchanged(new.common.selectable, old.common.selectable) {
        allowed.insert(String::new());
    }
    let before: BTreeMap<&str, &[Value]> = old
        .versions
        .iter()
        .map(|version| (version.name(), version.selectable))
        .collect();
    for version in &new.versions {
        let before = before.get(version.name());
        if before.is_some_and(|before| unchanged(version.selectable, before)) {
            allowed.insert(version.name().to_owned());
        }
    }
    allowed
}
