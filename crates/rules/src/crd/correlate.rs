//! Which old value belongs to which new one, and whether nothing changed: what transition rules and ratcheting need.

use serde_json::Value;
use std::{cell::OnceCell, collections::HashMap};
use tidegate_schema::{ListType, Schema};

/// A new value, the old one, and their schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    new: &'a Value,
    old: &'a Value,
    schema: Schema<'a>,
}

impl<'a> Pair<'a> {
    pub(super) fn new(new: &'a Value, old: &'a Value, schema: Schema<'a>) -> Self {
        Self { new, old, schema }
    }

    pub(super) fn key(&self, name: &str) -> Option<Pair<'a>> {
        let (new, old) = (
            self.new.as_object()?.get(name)?,
            self.old.as_object()?.get(name)?,
        );
        Some(Pair {
            new,
            old,
            schema: self.schema.field(name)?,
        })
    }

    /// Items correspond only in lists that are maps.
    pub(super) fn index(&self, index: usize, keyed: &Keyed<'a>) -> Option<Pair<'a>> {
        let new = self.new.as_array()?.get(index)?;
        self.old.as_array()?;
        Some(Pair {
            new,
            old: keyed.get(new)?,
            schema: self.schema.items()?,
        })
    }

    /// Whether nothing changed, lists that are maps in any order.
    pub(super) fn same(&self) -> bool {
        match (self.new, self.old) {
            (Value::Array(new), Value::Array(old)) => {
                if new.len() != old.len() {
                    return false;
                }
                let keyed = Keyed::new(self.schema, self.old);
                if !keyed.is_map() {
                    return new == old;
                }
                (0..new.len())
                    .all(|index| self.index(index, &keyed).is_some_and(|pair| pair.same()))
            }
            (Value::Object(new), Value::Object(old)) => {
                new.len() == old.len()
                    && new
                        .keys()
                        .all(|key| self.key(key).is_some_and(|pair| pair.same()))
            }
            (new, old) => new == old,
        }
    }
}

/// Where a value stands for ratcheting: its pair, or the nearest parent that has one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ratchet<'a> {
    pub(super) current: Option<Pair<'a>>,
    parent: Option<Pair<'a>>,
}

impl<'a> Ratchet<'a> {
    pub(super) fn of(pair: Option<Pair<'a>>) -> Self {
        Self {
            current: pair,
            parent: None,
        }
    }

    /// As seen from inside `allOf`.
    pub(super) fn in_all_of(self) -> Self {
        Self {
            current: None,
            parent: self.parent,
        }
    }

    pub(super) fn key(self, name: &str) -> Self {
        match self.current {
            None => self,
            Some(_) if self.parent.is_none() && matches!(name, "apiVersion" | "kind") => {
                Self::default()
            }
            Some(pair) => Self {
                current: pair.key(name),
                parent: Some(pair),
            },
        }
    }

    pub(super) fn index(self, index: usize, keyed: &Keyed<'a>) -> Self {
        match self.current {
            None => self,
            Some(pair) => Self {
                current: pair.index(index, keyed),
                parent: Some(pair),
            },
        }
    }

    /// Whether errors here are let pass: nothing changed.
    pub(super) fn unchanged(self) -> bool {
        self.current.or(self.parent).is_some_and(|pair| pair.same())
    }
}

/// The items of an old list by their keys, where the list is a map.
#[derive(Debug)]
pub(super) struct Keyed<'a> {
    schema: Schema<'a>,
    items: Option<&'a [Value]>,
    by_key: OnceCell<HashMap<String, &'a Value>>,
}

impl<'a> Keyed<'a> {
    pub(super) fn new(schema: Schema<'a>, old: &'a Value) -> Self {
        let node = schema.node();
        let is_map = node.list_type == ListType::Map && !node.list_map_keys.is_empty();
        Self {
            schema,
            items: old
                .as_array()
                .filter(|items| is_map && !items.is_empty())
                .map(Vec::as_slice),
            by_key: OnceCell::new(),
        }
    }

    /// No old list.
    pub(super) fn none(schema: Schema<'a>) -> Self {
        Self {
            schema,
            items: None,
            by_key: OnceCell::new(),
        }
    }

    fn is_map(&self) -> bool {
        self.items.is_some()
    }

    fn key(&self, item: &Value) -> Option<String> {
        let mut parts = Vec::new();
        for key in &self.schema.node().list_map_keys {
            let value = item.get(&**key)?;
            if value.is_array() || value.is_object() || value.is_null() {
                return None;
            }
            parts.push(value);
        }
        serde_json::to_string(&parts).ok()
    }

    /// The old item that has the same keys as a new one.
    pub(super) fn get(&self, item: &Value) -> Option<&'a Value> {
        let items = self.items?;
        let by_key = self.by_key.get_or_init(|| {
            let mut out = HashMap::with_capacity(items.len());
            for old in items {
                if let Some(key) = self.key(old) {
                    out.entry(key).or_insert(old);
                }
            }
            out
        });
        by_key.get(&self.key(item)?).copied()
    }
}
