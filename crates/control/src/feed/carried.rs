//! Objects that were carried over from disk, until the server confirms them or says that they are gone.

use super::source::Source;
use crate::state::Saved;
use bytes::Bytes;
use std::collections::HashMap;
use tidegate_compile::{Kind, ObjectKey};

/// What isn't confirmed yet.
#[derive(Debug, Default)]
pub(crate) struct Carried(HashMap<(Kind, ObjectKey), Bytes>);

impl Carried {
    /// Objects of kinds that this program doesn't know are left out.
    pub(super) fn new(saved: Vec<Saved>) -> Self {
        let known = saved.into_iter().filter_map(|one| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == one.kind)?;
            let key = ObjectKey::new(one.namespace.as_deref().unwrap_or_default(), &one.name);
            Some(((kind, key), one.json))
        });
        Self(known.collect())
    }

    /// All objects, kinds in the compiler's favourite order.
    pub(crate) fn in_order(&self) -> Vec<(Kind, &Bytes)> {
        let place = |kind: Kind| Kind::ALL.iter().position(|one| *one == kind);
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|((kind, _), json)| (*kind, json))
            .collect();
        all.sort_by_key(|(kind, _)| place(*kind));
        all
    }

    /// The server has spoken of it.
    pub(super) fn confirm(&mut self, kind: Kind, key: &ObjectKey) {
        if !self.0.is_empty() {
            self.0.remove(&(kind, key.clone()));
        }
    }

    /// Those that a source would know if they were still there.
    pub(super) fn covered(&self, source: &Source) -> Vec<ObjectKey> {
        self.0
            .keys()
            .filter(|(kind, key)| source.covers(*kind, key))
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// Whether something that the source covers is known from disk.
    pub(super) fn covers(&self, source: &Source) -> bool {
        self.0.keys().any(|(kind, key)| source.covers(*kind, key))
    }

    pub(super) fn keys(&self) -> Vec<(Kind, ObjectKey)> {
        self.0.keys().cloned().collect()
    }

    /// All of it, to be kept on disk.
    pub(super) fn all(&self) -> Vec<Saved> {
        self.0
            .iter()
            .map(|((kind, key), json)| Saved {
                kind: kind.name().to_owned(),
                namespace: Some(key.namespace.to_string()).filter(|text| !text.is_empty()),
                name: key.name.to_string(),
                json: json.clone(),
            })
            .collect()
    }
}
