//! One version of a definition: its schema, subresources, columns and selectable fields.

use super::{SELECTABLE_MAX, Strictness, defaults, expressions, field_path, openapi, structural};
use crate::{
    errors::Errors,
    internal,
    view::{Fields, Props, SCHEMA_WORDS, Version, root},
};
use serde_json::Value;
use std::collections::BTreeSet;
use tidegate_schema::{FieldError, FieldErrorType, Path, go_json, go_quote};

/// Whose schema is checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of<'a> {
    /// Whether the version has the status subresource.
    pub(super) status: bool,
    /// Its schema before an update.
    pub(super) stored: Option<&'a Value>,
}

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] = [
    "byte",
    "date",
    "date-time",
    "double",
    "float",
    "int32",
    "int64",
    "password",
];

/// What the root of a schema may say where status has a subresource of its own.
const ROOT_WORDS: [&str; 22] = [
    "Description",
    "Type",
    "Format",
    "Title",
    "Maximum",
    "ExclusiveMaximum",
    "Minimum",
    "ExclusiveMinimum",
    "MaxLength",
    "MinLength",
    "Pattern",
    "MaxItems",
    "MinItems",
    "UniqueItems",
    "MultipleOf",
    "Required",
    "Items",
    "Properties",
    "ExternalDocs",
    "Example",
    "XPreserveUnknownFields",
    "XValidations",
];

pub(super) fn check(
    version: &Version<'_>,
    of: Of<'_>,
    strict: &Strictness,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    check_warning(version, &path.child("deprecationWarning"), errors);
    if let Some(schema) = version.schema {
        check_schema(schema, of, strict, &path.child("schema"), errors);
    }
    check_subresources(version.subresources, &path.child("subresources"), errors);
    check_columns(
        version.columns,
        &path.child("additionalPrinterColumns"),
        errors,
    );
    if version.selectable.is_empty() {
        return;
    }
    let here = path.child("selectableFields");
    match version.schema.filter(|schema| root(*schema).is_some()) {
        None => {
            errors.invalid(
                &here,
                "",
                "may only be set when `version.schema.openAPIV3Schema` is not included",
            );
        }
        Some(schema) => {
            let schema_path = path.child("schema.openAPIV3Schema");
            check_selectable(
                version.selectable,
                schema,
                version.name(),
                strict,
                &schema_path,
                &here,
                errors,
            );
        }
    }
}

fn check_warning(version: &Version<'_>, path: &Path<'_>, errors: &mut Errors) {
    let Some(warning) = version.fields.opt_text("deprecationWarning") else {
        return;
    };
    let mut fault = |detail: &str| errors.invalid_printed(path, go_json(&warning.into()), detail);
    if !version.fields.flag("deprecated") {
        return fault("can only be set for deprecated versions");
    }
    if warning.len() > 256 {
        fault("must be <= 256 characters long");
    }
    if warning.is_empty() {
        fault("must not be an empty string");
    }
    let plain = |c: char| {
        matches!(c, '"' | '\\') || !go_quote(c.encode_utf8(&mut [0; 4])).starts_with("\"\\")
    };
    if let Some((index, _)) = warning.char_indices().find(|(_, c)| !plain(*c)) {
        fault(&format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {index}"
        ));
    }
}

/// A `schema`, which `path` names.
pub(super) fn check_schema(
    validation: Fields<'_>,
    of: Of<'_>,
    strict: &Strictness,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let Some(schema) = root(validation) else {
        return;
    };
    let mut here = Errors::default();
    let schema_path = path.child("openAPIV3Schema");
    if of.status {
        check_root_words(schema, path, &mut here);
    }
    if schema.fields().flag("nullable") {
        here.forbidden(
            &path.child("openAPIV3Schema.nullable"),
            "nullable cannot be true at the root",
        );
    }
    let unsupported = structural::unsupported(schema);
    let mut rules = false;
    if strict.structural && unsupported.is_none() {
        let mut faults = structural::check_structural(schema, &schema_path);
        if faults.is_empty() {
            faults = defaults::check(schema, &schema_path, strict.pruned_defaults);
        }
        rules = faults.is_empty();
        here.extend(faults);
    }
    openapi::check(schema, &schema_path, strict, &mut here);
    if rules {
        here.extend(expressions::check(
            schema,
            of.stored,
            here.list(),
            &schema_path,
        ));
    }
    if let Some(detail) = unsupported.filter(|_| strict.structural && here.is_empty()) {
        here.invalid(&schema_path, "", detail);
    }
    errors.extend(here.into_vec());
}

