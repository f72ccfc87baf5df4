//! Names of a definition: `spec.names` and `status.acceptedNames`.

use crate::{errors::Errors, view::Names, words::label_errors};
use tidegate_schema::Path;

pub(super) fn check(names: Names<'_>, path: &Path<'_>, errors: &mut Errors) {
    for (name, text, mixed) in [
        ("plural", names.plural(), false),
        ("singular", names.singular(), false),
        ("kind", names.kind(), true),
        ("listKind", names.list_kind(), true),
    ] {
        let faults = label_errors(&if mixed {
            text.to_lowercase()
        } else {
            text.to_owned()
        });
        if !text.is_empty() && !faults.is_empty() {
            let start = if mixed {
                "may have mixed case, but should otherwise match: "
            } else {
                ""
            };
            errors.invalid(
                &path.child(name),
                text,
                format!("{start}{}", faults.join(",")),
            );
        }
    }
    let here = path.child("shortNames");
    for (index, name) in names.short_names().enumerate() {
        check_label(name, &here.index(index), errors);
    }
    if !names.kind().is_empty() && names.kind() == names.list_kind() {
        errors.invalid(
            &path.child("listKind"),
            names.list_kind(),
            "kind and listKind may not be the same",
        );
    }
    let here = path.child("categories");
    for (index, name) in names.categories().enumerate() {
        check_label(name, &here.index(index), errors);
    }
}

/// A name that must be a DNS-1035 label.
pub(super) fn check_label(name: &str, path: &Path<'_>, errors: &mut Errors) {
    let faults = label_errors(name);
    if !faults.is_empty() {
        errors.invalid(path, name, faults.join(","));
    }
}
