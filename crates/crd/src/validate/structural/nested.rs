//! What may stand inside `allOf`, `anyOf`, `oneOf` and `not`: restrictions of values that are named outside of them.

use super::{Skip, check_junctors};
use crate::{
    errors::Errors,
    view::{Additional, Props},
};
use tidegate_schema::Path;

/// Checks one branch, which only may restrict values.
pub(super) fn check_nested(
    branch: Props<'_>,
    skip_any_of: bool,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if errors.full() {
        return;
    }
    let skip = if skip_any_of {
        Skip::Spelled {
            any_of: true,
            first_all_of: false,
        }
    } else {
        Skip::Nothing
    };
    check_junctors(branch, skip, path, errors);
    if let Some(items) = branch.item() {
        check_nested(items, false, &path.child("items"), errors);
    }
    let properties = path.child("properties");
    for (name, child) in branch.properties() {
        check_nested(child, false, &properties.key(name), errors);
    }
    check_forbidden(branch, path, errors);
    if branch.property("metadata").is_some() {
        errors.forbidden(
            &properties.key("metadata"),
            "must not be specified in a nested context",
        );
    }
}

fn check_forbidden(branch: Props<'_>, path: &Path<'_>, errors: &mut Errors) {
    const EMPTY: &str = "must be empty to be structural";
    const UNDEFINED: &str = "must be undefined to be structural";
    const FALSE: &str = "must be false to be structural";
    let fields = branch.fields();
    let additional = !matches!(
        branch.additional("additionalProperties"),
        Additional::None | Additional::Allows(false)
    );
    for (is, word, detail) in [
        (!branch.r#type().is_empty(), "type", EMPTY),
        (additional, "additionalProperties", UNDEFINED),
        (branch.default().is_some(), "default", UNDEFINED),
        (!fields.text("title").is_empty(), "title", EMPTY),
        (!fields.text("description").is_empty(), "description", EMPTY),
        (fields.flag("nullable"), "nullable", FALSE),
        (
            branch.preserves(),
            "x-kubernetes-preserve-unknown-fields",
            FALSE,
        ),
        (branch.embedded(), "x-kubernetes-embedded-resource", FALSE),
        (branch.int_or_string(), "x-kubernetes-int-or-string", FALSE),
        (
            !fields.list("x-kubernetes-list-map-keys").is_empty(),
            "x-kubernetes-list-map-keys",
            EMPTY,
        ),
        (
            branch.list_type().is_some(),
            "x-kubernetes-list-type",
            UNDEFINED,
        ),
        (
            branch.map_type().is_some(),
            "x-kubernetes-map-type",
            UNDEFINED,
        ),
        (
            !branch.rules().is_empty(),
            "x-kubernetes-validations",
            EMPTY,
        ),
    ] {
        if is {
            errors.forbidden(&path.child(word), detail);
        }
    }
}

/// Whether all that the root's branches restrict is named outside of them. (kube-apiserver asks this of the root only.)
pub(super) fn check_completeness(schema: Props<'_>, path: &Path<'_>, errors: &mut Errors) {
    complete_junctors(schema, schema, path, path, errors);
}

fn complete_junctors(
    branch: Props<'_>,
    named: Props<'_>,
    at: &Path<'_>,
    via: &Path<'_>,
    errors: &mut Errors,
) {
    if let Some(not) = branch.not() {
        complete(not, named, at, &via.child("not"), errors);
    }
    for word in ["allOf", "anyOf", "oneOf"] {
        let via = via.child(word);
        for (index, branch) in branch.list(word).enumerate() {
            complete(branch, named, at, &via.index(index), errors);
        }
    }
}

fn complete(
    branch: Props<'_>,
    named: Props<'_>,
    at: &Path<'_>,
    via: &Path<'_>,
    errors: &mut Errors,
) {
    if errors.full() {
        return;
    }
    complete_junctors(branch, named, at, via, errors);
    if let Some(items) = branch.item() {
        let (at, via) = (at.child("items"), via.child("items"));
        complete_child(items, named.item(), &at, &via, errors);
    }
    let (at, via) = (at.child("properties"), via.child("properties"));
    for (name, child) in branch.properties() {
        complete_child(
            child,
            named.property(name),
            &at.key(name),
            &via.key(name),
            errors,
        );
    }
}

fn complete_child(
    branch: Props<'_>,
    named: Option<Props<'_>>,
    at: &Path<'_>,
    via: &Path<'_>,
    errors: &mut Errors,
) {
    match named {
        Some(named) => complete(branch, named, at, via, errors),
        None => errors.required(at, &format!("because it is defined in {via}")),
    }
}
