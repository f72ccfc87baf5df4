//! Defaults of a schema must be pruned and valid, and those inside of metadata must make valid metadata.

use super::structural;
use crate::{errors::Errors, view::Props};
use serde_json::{Map, Value, json};
use tidegate_rules::{REQUEST_BUDGET, Rules};
use tidegate_schema::{
    FieldError, FieldErrorType, Path, Schema, Schemas, coerce_embedded, coerce_metadata, go_json,
    prune, validate_embedded, validate_values,
};

/// Tells what is wrong with the defaults of a structural schema.
pub(super) fn check(schema: Props<'_>, path: &Path<'_>, pruned: bool) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if !has_defaults(schema) {
        return Vec::new();
    }
    let schemas = match as_resource(schema) {
        Ok(schemas) => schemas,
        Err(error) => {
            errors.invalid(path, "", error);
            return errors.into_vec();
        }
    };
    let root = schemas.0.get(schemas.1);
    let mut walk = Walk {
        errors,
        pruned,
        budget: REQUEST_BUDGET,
    };
    walk.node(
        schema,
        root,
        &Inside {
            root,
            way: Way::Root,
            meta: false,
        },
        path,
        true,
    );
    walk.errors.into_vec()
}

/// Whether no default of a stored schema has a field that the schema doesn't know.
pub(super) fn are_pruned(schema: Props<'_>) -> bool {
    if !has_defaults(schema) || !structural::is_structural(schema) {
        return true;
    }
    as_resource(schema).is_ok_and(|(schemas, root)| all_pruned(schema, schemas.get(root)))
}

fn all_pruned(props: Props<'_>, schema: Schema<'_>) -> bool {
    let here = props
        .default()
        .is_none_or(|default| is_pruned(default, schema, props.embedded()));
    here && props
        .item()
        .zip(schema.items())
        .is_none_or(|(props, schema)| all_pruned(props, schema))
        && props.properties().all(|(name, child)| {
            schema
                .property(name)
                .is_none_or(|schema| all_pruned(child, schema))
        })
}

fn has_defaults(schema: Props<'_>) -> bool {
    schema.any(&mut |node| node.default().is_some())
}

fn is_pruned(default: &Value, schema: Schema<'_>, embedded: bool) -> bool {
    prune(&mut default.clone(), schema, embedded).is_empty()
}

/// The schema's nodes, with a root that counts as an embedded resource: it has metadata to check.
fn as_resource(schema: Props<'_>) -> Result<(Schemas, tidegate_schema::NodeId), String> {
    let fields = schema
        .fields()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.clone()));
    let mut fields: Map<String, Value> = fields.collect();
    fields.insert("x-kubernetes-embedded-resource".to_owned(), true.into());
    Schemas::from_crd(&fields.into()).map_err(|error| error.to_string())
}

/// How a value comes to stand in a resource: the steps down to it.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    Root,
    Field(&'a Way<'a>, &'a str),
    Item(&'a Way<'a>),
}

impl Way<'_> {
    /// The resource that has nothing but this value.
    fn surround(self, value: Value) -> Value {
        match self {
            Self::Root => value,
            Self::Field(above, name) => above.surround(json!({ name: value })),
            Self::Item(above) => above.surround(json!([value])),
        }
    }
}

/// Where in a resource a schema is.
#[derive(Clone, Copy)]
struct Inside<'a> {
    /// The resource's schema.
    root: Schema<'a>,
    way: Way<'a>,
    /// In its kind, apiVersion or metadata.
    meta: bool,
}

struct Walk {
    errors: Errors,
    pruned: bool,
    /// What rules may still cost.
    budget: u64,
}

