//! `spec`, from the group to the conversion, in kube-apiserver's order.

use super::{Strictness, conversion, names, version};
use crate::{
    errors::Errors,
    internal,
    view::{Fields, Props, Spec, Version},
    words::{not_supported, subdomain_errors},
};
use serde_json::Value;
use std::collections::BTreeMap;
use tidegate_schema::{FieldError, Path};

pub(super) fn check(
    spec: &Spec<'_>,
    old: Option<&Spec<'_>>,
    strict: &Strictness,
    errors: &mut Errors,
) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let strict = &adjusted(spec, strict);
    check_group(spec, &path, errors);
    one_of(
        spec.scope(),
        &["Cluster", "Namespaced"],
        &path.child("scope"),
        errors,
    );
    check_schemas_are_there(spec, strict, &path, errors);
    if spec.preserves() && spec.schemas().any(has_defaults) {
        let detail = "must be false in order to use defaults in the schema";
        errors.push(FieldError::invalid(
            &path.child("preserveUnknownFields"),
            &Value::Bool(true),
            detail,
        ));
    }
    let stored = stored_schemas(old);
    check_versions(spec, &stored, strict, &path, errors);
    check_names(spec, &path, errors);
    let status = has_status(spec.common.subresources)
        || spec
            .versions
            .iter()
            .any(|version| has_status(version.subresources));
    if let Some(schema) = spec.common.schema {
        let first = spec.versions.first().map(Version::name);
        let stored = first.and_then(|name| stored.get(name).copied());
        version::check_schema(
            schema,
            version::Of { status, stored },
            strict,
            &path.child("validation"),
            errors,
        );
    }
    version::check_subresources(
        spec.common.subresources,
        &path.child("subresources"),
        errors,
    );
    version::check_columns(
        spec.common.columns,
        &path.child("additionalPrinterColumns"),
        errors,
    );
    check_common_selectable(spec, strict, &path, errors);
    let path = path.child("conversion");
    if let Some(conversion) = spec.conversion() {
        if conversion.text("strategy") != "None" && spec.preserves() {
            let detail = "must be None if spec.preserveUnknownFields is true";
            errors.invalid(&path.child("strategy"), conversion.text("strategy"), detail);
        }
        conversion::check(conversion, strict, &path, errors);
    }
}

/// A structural schema is also asked for where unknown fields are pruned, and where the schema has Kubernetes' words.
fn adjusted(spec: &Spec<'_>, strict: &Strictness) -> Strictness {
    let extended = |node: Props<'_>| {
        node.embedded()
            || node
                .fields()
                .get("x-kubernetes-preserve-unknown-fields")
                .is_some()
            || node.int_or_string()
            || !node.fields().list("x-kubernetes-list-map-keys").is_empty()
            || node.list_type().is_some()
            || !node.rules().is_empty()
    };
    let structural = strict.structural
        || !spec.preserves()
        || spec.schemas().any(has_defaults)
        || spec
            .schemas()
            .any(|schema| schema.any(&mut |node| extended(node)));
    Strictness {
        structural,
        ..strict.clone()
    }
}

fn has_defaults(schema: Props<'_>) -> bool {
    schema.any(&mut |node| node.default().is_some())
}

fn has_status(subresources: Option<Fields<'_>>) -> bool {
    subresources.is_some_and(|subresources| subresources.opt_object("status").is_some())
}

fn check_group(spec: &Spec<'_>, path: &Path<'_>, errors: &mut Errors) {
    let path = path.child("group");
    let group = spec.group();
    let faults = subdomain_errors(group);
    if group.is_empty() {
        errors.required(&path, "");
    } else if !faults.is_empty() {
        errors.invalid(&path, group, faults.join(","));
    } else if !group.contains('.') {
        errors.invalid(&path, group, "should be a domain with at least one dot");
    }
}

/// A required word that must be one of some.
pub(super) fn one_of(word: &str, known: &[&str], path: &Path<'_>, errors: &mut Errors) {
    if word.is_empty() {
        errors.required(path, "");
    } else if !known.contains(&word) {
        errors.push(not_supported(path, word, known));
    }
}

