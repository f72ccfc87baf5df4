//! A state of the cache at one moment: what readers get. Never changes; holding one costs only what has changed since.

use super::index::Indexes;
use crate::{cache::IndexFn, event::Change, key::ObjectKey, object::Object, selector::Selector};
use imbl::OrdMap;
use std::ops::Bound;
use tidegate_wire::ResourceVersion;

/// All objects of one informer at one moment, in the order of their keys.
#[derive(Clone, Default)]
pub struct Snapshot {
    pub(super) objects: OrdMap<ObjectKey, Object>,
    pub(super) indexes: Indexes,
    pub(super) version: Option<ResourceVersion>,
    pub(super) synced: bool,
    pub(super) bytes: usize,
}

impl Snapshot {
    /// The object of that namespace (`None` if cluster-scoped) and name.
    pub fn get(&self, namespace: Option<&str>, name: &str) -> Option<&Object> {
        self.objects.get(&ObjectKey::new(namespace, name))
    }

    /// The object of that key.
    pub fn get_key(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.get(key)
    }

    /// Every object, by key.
    pub fn iter(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// Every object of one namespace, by name. Costs work in proportion to that namespace.
    pub fn namespace(&self, namespace: &str) -> impl Iterator<Item = &Object> {
        // '0' follows '/': the range holds exactly the keys that begin with `namespace/`.
        let (from, to) = (format!("{namespace}/"), format!("{namespace}0"));
        let range: (Bound<&str>, Bound<&str>) = (Bound::Included(&from), Bound::Excluded(&to));
        self.objects
            .range::<_, str>(range)
            .map(|(_, object)| object)
    }

    /// Every object whose labels match, by key.
    pub fn select<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = &'a Object> {
        self.iter()
            .filter(|object| selector.matches(object.labels()))
    }

    /// The objects that the named index files under `value`, by key. Empty if there is no such index.
    pub fn by_index<'a>(
        &'a self,
        name: &str,
        value: &str,
    ) -> impl Iterator<Item = &'a Object> + use<'a> {
        self.indexes.get(name, value)
    }

    /// The values under which the named index files anything.
    pub fn index_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.indexes.values(name)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// True if there are no objects.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The server's version of which this is the state; `None` before the first sync.
    pub fn resource_version(&self) -> Option<&ResourceVersion> {
        self.version.as_ref()
    }

    /// True if this is, or follows, a full picture of the resource.
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// Bytes that the bodies take, as stored.
    pub fn stored_bytes(&self) -> usize {
        self.bytes
    }

    /// At most `limit` objects that follow `after`, by key.
    pub(crate) fn page(&self, after: Option<&ObjectKey>, limit: usize) -> Vec<Object> {
        let from = after.map_or(Bound::Unbounded, |key| Bound::Excluded(key.text()));
        let range: (Bound<&str>, Bound<&str>) = (from, Bound::Unbounded);
        let page = self.objects.range::<_, str>(range).take(limit);
        page.map(|(_, object)| object.clone()).collect()
    }

    pub(super) fn insert(&mut self, key: ObjectKey, object: Object) {
        self.bytes += object.stored_bytes();
        if let Some(old) = self.objects.insert(key, object) {
            self.bytes -= old.stored_bytes();
        }
    }

    pub(super) fn remove(&mut self, key: &ObjectKey) -> Option<(ObjectKey, Object)> {
        let removed = self.objects.remove_with_key(key)?;
        self.bytes -= removed.1.stored_bytes();
        Some(removed)
    }

    pub(super) fn reindex(&mut self, changes: &[Change]) {
        self.indexes.apply(changes);
    }

    pub(super) fn add_index(&mut self, name: &str, function: IndexFn) {
        self.indexes.add(name, function, self.objects.values());
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("objects", &self.objects.len())
            .field("version", &self.version)
            .field("synced", &self.synced)
            .finish_non_exhaustive()
    }
}
