//! The ways of each kind: its names, what is reset and counted on writes, what is checked. Tables, one for each group
//! of kinds; functions only where a table can't say it.

mod core;
mod rest;
mod service;

pub(crate) use self::service::{carry_service, needs_health_port};

mod workloads;

use crate::{
    check::{self, Errors},
    meta::{NameCheck, name_is_subdomain},
    types::{Form, Types},
    view::remove,
};
use serde_json::Value;
use tidegate_schema::FieldError;

/// How one kind is handled.
pub(crate) struct Ways {
    /// The type, without the part of its name that all have.
    pub(crate) of: &'static str,
    /// The form of its names.
    pub(crate) name: NameCheck,
    /// What is wrong with a name is found by a declared rule, and nobody looks at the beginning of one that is made up.
    pub(crate) declared_name: bool,
    /// It has a status that only the subresource writes.
    pub(crate) status: bool,
    /// A new object may have a status.
    pub(crate) born_with_status: bool,
    /// What the generation counts.
    pub(crate) counts: Counts,
    /// A PUT may create.
    pub(crate) put_creates: bool,
    /// An update may come without a version.
    pub(crate) unconditional: bool,
    /// The metadata is looked at last, and only where nothing else is wrong.
    pub(crate) meta_last: bool,
    /// The objects aren't stored, and have no metadata of their own.
    pub(crate) review: bool,
    pub(crate) create: fn(&mut Value),
    /// New, old, subresource.
    pub(crate) update: fn(&mut Value, &Value, &str),
    /// What is checked beside the metadata.
    pub(crate) check: fn(&Value, &mut Errors),
    /// The same, of an update: new, old.
    pub(crate) check_update: fn(&Value, &Value, &mut Errors),
    /// The same, of an update of a subresource.
    pub(crate) check_part: fn(&Value, &Value, &str, &mut Errors),
    pub(crate) warn: fn(&Value, Option<&Value>, &mut Vec<String>),
}

/// What makes `metadata.generation` go up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    Nothing,
    /// It is 1 and stays so.
    Creation,
    Spec,
    SpecAndAnnotations,
    /// All but the metadata, and the labels.
    Content,
}

impl std::fmt::Debug for Ways {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ways")
            .field("of", &self.of)
            .finish_non_exhaustive()
    }
}

/// What most kinds do.
const USUAL: Ways = Ways {
    of: "",
    name: name_is_subdomain,
    declared_name: false,
    status: false,
    born_with_status: false,
    counts: Counts::Nothing,
    put_creates: false,
    unconditional: true,
    meta_last: false,
    review: false,
    create: |_| {},
    update: |_, _, _| {},
    check: |_, _| {},
    check_update: check::meta_update,
    check_part: |new, old, _, errors| check::meta_update(new, old, errors),
    warn: |_, _, _| {},
};

/// The ways of a type.
pub(crate) fn of(model: &str) -> &'static Ways {
    const NONE: Ways = USUAL;
    let name = model.strip_prefix("io.k8s.api.").unwrap_or(model);
    let all = [core::ALL, workloads::ALL, rest::ALL];
    all.into_iter()
        .flatten()
        .find(|ways| ways.of == name)
        .unwrap_or(&NONE)
}

/// Takes what a client may not set out of a new object.
pub(crate) fn prepare_create(model: &str, ways: &Ways, object: &mut Value) {
    for name in [
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        remove(&mut object["metadata"], name);
    }
    if ways.status && !ways.born_with_status {
        reset_status(model, object);
    }
    if ways.counts != Counts::Nothing {
        object["metadata"]["generation"] = 1.into();
    }
    (ways.create)(object);
}

/// What reading an object of a kind adds to it beside defaults.
pub(crate) fn complete(ways: &Ways, object: &mut Value) {
    if ways.of == "apps.v1.DaemonSet" {
        workloads::show_template_generation(object);
    }
}

/// An empty status, as Go writes it.
fn reset_status(model: &str, object: &mut Value) {
    let field = Types::all()
        .get(model)
        .and_then(|found| found.field("status"));
    let empty = match field.map(|field| &field.form) {
        Some(Form::Struct(name)) => Types::all().get(name).map(crate::decode::zero_struct),
        _ => None,
    };
    match empty {
        Some(status) => object["status"] = status,
        None => {
            remove(object, "status");
        }
    }
}

