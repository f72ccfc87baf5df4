//! Which objects are referred to, of the kinds that are watched sparingly.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tidegate_compile::{Kind, ObjectKey};

/// Names by kind and namespace.
#[derive(Debug, Default)]
pub(super) struct Sparing(HashMap<(Kind, Arc<str>), HashSet<Arc<str>>>);

/// With more names than this in one namespace, the namespace is watched instead.
const SINGLE_MAX: usize = 16;

/// Whether only objects that are referred to are watched.
pub(super) fn is_sparing(kind: Kind) -> bool {
    matches!(kind, Kind::Secret | Kind::ConfigMap | Kind::Definition)
}

impl Sparing {
    /// Whether it is new.
    pub(super) fn add(&mut self, kind: Kind, key: &ObjectKey) -> bool {
        self.0
            .entry((kind, key.namespace.clone()))
            .or_default()
            .insert(key.name.clone())
    }

    pub(super) fn remove(&mut self, kind: Kind, key: &ObjectKey) {
        let place = (kind, key.namespace.clone());
        if let Some(names) = self.0.get_mut(&place) {
            names.remove(&key.name);
            if names.is_empty() {
                self.0.remove(&place);
            }
        }
    }

    pub(super) fn has(&self, kind: Kind, key: &ObjectKey) -> bool {
        self.0
            .get(&(kind, key.namespace.clone()))
            .is_some_and(|names| names.contains(&key.name))
    }

    pub(super) fn needs(&self, kind: Kind, namespace: &str) -> bool {
        self.0.contains_key(&(kind, namespace.into()))
    }

    pub(super) fn is_crowded(&self, kind: Kind, namespace: &Arc<str>) -> bool {
        self.0
            .get(&(kind, namespace.clone()))
            .is_some_and(|names| names.len() > SINGLE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{SINGLE_MAX, Sparing};
    use tidegate_compile::{Kind, ObjectKey};

    #[test]
    fn names_come_and_go() {
        let mut sparing = Sparing::default();
        let key = |name: &str| ObjectKey::new("n", name);
        assert!(sparing.add(Kind::Secret, &key("a")));
        assert!(!sparing.add(Kind::Secret, &key("a")));
        assert!(sparing.has(Kind::Secret, &key("a")));
        assert!(!sparing.has(Kind::ConfigMap, &key("a")));
        for at in 0..SINGLE_MAX {
            assert!(!sparing.is_crowded(Kind::Secret, &"n".into()));
            sparing.add(Kind::Secret, &key(&at.to_string()));
        }
        assert!(sparing.is_crowded(Kind::Secret, &"n".into()));
        sparing.remove(Kind::Secret, &key("a"));
        assert!(!sparing.has(Kind::Secret, &key("a")));
        for at in 0..SINGLE_MAX {
            assert!(sparing.needs(Kind::Secret, "n"));
            sparing.remove(Kind::Secret, &key(&at.to_string()));
        }
        assert!(!sparing.needs(Kind::Secret, "n"));
    }
}
