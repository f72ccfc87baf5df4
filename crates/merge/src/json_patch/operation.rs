//! The operations, one after another, on one tree.
//!
//! Invariant: no tree here is deeper than `DEPTH_MAX`, so that recursion on it is bounded. Copies of an object
//! into itself would otherwise double the depth each time.

use super::pointer;
use crate::{PatchError, document::Node};
use serde_json::Value;
use std::collections::BTreeMap;

/// As much text as all copies of one patch may add.
const COPIED_BYTES_MAX: usize = 3 * 1024 * 1024;

/// As deep as a tree may get. What is stored must still be read, by a parser that stops at 128.
const DEPTH_MAX: usize = 120;

/// As many nodes as all depth checks of one patch may look at: some seconds. A move back and forth of a large tree
/// would otherwise cost its size each time.
const LOOKS_MAX: usize = 100_000_000;

/// One operation.
pub(super) struct Operation<'p> {
    fields: Option<&'p BTreeMap<String, Node>>,
}

impl<'p> Operation<'p> {
    pub(super) fn of(node: &'p Node) -> Result<Self, PatchError> {
        match node {
            Node::Object(fields) => Ok(Self {
                fields: Some(fields),
            }),
            Node::Null => Ok(Self { fields: None }),
            other => Err(PatchError::BadRequest(format!(
                "json: cannot unmarshal {} into Go value of type jsonpatch.Operation",
                other.kind()
            ))),
        }
    }

    fn get(&self, name: &str) -> Option<&'p Node> {
        self.fields?.get(name)
    }

    fn kind(&self) -> String {
        self.get("op")
            .and_then(Node::as_text)
            .unwrap_or_else(|| "unknown".to_owned())
    }

    fn text(&self, name: &str, missing: &str) -> Result<String, String> {
        match self.get(name) {
            None | Some(Node::Null) => Err(format!("{missing}: missing value")),
            Some(node) => node.as_text().ok_or_else(|| {
                format!(
                    "json: cannot unmarshal {} into Go value of type string",
                    node.kind()
                )
            }),
        }
    }

    fn path(&self) -> Result<String, String> {
        self.text("path", "operation missing path field")
    }

    fn from(&self) -> Result<String, String> {
        self.text("from", "operation, missing from field")
    }

    fn value(&self) -> Node {
        self.get("value").cloned().unwrap_or(Node::Null)
    }
}

/// A patch that runs.
pub(super) struct Run {
    root: Node,
    copied_bytes: usize,
    /// How many nodes depth checks may still look at.
    looks_left: usize,
}

impl Run {
    pub(super) fn new(root: Node) -> Self {
        Self {
            root,
            copied_bytes: 0,
            looks_left: LOOKS_MAX,
        }
    }

    pub(super) fn into_value(self) -> Value {
        self.root.to_value()
    }

    pub(super) fn apply(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        match operation.kind().as_str() {
            "add" => self.add(operation),
            "remove" => self.remove(operation),
            "replace" => self.replace(operation),
            "move" => self.relocate(operation),
            "test" => self.test(operation),
            "copy" => self.copy(operation),
            other => Err(format!("Unexpected kind: {other}")),
        }
    }

    /// Finds what holds the end of `path`.
    fn find(&mut self, path: &str) -> Option<(&mut Node, String)> {
        let mut parts = pointer::parts(path)?;
        let container = pointer::container(&mut self.root, &parts)?;
        Some((container, parts.pop()?))
    }

    fn add(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let path = operation
            .path()
            .map_err(|_| "add operation failed to decode path: missing value".to_owned())?;
        let value = operation.value();
        self.check_depth(&path, &value)?;
        let (container, key) = self.find(&path).ok_or_else(|| {
            format!("add operation does not apply: doc is missing path: \"{path}\": missing value")
        })?;
        pointer::add(container, &key, value)
            .map_err(|error| format!("error in add for path: '{path}': {error}"))
    }

    fn remove(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let path = operation
            .path()
            .map_err(|_| "remove operation failed to decode path: missing value".to_owned())?;
        let (container, key) = self.find(&path).ok_or_else(|| {
            format!(
                "remove operation does not apply: doc is missing path: \"{path}\": missing value"
            )
        })?;
        pointer::remove(container, &key)
            .map(drop)
            .map_err(|error| format!("error in remove for path: '{path}': {error}"))
    }

