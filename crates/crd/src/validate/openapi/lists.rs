//! `x-kubernetes-list-type` and `x-kubernetes-list-map-keys`.

use super::{super::Strictness, wrong_type};
use crate::{
    errors::Errors,
    internal,
    view::{Items, Props},
    words::not_supported,
};
use tidegate_schema::{Path, go_json};

const TYPE: &str = "x-kubernetes-list-type";
const KEYS: &str = "x-kubernetes-list-map-keys";

pub(super) fn check(schema: Props<'_>, path: &Path<'_>, strict: &Strictness, errors: &mut Errors) {
    let list_type = schema.list_type();
    if list_type.is_some() && schema.r#type() != "array" {
        wrong_type(
            schema,
            path,
            "must be array if x-kubernetes-list-type is specified",
            errors,
        );
    } else if strict.atomic_sets && list_type == Some("set") {
        check_set(schema, path, errors);
    }
    let known = ["atomic", "set", "map"];
    if let Some(other) = list_type.filter(|list_type| !known.contains(list_type)) {
        errors.push(not_supported(&path.child(TYPE), other, &known));
    }
    if !schema.fields().list(KEYS).is_empty() {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        match list_type {
            None => errors.required(&path.child(TYPE), detail),
            Some("map") => {}
            Some(other) => errors.invalid(&path.child(TYPE), other, detail),
        }
    }
    if list_type == Some("map") {
        check_map(schema, path, errors);
    }
    if strict.map_keys {
        check_items(schema, path, errors);
    }
}

/// Whether the items of a set can't be told apart as a whole.
pub(in super::super) fn has_loose_set(schema: Props<'_>) -> bool {
    schema.list_type() == Some("set")
        && schema.item().is_some_and(|item| loose_word(item).is_some())
}

fn loose_word(item: Props<'_>) -> Option<&'static str> {
    match item.r#type() {
        "array"
            if item
                .list_type()
                .is_some_and(|list_type| list_type != "atomic") =>
        {
            Some(TYPE)
        }
        "object" if item.map_type() != Some("atomic") => Some("x-kubernetes-map-type"),
        _ => None,
    }
}

fn check_set(schema: Props<'_>, path: &Path<'_>, errors: &mut Errors) {
    let Some((item, word)) = schema
        .item()
        .and_then(|item| Some((item, loose_word(item)?)))
    else {
        return;
    };
    // Of maps, too, the list type is shown.
    let shown = item
        .list_type()
        .map_or("null".to_owned(), |list_type| go_json(&list_type.into()));
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    errors.invalid_printed(&path.child("items").child(word), shown, detail);
}

fn check_map(schema: Props<'_>, path: &Path<'_>, errors: &mut Errors) {
    let keys: Vec<&str> = schema.fields().texts(KEYS).collect();
    if keys.is_empty() {
        errors.required(
            &path.child(KEYS),
            "must not be empty if x-kubernetes-list-type is map",
        );
    }
    let here = path.child("items");
    let item = match schema.items() {
        Items::None => {
            return errors.required(&here, "must have a schema if x-kubernetes-list-type is map");
        }
        items @ Items::Many(_) => {
            let detail = "must only have a single schema if x-kubernetes-list-type is map";
            return errors.invalid_printed(&here, internal::items(items), detail);
        }
        Items::One(item) => item,
    };
    if item.r#type() != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        return errors.invalid(&here.child("type"), item.r#type(), detail);
    }
    let properties = here.child("properties");
    let mut seen = std::collections::BTreeSet::new();
    for key in &keys {
        match item.property(key) {
            Some(property) if matches!(property.r#type(), "array" | "object") => {
                let detail =
                    "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.invalid(&properties.key(key).child("type"), item.r#type(), detail);
            }
            Some(_) => {}
            None => bad_keys(
                &keys,
                path,
                "entries must all be names of item properties",
                errors,
            ),
        }
        if !seen.insert(*key) {
            bad_keys(&keys, path, "must not contain duplicate entries", errors);
        }
        if errors.full() {
            return;
        }
    }
}

fn bad_keys(keys: &[&str], path: &Path<'_>, detail: &str, errors: &mut Errors) {
    errors.invalid_printed(
        &path.child(KEYS),
        go_json(&keys.iter().copied().collect()),
        detail,
    );
}

/// What sets and maps need of their items: no nulls, and keys that are always there.
pub(in super::super) fn check_items(schema: Props<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (Some(item), Some(list_type @ ("set" | "map"))) = (schema.item(), schema.list_type())
    else {
        return;
    };
    let here = path.child("items");
    if item.fields().flag("nullable") {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.forbidden(&here.child("nullable"), &detail);
    }
    if list_type != "map" {
        return;
    }
    let properties = here.child("properties");
    let required: std::collections::BTreeSet<&str> = item.fields().texts("required").collect();
    for key in schema.fields().texts(KEYS) {
        let Some(property) = item.property(key) else {
            continue;
        };
        if !required.contains(key) && property.default().is_none() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            errors.required(&properties.key(key).child("default"), detail);
        }
        if property.fields().flag("nullable") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.forbidden(&properties.key(key).child("nullable"), detail);
        }
        if errors.full() {
            return;
        }
    }
}
