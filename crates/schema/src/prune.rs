//! Pruning: fields that the schema doesn't know are dropped, and their paths told.

use crate::{Additional, Schema};
use serde_json::{Map, Value};

/// Drops what `schema` doesn't know and gives the paths of what was dropped (`spec.list[0].bar`), sorted.
///
/// At the root of a resource, and in embedded resources, `apiVersion`, `kind` and `metadata` are left alone:
/// [`crate::coerce_metadata`] looks after them.
pub fn prune(value: &mut Value, schema: Schema<'_>, is_resource_root: bool) -> Vec<String> {
    let mut pruner = Pruner::default();
    pruner.prune(value, Place::At(schema), is_resource_root);
    pruner.unknown.sort();
    pruner.unknown
}

/// What is known of a place.
#[derive(Clone, Copy)]
enum Place<'a> {
    At(Schema<'a>),
    /// Nothing: scalars stay, fields go.
    Unknown,
}

#[derive(Default)]
struct Pruner {
    path: String,
    unknown: Vec<String>,
}

impl Pruner {
    fn prune(&mut self, value: &mut Value, place: Place<'_>, embedded: bool) {
        let schema = match place {
            Place::At(schema) if schema.node().preserve_unknown_fields => {
                return self.skip(value, schema, embedded);
            }
            Place::At(schema) => Some(schema),
            Place::Unknown => None,
        };
        match value {
            Value::Object(fields) => self.fields(fields, schema, embedded),
            Value::Array(items) => {
                let place = schema
                    .and_then(Schema::items)
                    .map_or(Place::Unknown, Place::At);
                for (index, item) in items.iter_mut().enumerate() {
                    self.at_index(index, |pruner| pruner.prune(item, place, false));
                }
            }
            _ => {}
        }
    }

    fn fields(
        &mut self,
        fields: &mut Map<String, Value>,
        schema: Option<Schema<'_>>,
        embedded: bool,
    ) {
        let embedded = embedded || schema.is_some_and(|schema| schema.node().embedded_resource);
        fields.retain(|name, value| {
            let is_meta = matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
            if embedded && is_meta {
                return true;
            }
            match schema.and_then(|schema| place_of(schema, name)) {
                Some(place) => {
                    self.at_key(name, |pruner| pruner.prune(value, place, false));
                    true
                }
                None => {
                    if schema.is_none() || !is_meta || !self.path.is_empty() {
                        self.record(name);
                    }
                    false
                }
            }
        });
    }

    /// Walks what keeps unknown fields: only what has a schema is pruned further in.
    fn skip(&mut self, value: &mut Value, schema: Schema<'_>, embedded: bool) {
        match value {
            Value::Object(fields) => {
                let embedded = embedded || schema.node().embedded_resource;
                for (name, value) in fields.iter_mut() {
                    if embedded && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                        continue;
                    }
                    if let Some(place) = place_of(schema, name) {
                        self.at_key(name, |pruner| pruner.prune(value, place, false));
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = schema.items() else { return };
                for (index, item) in items.iter_mut().enumerate() {
                    self.at_index(index, |pruner| pruner.skip(item, schema, false));
                }
            }
            _ => {}
        }
    }

    fn at_key(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        push_key(&mut self.path, name);
        inside(self);
        self.path.truncate(length);
    }

    fn at_index(&mut self, index: usize, inside: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(&format!("[{index}]"));
        inside(self);
        self.path.truncate(length);
    }

    fn record(&mut self, name: &str) {
        let mut path = self.path.clone();
        push_key(&mut path, name);
        self.unknown.push(path);
    }
}

/// What is known of a field; nothing where the field isn't.
fn place_of<'a>(schema: Schema<'a>, name: &str) -> Option<Place<'a>> {
    match (schema.declared(name), schema.node().additional) {
        (Some(schema), _) => Some(Place::At(schema)),
        (None, Additional::Any) => Some(Place::Unknown),
        (None, _) => None,
    }
}

fn push_key(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}
