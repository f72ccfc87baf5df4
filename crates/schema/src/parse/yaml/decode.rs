//! From nodes to a JSON tree: aliases followed, keys made strings, merge keys merged.
//!
//! What aliases bring is counted as go-yaml counts it; the bytes of texts that they repeat are limited, too.

use super::{
    scalar::{Scalar, resolve},
    tree::{Id, Kind, Node, Tree},
};
use crate::{DEPTH_MAX, gotext};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// As many bytes as aliases may repeat.
const REPEATED_MAX: usize = 32 << 20;
/// As many duplicate keys are told.
const COMPLAINTS_MAX: usize = 100;

pub(super) struct Decoder<'a> {
    tree: &'a Tree,
    /// Aliases that are being followed.
    following: Vec<Id>,
    decoded: usize,
    through_aliases: usize,
    repeated: usize,
    duplicates: Vec<String>,
    /// What only the way to JSON refuses, after all was read: keys first.
    bad_key: Option<String>,
    bad_number: Option<String>,
}

/// A key before it is made a string: 1 and "1" are two.
type Key = (std::mem::Discriminant<Scalar>, String);

/// A map on its way, with the keys that it has.
#[derive(Default)]
struct Fields {
    fields: Map<String, Value>,
    seen: HashSet<Key>,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        Self {
            tree,
            following: Vec::new(),
            decoded: 0,
            through_aliases: 0,
            repeated: 0,
            duplicates: Vec::new(),
            bad_key: None,
            bad_number: None,
        }
    }

    pub(super) fn document(&mut self) -> Result<Value, String> {
        let value = match self.tree.root {
            Some(root) => self.value(root, 0)?,
            None => Value::Null,
        };
        match self.bad_key.take().or(self.bad_number.take()) {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }

    /// What the strict decoder says of duplicate keys.
    pub(super) fn complaint(self) -> Option<String> {
        let lines = self.duplicates;
        (!lines.is_empty()).then(|| format!("yaml: unmarshal errors:\n  {}", lines.join("\n  ")))
    }

    fn value(&mut self, id: Id, depth: usize) -> Result<Value, String> {
        self.count()?;
        let node = self.node(id);
        if depth > DEPTH_MAX {
            return Err(format!("yaml: exceeded max depth of {DEPTH_MAX}"));
        }
        match &node.kind {
            Kind::Scalar { .. } => {
                let value = self.scalar(node)?.into_value();
                Ok(value.unwrap_or_else(|error| {
                    self.bad_number.get_or_insert(error);
                    Value::Null
                }))
            }
            Kind::Sequence(items) => items
                .iter()
                .map(|item| self.value(*item, depth + 1))
                .collect(),
            Kind::Mapping(_) => {
                let mut fields = Fields::default();
                self.mapping(id, depth, &mut fields)?;
                Ok(Value::Object(fields.fields))
            }
            Kind::Alias { to, .. } => {
                self.enter(id)?;
                let value = self.value(*to, depth);
                self.following.pop();
                value
            }
        }
    }

    fn node(&self, id: Id) -> &'a Node {
        &self.tree.nodes[id]
    }

    fn scalar(&mut self, node: &'a Node) -> Result<Scalar, String> {
        let Kind::Scalar {
            text,
            is_implicit,
            tag,
        } = &node.kind
        else {
            return Err("yaml: a scalar is expected".to_owned());
        };
        if !self.following.is_empty() {
            self.repeated += text.len();
        }
        resolve(text, *is_implicit, tag.as_deref()).map_err(|error| format!("yaml: {error}"))
    }

    fn enter(&mut self, alias: Id) -> Result<(), String> {
        if self.following.contains(&alias)
            && let Kind::Alias { name, .. } = &self.node(alias).kind
        {
            return Err(format!("yaml: anchor '{name}' value contains itself"));
        }
        self.following.push(alias);
        Ok(())
    }

    /// Counts what is decoded, and refuses where too much of it comes through aliases.
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    fn count(&mut self) -> Result<(), String> {
        self.decoded += 1;
        if !self.following.is_empty() {
            self.through_aliases += 1;
        }
        let (low, high) = (400_000.0, 4_000_000.0);
        let decoded = self.decoded as f64;
        let share = (decoded.clamp(low, high) - low) / (high - low);
        let is_excessive = self.through_aliases > 100
            && self.decoded > 1000
            && self.through_aliases as f64 / decoded > 0.99 - 0.89 * share;
        match is_excessive || self.repeated > REPEATED_MAX {
            true => Err("yaml: document contains excessive aliasing".to_owned()),
            false => Ok(()),
        }
    }

    fn mapping(&mut self, id: Id, depth: usize, into: &mut Fields) -> Result<(), String> {
        let Kind::Mapping(children) = &self.node(id).kind else {
            return Err("yaml: map merge requires map or sequence of maps as the value".to_owned());
        };
        for pair in children.chunks_exact(2) {
            let (key, value) = (pair[0], pair[1]);
            if is_merge(self.node(key)) {
                self.merge(value, depth, into)?;
                continue;
            }
            let key = self.key(key, depth)?;
            let shown = key.shown();
            let typed = (std::mem::discriminant(&key), shown.clone());
            let decoded = self.value(value, depth + 1)?;
            let Some(name) = key.into_key() else {
                self.refuse_key(&shown, &decoded);
                continue;
            };
            if !into.seen.insert(typed) && self.duplicates.len() < COMPLAINTS_MAX {
                let line = self.node(value).line;
                self.duplicates
                    .push(format!("line {line}: key {shown} already set in map"));
            }
            into.fields.insert(name, decoded);
        }
        Ok(())
    }

    fn refuse_key(&mut self, key: &str, value: &Value) {
        let value = match value {
            Value::Null => "<nil>".to_owned(),
            value => gotext::syntax(value),
        };
        self.bad_key.get_or_insert_with(|| {
            format!("unsupported map key of type: %!s(<nil>), key: {key}, value: {value}")
        });
    }

    fn key(&mut self, id: Id, depth: usize) -> Result<Scalar, String> {
        self.count()?;
        let node = self.node(id);
        match &node.kind {
            Kind::Scalar { .. } => self.scalar(node),
            Kind::Alias { to, .. } if depth <= DEPTH_MAX => {
                self.enter(id)?;
                let key = self.key(*to, depth + 1);
                self.following.pop();
                key
            }
            Kind::Alias { .. } => Err(format!("yaml: exceeded max depth of {DEPTH_MAX}")),
            Kind::Mapping(_) | Kind::Sequence(_) => {
                let value = self.value(id, depth + 1)?;
                Err(format!("yaml: invalid map key: {}", gotext::syntax(&value)))
            }
        }
    }

    /// `<<`: what the named maps have is put in, the first of several last.
    fn merge(&mut self, id: Id, depth: usize, into: &mut Fields) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("yaml: exceeded max depth of {DEPTH_MAX}"));
        }
        self.count()?;
        match &self.node(id).kind {
            Kind::Alias { to, .. } => {
                self.enter(id)?;
                self.count()?;
                let merged = self.mapping(*to, depth + 1, into);
                self.following.pop();
                merged
            }
            Kind::Sequence(items) => {
                let is_map = |id: &Id| match &self.node(*id).kind {
                    Kind::Alias { to, .. } => matches!(self.node(*to).kind, Kind::Mapping(_)),
                    kind => matches!(kind, Kind::Mapping(_)),
                };
                match items.iter().all(is_map) {
                    true => items
                        .iter()
                        .rev()
                        .try_for_each(|item| self.merge(*item, depth + 1, into)),
                    false => Err(
                        "yaml: map merge requires map or sequence of maps as the value".to_owned(),
                    ),
                }
            }
            _ => self.mapping(id, depth + 1, into),
        }
    }
}

fn is_merge(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar {
            text,
            is_implicit,
            tag,
        } => {
            &**text == "<<"
                && ((*is_implicit && tag.is_none()) || tag.as_deref() == Some("!!merge"))
        }
        _ => false,
    }
}
