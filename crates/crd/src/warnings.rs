//! Warnings for the authors of definitions.

use crate::view::{Props, Spec, too_deep};
use serde_json::Value;
use std::collections::BTreeSet;
use tidegate_schema::go_quote;

/// Formats of texts that are checked, without their dashes.
const FORMATS: [&str; 26] = [
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
    "k8sshortname",
    "k8slongname",
];

/// What the author of a new or changed definition is warned of: formats that nothing checks, and sets of things that
/// aren't scalars. Of a changed one, only what is new.
pub fn warnings(crd: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    let known: BTreeSet<String> = old.map(formats).unwrap_or_default().into_iter().collect();
    for format in formats(crd)
        .into_iter()
        .filter(|format| !known.contains(format))
    {
        warnings.push(format!("unrecognized format {}", go_quote(&format)));
    }
    let known = old.map(sets).unwrap_or_default();
    for r#type in sets(crd).difference(&known) {
        warnings.push(format!(
            "x-kubernetes-list-type: set for items of type {} is not supported by server-side apply or CEL validation rules",
            go_quote(r#type)
        ));
    }
    warnings
}

fn formats(crd: &Value) -> Vec<String> {
    let mut found = Vec::new();
    visit(crd, &mut |schema| {
        let format = schema.fields().text("format");
        if !format.is_empty() && !is_known(schema.r#type(), format) {
            found.push(format.to_owned());
        }
    });
    found
}

fn is_known(r#type: &str, format: &str) -> bool {
    match r#type {
        "" | "string" => FORMATS.contains(&format.replace('-', "").as_str()),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    }
}

fn sets(crd: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    visit(crd, &mut |schema| {
        let item = schema
            .item()
            .map(Props::r#type)
            .filter(|_| schema.list_type() == Some("set"));
        if let Some(r#type @ ("object" | "array")) = item {
            found.insert(r#type.to_owned());
        }
    });
    found
}

fn visit(crd: &Value, look: &mut impl FnMut(Props<'_>)) {
    let versions = crd.pointer("/spec/versions").and_then(Value::as_array);
    let schemas = versions
        .into_iter()
        .flatten()
        .filter_map(|version| version.pointer("/schema/openAPIV3Schema"));
    if schemas.clone().any(too_deep) {
        return;
    }
    for schema in Spec::of(crd).schemas() {
        schema.any(&mut |schema| {
            look(schema);
            false
        });
    }
}