    fn replace(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let path = operation
            .path()
            .map_err(|error| format!("replace operation failed to decode path: {error}"))?;
        let value = operation.value();
        self.check_depth(&path, &value)?;
        if path.is_empty() {
            if !matches!(value, Node::Object(_) | Node::Array(_)) {
                let nothing = "%!w(<nil>)";
                return Err(format!(
                    "replace operation value must be object or array: {nothing}"
                ));
            }
            self.root = value;
            return Ok(());
        }
        let (container, key) = self.find(&path).ok_or_else(|| {
            format!("replace operation does not apply: doc is missing path: {path}: missing value")
        })?;
        pointer::get(container, &key).map_err(|_| {
            format!("replace operation does not apply: doc is missing key: {path}: missing value")
        })?;
        pointer::set(container, &key, value)
            .map_err(|error| format!("error in remove for path: '{path}': {error}"))
    }

    fn relocate(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let from = operation
            .from()
            .map_err(|error| format!("move operation failed to decode from: {error}"))?;
        let (container, key) = self.find(&from).ok_or_else(|| {
            format!(
                "move operation does not apply: doc is missing from path: {from}: missing value"
            )
        })?;
        let value = pointer::remove(container, &key)
            .map_err(|error| format!("error in move for path: '{key}': {error}"))?;
        let path = operation
            .path()
            .map_err(|error| format!("move operation failed to decode path: {error}"))?;
        // What doesn't get deeper need not be looked at.
        if path.matches('/').count() > from.matches('/').count() {
            self.check_depth(&path, &value)?;
        }
        let (container, key) = self.find(&path).ok_or_else(|| {
            format!(
                "move operation does not apply: doc is missing destination path: {path}: \
                 missing value"
            )
        })?;
        pointer::add(container, &key, value)
            .map_err(|error| format!("error in move for path: '{path}': {error}"))
    }

    fn test(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let path = operation
            .path()
            .map_err(|error| format!("test operation failed to decode path: {error}"))?;
        let failed = || format!("testing value {path} failed: test failed");
        let wanted = operation.value();
        if path.is_empty() {
            return if self.root == wanted {
                Ok(())
            } else {
                Err(failed())
            };
        }
        let (container, key) = self.find(&path).ok_or_else(|| {
            format!("test operation does not apply: is missing path: {path}: missing value")
        })?;
        let found = pointer::get(container, &key)
            .map_err(|error| format!("error in test for path: '{path}': {error}"))?;
        if *found.unwrap_or(&Node::Null) == wanted {
            Ok(())
        } else {
            Err(failed())
        }
    }

    fn copy(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let from = operation
            .from()
            .map_err(|error| format!("copy operation failed to decode from: {error}"))?;
        let (container, key) = self.find(&from).ok_or_else(|| {
            format!(
                "copy operation does not apply: doc is missing from path: {from}: missing value"
            )
        })?;
        let value = pointer::get(container, &key)
            .map_err(|error| format!("error in copy for from: '{from}': {error}"))?
            .cloned();
        let path = operation
            .path()
            .map_err(|_| "copy operation failed to decode path: missing value".to_owned())?;
        let size = match &value {
            None | Some(Node::Null) => 0,
            Some(value) => value.size(),
        };
        let value = value.unwrap_or(Node::Null);
        self.check_depth(&path, &value)?;
        let copied = self.copied_bytes.saturating_add(size);
        let (container, key) = self.find(&path).ok_or_else(|| {
            format!(
                "copy operation does not apply: doc is missing destination path: {path}: \
                 missing value"
            )
        })?;
        if copied > COPIED_BYTES_MAX {
            return Err(format!(
                "Unable to complete the copy, the accumulated size increase of copy is {copied}, \
                 exceeding the limit {COPIED_BYTES_MAX}"
            ));
        }
        pointer::add(container, &key, value)
            .map_err(|error| format!("error while adding value during copy: {error}"))?;
        self.copied_bytes = copied;
        Ok(())
    }

    fn check_depth(&mut self, path: &str, value: &Node) -> Result<(), String> {
        let (depth, nodes) = value.extent();
        let depth = path.matches('/').count() + depth;
        if depth > DEPTH_MAX {
            return Err(format!(
                "the value would be {depth} levels deep, exceeding the limit {DEPTH_MAX}"
            ));
        }
        self.looks_left = self
            .looks_left
            .checked_sub(nodes)
            .ok_or_else(|| "the patch moves and adds too much".to_owned())?;
        Ok(())
    }
}