/// Where status is a subresource, its schema is taken out of the whole one, which must not lose anything by that.
fn check_root_words(schema: Props<'_>, path: &Path<'_>, errors: &mut Errors) {
    for (name, word) in SCHEMA_WORDS {
        let zero = match schema.fields().get(word) {
            None | Some(Value::Bool(false)) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Array(list)) => list.is_empty(),
            Some(_) => false,
        };
        // A pointer to false is something.
        if zero
            && !(word == "x-kubernetes-preserve-unknown-fields"
                && schema.fields().get(word).is_some())
        {
            continue;
        }
        if name == "Type" {
            if schema.r#type() != "object" {
                let detail = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
                errors.invalid(&path.child("openAPIV3Schema.type"), schema.r#type(), detail);
                return;
            }
        } else if !ROOT_WORDS.contains(&name) {
            let detail = format!(
                "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
                ROOT_WORDS.join(" ")
            );
            errors.invalid_printed(
                &path.child("openAPIV3Schema"),
                internal::schema(schema),
                &detail,
            );
            return;
        }
    }
}

/// `subresources`.
pub(super) fn check_subresources(
    subresources: Option<Fields<'_>>,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let Some(scale) = subresources.and_then(|subresources| subresources.opt_object("scale")) else {
        return;
    };
    for (name, word, start, detail) in [
        (
            "scale.specReplicasPath",
            "specReplicasPath",
            ".spec.",
            "should be a json path under .spec",
        ),
        (
            "scale.statusReplicasPath",
            "statusReplicasPath",
            ".status.",
            "should be a json path under .status",
        ),
    ] {
        let (path, text) = (path.child(name), scale.text(word));
        if text.is_empty() {
            errors.required(&path, "");
        } else if !check_json_path(text, &path, errors) && !text.starts_with(start) {
            errors.invalid(&path, text, detail);
        }
    }
    let path = path.child("scale.labelSelectorPath");
    let text = scale.text("labelSelectorPath");
    let known = [".spec.", ".status."];
    if !text.is_empty()
        && !check_json_path(text, &path, errors)
        && !known.iter().any(|start| text.starts_with(start))
    {
        let shown = go_json(&text.into());
        errors.invalid_printed(
            &path,
            shown,
            "should be a json path under either .spec or .status",
        );
    }
}

/// Tells whether there was something wrong.
fn check_json_path(text: &str, path: &Path<'_>, errors: &mut Errors) -> bool {
    let bad = !text.starts_with('.');
    if bad {
        errors.invalid(path, text, "must be a simple json path starting with .");
    }
    bad
}

/// `additionalPrinterColumns`.
pub(super) fn check_columns(columns: &[Value], path: &Path<'_>, errors: &mut Errors) {
    for (index, column) in columns.iter().enumerate() {
        let (path, column) = (path.index(index), Fields::of(Some(column)));
        if column.text("name").is_empty() {
            errors.required(&path.child("name"), "");
        }
        let known = format!("must be one of {}", COLUMN_TYPES.join(","));
        match column.text("type") {
            "" => errors.required(&path.child("type"), &known),
            other if !COLUMN_TYPES.contains(&other) => {
                errors.invalid(&path.child("type"), other, known)
            }
            _ => {}
        }
        let format = column.text("format");
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let known = format!("must be one of {}", COLUMN_FORMATS.join(","));
            errors.invalid(&path.child("format"), format, known);
        }
        let here = path.child("JSONPath");
        match column.text("jsonPath") {
            "" => errors.required(&here, ""),
            text => {
                check_json_path(text, &here, errors);
            }
        }
        if errors.full() {
            return;
        }
    }
}

/// `selectableFields`.
pub(super) fn check_selectable(
    fields: &[Value],
    schema: Fields<'_>,
    version: &str,
    strict: &Strictness,
    schema_path: &Path<'_>,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let Some(schema) = root(schema) else { return };
    if let Some(detail) = structural::unsupported(schema) {
        return errors.invalid(schema_path, "", detail);
    }
    let mut seen = BTreeSet::new();
    for (index, field) in fields.iter().enumerate() {
        let path = path.index(index);
        let path = path.child("jsonPath");
        let text = Fields::of(Some(field)).text("jsonPath");
        if text.is_empty() {
            errors.required(&path, "");
            continue;
        }
        let found = match field_path::follow(text, schema, false) {
            Ok(found) => found,
            Err(error) => {
                errors.invalid(&path, text, format!("is an invalid path: {error}"));
                continue;
            }
        };
        if found.root == "metadata" {
            errors.invalid(&path, text, "must not point to fields in metadata");
        }
        let scalar =
            |schema: Props<'_>| matches!(schema.r#type(), "string" | "boolean" | "integer");
        if !found.schema.is_some_and(scalar) {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            errors.invalid(&path, text, detail);
        }
        if !seen.insert(found.path) {
            errors.push(FieldError::duplicate(&path, &text.into()));
        }
    }
    if seen.len() > SELECTABLE_MAX && !strict.many_selectable.contains(version) {
        let error = FieldError::new(
            FieldErrorType::TooMany,
            path,
            format!("must have at most {SELECTABLE_MAX} items"),
        );
        errors.push(FieldError {
            bad_value: seen.len().to_string(),
            ..error
        });
    }
}