fn check_schemas_are_there(
    spec: &Spec<'_>,
    strict: &Strictness,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let there = |schema: Option<Fields<'_>>| {
        schema.is_some_and(|schema| schema.opt_object("openAPIV3Schema").is_some())
    };
    if there(spec.common.schema) || !strict.schemas && spec.preserves() {
        return;
    }
    let detail = if strict.schemas {
        ""
    } else {
        "because otherwise all fields are pruned"
    };
    let versions = path.child("versions");
    for (index, version) in spec.versions.iter().enumerate() {
        if !there(version.schema) && (strict.schemas || version.fields.flag("served")) {
            let path = versions.index(index);
            let path = path.child("schema");
            errors.required(&path.child("openAPIV3Schema"), detail);
        }
    }
}

/// The stored schemas, by version.
fn stored_schemas<'a>(old: Option<&Spec<'a>>) -> BTreeMap<&'a str, &'a Value> {
    let versions = old.into_iter().flat_map(|old| &old.versions);
    let schema = |version: &Version<'a>| version.fields.object("schema").get("openAPIV3Schema");
    versions
        .filter_map(|version| Some((version.name(), schema(version)?)))
        .collect()
}

fn check_versions(
    spec: &Spec<'_>,
    stored: &BTreeMap<&str, &Value>,
    strict: &Strictness,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let path = path.child("versions");
    let own = spec
        .versions
        .iter()
        .any(|version| version.subresources.is_some());
    // Of versions with the same name, the first has the say on subresources.
    let mut first = BTreeMap::new();
    for (index, version) in spec.versions.iter().enumerate() {
        if errors.full() {
            return;
        }
        let here = path.index(index);
        names::check_label(version.name(), &here.child("name"), errors);
        let subresources = if own {
            version.subresources
        } else {
            spec.common.subresources
        };
        let status = *first
            .entry(version.name())
            .or_insert(has_status(subresources));
        let of = version::Of {
            status,
            stored: stored.get(version.name()).copied(),
        };
        version::check(version, of, strict, &here, errors);
    }
    let twice = first.len() < spec.versions.len();
    if twice {
        let detail = "must contain unique version names";
        errors.invalid_printed(&path, internal::versions(&spec.versions), detail);
    }
    if spec
        .versions
        .iter()
        .filter(|version| version.storage())
        .count()
        != 1
    {
        let detail = "must have exactly one version marked as storage version";
        let shown = match spec.has_versions() {
            true => internal::versions(&spec.versions),
            false => "null".to_owned(),
        };
        errors.invalid_printed(&path, shown, detail);
    }
}

fn check_names(spec: &Spec<'_>, path: &Path<'_>, errors: &mut Errors) {
    // What kube-apiserver keeps beside the versions for old clients is the name of the first.
    if let Some(first) = spec
        .versions
        .first()
        .map(Version::name)
        .filter(|name| !name.is_empty())
    {
        names::check_label(first, &path.child("version"), errors);
    }
    let path = path.child("names");
    let names = spec.names();
    for (name, text) in [
        ("plural", names.plural()),
        ("singular", names.singular()),
        ("kind", names.kind()),
        ("listKind", names.list_kind()),
    ] {
        if text.is_empty() {
            errors.required(&path.child(name), "");
        }
    }
    names::check(names, &path, errors);
}

fn check_common_selectable(
    spec: &Spec<'_>,
    strict: &Strictness,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if spec.common.selectable.is_empty() {
        return;
    }
    let here = path.child("selectableFields");
    match spec.common.schema {
        None => errors.invalid(
            &here,
            "",
            "may only be set when validations.schema is included",
        ),
        Some(schema) => {
            let schema_path = path.child("schema.openAPIV3Schema");
            version::check_selectable(
                spec.common.selectable,
                schema,
                "",
                strict,
                &schema_path,
                &here,
                errors,
            );
        }
    }
}
