//! Named indexes: functions of the user that file each object under any number of values.
//!
//! A function that panics files its object under nothing; the cache goes on.

use crate::{event::Change, key::ObjectKey, object::Object};
use imbl::OrdMap;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Says under which values an object is filed. Must depend on the object alone.
pub(crate) type IndexFn = Arc<dyn Fn(&Object) -> Vec<String> + Send + Sync>;

#[derive(Clone, Default)]
pub(super) struct Indexes(Vec<Index>);

#[derive(Clone)]
struct Index {
    name: Arc<str>,
    function: IndexFn,
    /// Never holds an empty set: values that nothing is filed under take no memory.
    filed: OrdMap<Arc<str>, OrdMap<ObjectKey, Object>>,
}

impl Indexes {
    pub(super) fn add<'a>(
        &mut self,
        name: &str,
        function: IndexFn,
        objects: impl Iterator<Item = &'a Object>,
    ) {
        let mut index = Index {
            name: name.into(),
            function,
            filed: OrdMap::new(),
        };
        objects.for_each(|object| index.file(object));
        self.0.retain(|other| *other.name != *name);
        self.0.push(index);
    }

    pub(super) fn apply(&mut self, changes: &[Change]) {
        for index in &mut self.0 {
            for change in changes {
                index.apply(change);
            }
        }
    }

    pub(super) fn get<'a>(
        &'a self,
        name: &str,
        value: &str,
    ) -> impl Iterator<Item = &'a Object> + use<'a> {
        let filed = self.named(name).and_then(|index| index.filed.get(value));
        filed.into_iter().flat_map(|objects| objects.values())
    }

    pub(super) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let index = self.named(name);
        index
            .into_iter()
            .flat_map(|index| index.filed.keys().map(|value| &**value))
    }

    fn named(&self, name: &str) -> Option<&Index> {
        self.0.iter().find(|index| &*index.name == name)
    }
}

impl Index {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Added(object) => self.file(object),
            Change::Deleted { object, .. } => self.unfile(object),
            Change::Updated { old, new } => {
                self.unfile(old);
                self.file(new);
            }
        }
    }

    fn file(&mut self, object: &Object) {
        for value in self.values_of(object) {
            let set = self.filed.entry(value.into()).or_default();
            set.insert(object.key().clone(), object.clone());
        }
    }

    fn unfile(&mut self, object: &Object) {
        for value in self.values_of(object) {
            let Some(set) = self.filed.get_mut(&*value) else {
                continue;
            };
            set.remove(object.key());
            if set.is_empty() {
                self.filed.remove(&*value);
            }
        }
    }

    fn values_of(&self, object: &Object) -> Vec<String> {
        catch_unwind(AssertUnwindSafe(|| (self.function)(object))).unwrap_or_else(|_| {
            tracing::error!(index = %self.name, object = %object.key(), "an index function panicked");
            Vec::new()
        })
    }
}
