//! Lists and objects: their sizes, and what is in them.

use super::{Outcome, outcome::Failure, ratchet, trail::Trail, walk::check};
use crate::Schema;
use serde_json::{Map, Value};
use std::collections::HashSet;

pub(super) fn check_items(
    items: &[Value],
    old: Option<&Value>,
    schema: Schema<'_>,
    at: &Trail<'_>,
) -> Outcome {
    let mut outcome = Outcome::default();
    if let Some(item_schema) = schema.items() {
        let old = old.map(|old| ratchet::OldItems::new(old, schema));
        for (index, item) in items.iter().enumerate() {
            let old = old.as_ref().and_then(|old| old.get(item));
            outcome.merge(check(item, old, item_schema, &Trail::Index(at, index)));
        }
    }
    if let Some(checks) = &schema.node().checks {
        let size = items.len() as u64;
        if let Some(min) = checks.min_items.filter(|min| size < *min) {
            let words = format!("should have at least {min} items");
            outcome.add(Failure::invalid(at, &Value::from(size), &words));
        }
        if let Some(max) = checks.max_items.filter(|max| size > *max) {
            outcome.add(Failure::too_many(at, items.len(), max));
        }
        if checks.unique_items && has_duplicates(items) {
            outcome.add(Failure::invalid(
                at,
                &Value::from(""),
                "shouldn't contain duplicates",
            ));
        }
    }
    outcome.matches += 1;
    outcome
}

/// The text of a JSON tree tells 1 from 1.0, as Go does.
fn has_duplicates(items: &[Value]) -> bool {
    let mut seen = HashSet::with_capacity(items.len());
    !items.iter().all(|item| seen.insert(item.to_string()))
}

pub(super) fn check_fields(
    fields: &Map<String, Value>,
    old: Option<&Value>,
    schema: Schema<'_>,
    at: &Trail<'_>,
) -> Outcome {
    let node = schema.node();
    let mut outcome = Outcome::default();
    if let Some(checks) = &node.checks {
        let size = fields.len() as u64;
        if let Some(min) = checks.min_properties.filter(|min| size < *min) {
            let words = format!("should have at least {min} properties");
            outcome.add(Failure::invalid(at, &Value::from(size), &words));
        }
        if let Some(max) = checks.max_properties.filter(|max| size > *max) {
            outcome.add(Failure::too_many(at, fields.len(), max));
        }
    }
    let old_of = |name: &str| {
        let is_type = at.is_root() && matches!(name, "apiVersion" | "kind");
        old.filter(|_| !is_type).and_then(|old| old.get(name))
    };
    if let Some(additional) = schema.additional() {
        for (name, value) in fields {
            let is_named = schema
                .property(name)
                .is_some_and(|property| !property.node().implied);
            if !is_named {
                outcome.merge(check(
                    value,
                    old_of(name),
                    additional,
                    &Trail::Dotted(at, name),
                ));
            }
        }
    }
    for (name, property) in schema.declared_properties() {
        if let Some(value) = fields.get(name) {
            outcome.merge(check(
                value,
                old_of(name),
                property,
                &Trail::Property(at, name),
            ));
        }
    }
    for name in &node.required {
        if !fields.contains_key(&**name) {
            outcome.add(Failure::required(&Trail::Dotted(at, name)));
        }
    }
    outcome
}
