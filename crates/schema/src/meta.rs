//! `metadata` of custom resources and of resources embedded in them: read as Go reads an ObjectMeta, and checked.

mod decode;
mod names;
mod object;
mod time;

use crate::{FieldError, Path, Schema};
use serde_json::Value;

pub(crate) use self::{decode::decode, object::validate_object_meta};
pub use self::{
    names::{
        dns1035_label_errors, dns1123_label_errors, dns1123_subdomain_errors, form_error,
        is_dns1123_subdomain, label_value_errors, path_segment_errors, qualified_name_errors,
        too_long_errors,
    },
    time::canonical_time,
};

/// Reads the metadata of an object as Go reads an ObjectMeta, and puts it back as Go writes one: unknown fields and
/// empty ones are gone, times are in UTC.
///
/// Gives what the strict decoder says of unknown fields, in its order: `unknown field "metadata.foo"`. A wrong type
/// is an error in Go's words, or with `drop_invalid` a field that is left out.
pub fn coerce_metadata(object: &mut Value, drop_invalid: bool) -> Result<Vec<String>, String> {
    let Some(metadata) = object.get_mut("metadata") else {
        return Ok(Vec::new());
    };
    let mut unknown = Vec::new();
    decode(metadata, drop_invalid, &mut unknown)?;
    let say = |path: String| format!("unknown field \"metadata.{path}\"");
    Ok(unknown.into_iter().map(say).collect())
}

/// Does the same to all resources that are embedded in `value`, and asks that their `apiVersion` and `kind` be
/// strings. Gives the paths of unknown fields, sorted. The root itself isn't looked at unless its schema says so.
pub fn coerce_embedded(
    value: &mut Value,
    schema: Schema<'_>,
    at: &Path<'_>,
    drop_invalid: bool,
) -> Result<Vec<String>, FieldError> {
    let mut unknown = Vec::new();
    embedded(value, schema, at, drop_invalid, &mut unknown)?;
    unknown.sort();
    Ok(unknown)
}

fn embedded(
    value: &mut Value,
    schema: Schema<'_>,
    at: &Path<'_>,
    drop_invalid: bool,
    unknown: &mut Vec<String>,
) -> Result<(), FieldError> {
    match value {
        Value::Object(fields) => {
            if schema.node().embedded_resource {
                for name in ["apiVersion", "kind"] {
                    match fields.get(name) {
                        None | Some(Value::String(_)) => {}
                        Some(_) if drop_invalid => drop(fields.remove(name)),
                        Some(other) => {
                            return Err(FieldError::invalid(
                                &at.child(name),
                                other,
                                "must be a string",
                            ));
                        }
                    }
                }
                if let Some(metadata) = fields.get_mut("metadata") {
                    let at = at.child("metadata");
                    let mut found = Vec::new();
                    let before = metadata.clone();
                    if let Err(error) = decode(metadata, drop_invalid, &mut found)
                        && !drop_invalid
                    {
                        return Err(FieldError::invalid(&at, &before, error));
                    }
                    unknown.extend(found.into_iter().map(|path| format!("{at}.{path}")));
                }
            }
            for (name, value) in fields.iter_mut() {
                let named = schema
                    .property(name)
                    .filter(|property| !property.node().implied);
                match (named, schema.additional()) {
                    (Some(schema), _) => {
                        embedded(value, schema, &at.child(name), drop_invalid, unknown)?
                    }
                    (None, Some(schema)) => {
                        embedded(value, schema, &at.key(name), drop_invalid, unknown)?
                    }
                    (None, None) => {}
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.items() else {
                return Ok(());
            };
            for (index, item) in items.iter_mut().enumerate() {
                embedded(item, schema, &at.index(index), drop_invalid, unknown)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Everything that kube-apiserver's decoder does to a custom resource: metadata read as an ObjectMeta, unknown fields
/// pruned (unless the definition keeps them), nulls that can't be dropped, embedded resources put in order.
///
/// Gives what the strict decoder says of unknown fields, in its order. Defaults come after this.
pub fn coerce_resource(
    object: &mut Value,
    schema: Schema<'_>,
    keep_unknown_fields: bool,
    drop_invalid: bool,
) -> Result<Vec<String>, String> {
    let mut complaints = coerce_metadata(object, drop_invalid)?;
    let say = |path: String| format!("unknown field \"{path}\"");
    if !keep_unknown_fields {
        complaints.extend(crate::prune(object, schema, true).into_iter().map(say));
        crate::prune_nulls(object, schema);
    }
    let embedded = coerce_embedded(object, schema, &Path::ROOT, drop_invalid);
    complaints.extend(
        embedded
            .map_err(|error| error.to_string())?
            .into_iter()
            .map(say),
    );
    Ok(complaints)
}
