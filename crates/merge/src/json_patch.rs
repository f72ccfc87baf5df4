//! JSON patch (RFC 6902), as the library that kube-apiserver uses reads it: negative indexes count from the end,
//! `replace` makes a field that isn't there, and `test` compares scalars by their text.

mod operation;
mod pointer;

use self::operation::{Operation, Run};
use crate::{
    PatchError,
    document::{self, Node},
};
use serde_json::Value;

/// As many operations as one patch may have.
const OPERATIONS_MAX: usize = 10_000;

/// The outcome of a patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    /// The object.
    pub value: Value,
    /// What strict field validation refuses and the mode `Warn` warns of, in this order.
    pub strict_errors: Vec<String>,
}

/// Applies a JSON patch. `strict` is field validation other than `Ignore`: it decodes the patch more carefully.
pub fn json_patch(object: &Value, patch: &[u8], strict: bool) -> Result<Patched, PatchError> {
    let document = document::parse_operations(patch)?;
    let operations = match &document.root {
        Node::Null => &[],
        Node::Array(operations) => operations.as_slice(),
        other if strict => {
            return Err(refused(other, "Go value of type []handlers.jsonPatchOp"));
        }
        other => {
            let kind = other.kind();
            return Err(PatchError::BadRequest(format!(
                "json: cannot unmarshal {kind} into Go value of type jsonpatch.Patch"
            )));
        }
    };
    let mut strict_errors = Vec::new();
    if strict {
        check_types(operations)?;
        let complaints = document.complaints.iter();
        strict_errors = complaints
            .map(|text| format!("json patch {text}"))
            .collect();
    }
    let operations = operations
        .iter()
        .map(Operation::of)
        .collect::<Result<Vec<_>, _>>()?;
    if operations.len() > OPERATIONS_MAX {
        return Err(PatchError::TooLarge(format!(
            "The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {}",
            operations.len()
        )));
    }
    let mut run = Run::new(Node::of(object));
    for operation in &operations {
        run.apply(operation).map_err(PatchError::Unprocessable)?;
    }
    Ok(Patched {
        value: run.into_value(),
        strict_errors,
    })
}

fn refused(node: &Node, target: &str) -> PatchError {
    PatchError::BadRequest(format!(
        "error decoding patch: json: cannot unmarshal {} into {target}",
        node.kind()
    ))
}

/// Strict decoding wants strings where an operation has them.
fn check_types(operations: &[Node]) -> Result<(), PatchError> {
    for operation in operations {
        let fields = match operation {
            Node::Object(fields) => fields,
            Node::Null => continue,
            other => return Err(refused(other, "Go value of type handlers.jsonPatchOp")),
        };
        for name in ["op", "path", "from"] {
            match fields.get(name) {
                None | Some(Node::Null) => {}
                Some(node) if node.kind() == "string" => {}
                Some(node) => {
                    let target = format!("Go struct field jsonPatchOp.{name} of type string");
                    return Err(refused(node, &target));
                }
            }
        }
    }
    Ok(())
}
