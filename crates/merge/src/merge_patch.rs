//! JSON merge patch (RFC 7386), as the library that kube-apiserver uses does it.

use crate::document::Node;
use crate::{PatchError, Patched, document};
use serde_json::{Map, Value};

/// Applies a merge patch. `strict` is field validation other than `Ignore`: it decodes the patch more carefully.
pub fn merge_patch(object: &Value, patch: &[u8], strict: bool) -> Result<Patched, PatchError> {
    let document = document::parse(patch)?;
    let bad = || PatchError::BadRequest("Invalid JSON Patch".to_owned());
    let fields = match &document.root {
        Node::Object(_) => match document.root.to_value() {
            Value::Object(fields) => fields,
            _ => return Err(bad()),
        },
        Node::Null => return Err(bad()),
        _ if strict => {
            return match document.into_object() {
                Ok(_) => Err(bad()),
                Err(error) => Err(PatchError::BadRequest(format!(
                    "error decoding patch: {error}"
                ))),
            };
        }
        Node::Array(_) => {
            let mut value = document.root.to_value();
            prune(&mut value);
            return Ok(Patched {
                value,
                strict_errors: Vec::new(),
            });
        }
        Node::Scalar(_) => return Err(bad()),
    };
    let mut value = object.clone();
    match &mut value {
        Value::Object(target) => merge(target, fields),
        _ => {
            let mut fields = Value::Object(fields);
            prune(&mut fields);
            value = fields;
        }
    }
    Ok(Patched {
        value,
        strict_errors: if strict {
            document.complaints
        } else {
            Vec::new()
        },
    })
}

fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, mut new) in patch {
        match (target.get_mut(&name), &mut new) {
            (_, Value::Null) => {
                target.remove(&name);
            }
            (Some(Value::Object(target)), Value::Object(new)) => merge(target, std::mem::take(new)),
            // An object that is replaced by something else: nulls in lists stay.
            (Some(old @ Value::Object(_)), _) => *old = new,
            _ => {
                prune(&mut new);
                target.insert(name, new);
            }
        }
    }
}

/// Removes fields that are null, on every level.
fn prune(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(prune);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}