impl Walk {
    fn node(
        &mut self,
        props: Props<'_>,
        schema: Schema<'_>,
        inside: &Inside<'_>,
        path: &Path<'_>,
        root: bool,
    ) {
        if self.errors.full() || self.budget == 0 {
            return;
        }
        let embedded = root || props.embedded();
        let fresh = Inside {
            root: schema,
            way: Way::Root,
            meta: false,
        };
        let inside = if embedded { &fresh } else { inside };
        if let Some(default) = props.default() {
            let here = path.child("default");
            if inside.meta {
                self.in_meta(default, schema, inside, &here);
            } else {
                self.plain(default, schema, embedded, &here);
            }
        }
        // There are no defaults below additionalProperties.
        if let Some((item, schema)) = props.item().zip(schema.items()) {
            let below = Inside {
                way: Way::Item(&inside.way),
                ..*inside
            };
            self.node(item, schema, &below, &path.child("items"), false);
        }
        let here = path.child("properties");
        for (name, child) in props.properties() {
            let Some(schema) = schema.property(name) else {
                continue;
            };
            let meta =
                inside.meta || embedded && matches!(name, "metadata" | "apiVersion" | "kind");
            let below = Inside {
                way: Way::Field(&inside.way, name),
                meta,
                ..*inside
            };
            self.node(child, schema, &below, &here.key(name), false);
        }
    }

    fn plain(&mut self, default: &Value, schema: Schema<'_>, embedded: bool, path: &Path<'_>) {
        if self.pruned && !is_pruned(default, schema, embedded) {
            self.invalid(path, default, "must not have unknown fields");
        }
        let mut coerced = default.clone();
        if let Err(error) = coerce_embedded(&mut coerced, schema, path, false) {
            self.errors.push(error);
            return;
        }
        let faults = validate_embedded(default, schema, path);
        if faults.is_empty() {
            self.values(default, schema, path);
        } else {
            self.errors.extend(faults);
        }
    }

    /// Checks the value itself, and its rules.
    fn values(&mut self, default: &Value, schema: Schema<'_>, path: &Path<'_>) {
        let mut faults = validate_values(default, None, schema, path);
        if faults.is_empty() {
            // Once as a new value, and once as one that doesn't change, of which only transition rules are told.
            let rules = Rules::compile(schema);
            faults = rules.validate(schema, default, None, path, &mut self.budget);
            let more = rules.validate(schema, default, Some(default), path, &mut self.budget);
            let new = more.into_iter().filter(|fault| !faults.contains(fault));
            faults.extend(new.collect::<Vec<_>>());
        }
        self.errors.extend(faults);
    }

    fn in_meta(
        &mut self,
        default: &Value,
        schema: Schema<'_>,
        inside: &Inside<'_>,
        path: &Path<'_>,
    ) {
        let mut resource = inside.way.surround(default.clone());
        if let Some(fields) = resource.as_object_mut() {
            fields.entry("kind").or_insert_with(|| "Validation".into());
            fields
                .entry("apiVersion")
                .or_insert_with(|| "validation/v1".into());
        }
        let coerced = coerce_embedded(&mut resource, inside.root, &Path::ROOT, false)
            .map_err(|error| error.to_string())
            .and_then(|_| coerce_metadata(&mut resource, false));
        if let Err(error) = coerced {
            return self.invalid(
                path,
                default,
                &format!("must result in valid metadata: {error}"),
            );
        }
        let faults = validate_embedded(&resource, inside.root, &Path::ROOT);
        if faults.is_empty() {
            self.errors
                .extend(validate_values(default, None, schema, path));
        } else {
            let faults: Vec<String> = faults.iter().map(FieldError::to_string).collect();
            let detail = format!(
                "must result in valid metadata: {}",
                crate::errors::aggregate(&faults)
            );
            self.invalid(path, default, &detail);
        }
    }

    fn invalid(&mut self, path: &Path<'_>, default: &Value, detail: &str) {
        if default.is_string() {
            return self.errors.push(FieldError::invalid(path, default, detail));
        }
        let error = FieldError::new(FieldErrorType::Invalid, path, detail);
        self.errors.push(FieldError {
            bad_value: go_json(default),
            ..error
        });
    }
}