/// Takes what a client may not set out of an update, and counts the generation.
pub(crate) fn prepare_update(ways: &Ways, new: &mut Value, old: &Value, subresource: &str) {
    kept_metadata(new, old);
    match subresource {
        "status" => keep(new, old, "spec"),
        _ if ways.status => keep(new, old, "status"),
        _ => {}
    }
    (ways.update)(new, old, subresource);
    let changed = match ways.counts {
        _ if subresource == "status" => false,
        Counts::Nothing | Counts::Creation => false,
        Counts::Spec => new["spec"] != old["spec"],
        Counts::SpecAndAnnotations => {
            new["spec"] != old["spec"]
                || !same_map(
                    &new["metadata"]["annotations"],
                    &old["metadata"]["annotations"],
                )
        }
        Counts::Content => content_changed(new, old),
    };
    if changed {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or_default();
        new["metadata"]["generation"] = generation.saturating_add(1).into();
    }
}

/// What a client can't change.
fn kept_metadata(new: &mut Value, old: &Value) {
    copy(new, old, "metadata", "generation");
    let before = &old["metadata"];
    for name in ["creationTimestamp", "deletionTimestamp"] {
        if !before[name].is_null() {
            copy(new, old, "metadata", name);
        }
    }
    for name in ["uid", "deletionGracePeriodSeconds"] {
        let missing = new["metadata"][name].is_null();
        if missing && !before[name].is_null() {
            copy(new, old, "metadata", name);
        }
    }
}

fn same_map(a: &Value, b: &Value) -> bool {
    crate::view::map(a) == crate::view::map(b)
}

fn content_changed(new: &Value, old: &Value) -> bool {
    let content = |object: &Value| {
        let mut object = object.clone();
        remove(&mut object, "metadata");
        object
    };
    content(new) != content(old)
        || !same_map(&new["metadata"]["labels"], &old["metadata"]["labels"])
}

/// A field stays as it was.
pub(crate) fn keep(new: &mut Value, old: &Value, name: &str) {
    match old.get(name) {
        Some(value) => new[name] = value.clone(),
        None => {
            remove(new, name);
        }
    }
}

/// A field of a field stays as it was.
pub(crate) fn copy(new: &mut Value, old: &Value, part: &str, name: &str) {
    if let Some(inner) = new.get_mut(part).filter(|inner| inner.is_object()) {
        keep(inner, &old[part], name);
    }
}

/// What is wrong with a new object.
pub(crate) fn validate_create(ways: &Ways, namespaced: bool, object: &Value) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if ways.declared_name {
        check::meta_create(object, namespaced, |_, _| Vec::new(), &mut errors);
        check::declared_name(object, ways.name, &mut errors);
    } else if !ways.review && !ways.meta_last {
        check::meta_create(object, namespaced, ways.name, &mut errors);
    }
    (ways.check)(object, &mut errors);
    if ways.meta_last && errors.is_empty() {
        check::meta_create(object, namespaced, ways.name, &mut errors);
    }
    errors.finish()
}

/// What is wrong with an update. The metadata is looked at for all kinds; most kinds look again.
pub(crate) fn validate_update(
    ways: &Ways,
    new: &Value,
    old: &Value,
    subresource: &str,
) -> Vec<FieldError> {
    let mut errors = Errors::default();
    check::meta_update(new, old, &mut errors);
    if subresource.is_empty() {
        (ways.check_update)(new, old, &mut errors);
    } else {
        (ways.check_part)(new, old, subresource, &mut errors);
    }
    errors.finish()
}

/// The fields that are reset on writes through an endpoint.
pub(crate) fn reset_fields(ways: &Ways, subresource: &str) -> &'static [&'static [&'static str]] {
    match (ways.of, subresource) {
        (_, "") if ways.status => &[&["status"]],
        ("core.v1.Namespace", "finalize") => &[&["status"]],
        ("core.v1.Pod", "status") => &[
            &["spec"],
            &["metadata", "deletionTimestamp"],
            &["metadata", "ownerReferences"],
        ],
        ("apps.v1.Deployment", "status") => &[&["spec"], &["metadata", "labels"]],
        (CRD | "admissionregistration.v1.ValidatingAdmissionPolicy", "status") => {
            &[&["metadata"], &["spec"]]
        }
        (_, "status") => &[&["spec"]],
        _ => &[],
    }
}

const CRD: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition";

#[cfg(test)]
mod tests {
    use super::{core, rest, workloads};
    use crate::{kind::kinds, types::Types};

    #[test]
    fn every_kind_has_ways_and_every_way_a_kind() {
        for kind in kinds() {
            assert!(!super::of(&kind.model).of.is_empty(), "{}", kind.model);
        }
        for ways in [core::ALL, workloads::ALL, rest::ALL].into_iter().flatten() {
            let known = |name: &str| Types::all().get(name).is_some();
            assert!(
                known(ways.of) || known(&format!("io.k8s.api.{}", ways.of)),
                "{}",
                ways.of
            );
        }
    }
}
