//! The writing side of one resource's cache: takes what the server said, yields what changed.
//!
//! One writer owns it; readers see only the [`Snapshot`]s it publishes. Does no IO and reads no clock.
//!
//! Invariant: applying the returned changes, in order, to what the last snapshot held gives what the next one holds.

mod index;
mod ingest;
mod relist;
mod snapshot;

pub(crate) use self::{
    index::IndexFn,
    ingest::{Ingest, TypeMeta},
};
pub use self::{ingest::Transform, snapshot::Snapshot};

use self::relist::Relist;
use crate::{event::Change, key::ObjectKey, object::Object};
use arc_swap::ArcSwap;
use std::sync::Arc;
use tidegate_wire::{RawObject, ResourceVersion};

/// Owner of the current state. `publish` makes it visible.
pub(crate) struct Cache {
    ingest: Ingest,
    current: Snapshot,
    relist: Option<Relist>,
    published: Arc<ArcSwap<Snapshot>>,
}

impl Cache {
    pub(crate) fn new(ingest: Ingest) -> Self {
        let current = Snapshot::default();
        Self {
            ingest,
            published: Arc::new(ArcSwap::from_pointee(current.clone())),
            current,
            relist: None,
        }
    }

    /// Where readers find the newest published state.
    pub(crate) fn published(&self) -> Arc<ArcSwap<Snapshot>> {
        Arc::clone(&self.published)
    }

    pub(crate) fn current(&self) -> &Snapshot {
        &self.current
    }

    pub(crate) fn ingest(&mut self) -> &mut Ingest {
        &mut self.ingest
    }

    /// Makes all changes so far visible to readers, at once.
    pub(crate) fn publish(&self) {
        self.published.store(Arc::new(self.current.clone()));
    }

    /// A full picture begins; whatever an earlier, unfinished one held is forgotten.
    pub(crate) fn begin_relist(&mut self) {
        self.relist = Some(Relist::default());
    }

    /// The picture will not be finished.
    pub(crate) fn abort_relist(&mut self) {
        self.relist = None;
    }

    /// An object of the full picture. Of one key the last counts.
    pub(crate) fn stage(&mut self, raw: &RawObject<'_>) {
        let relist = self.relist.get_or_insert_default();
        relist.stage(&self.current, &mut self.ingest, raw);
    }

    /// An object that was deleted while the full picture was being sent.
    pub(crate) fn stage_deleted(&mut self, raw: &RawObject<'_>) {
        let relist = self.relist.get_or_insert_default();
        relist.unstage(&self.current, &key_of(raw));
    }

    /// The full picture is complete as of `version`: replaces the state, and appends deletes, then updates and adds.
    pub(crate) fn finish_relist(
        &mut self,
        version: Option<ResourceVersion>,
        changes: &mut Vec<Change>,
    ) {
        let relist = self.relist.take().unwrap_or_default();
        let first = changes.len();
        relist.finish(&mut self.current, changes);
        self.current.reindex(&changes[first..]);
        self.current.version = version;
        self.current.synced = true;
    }

    /// A watch event said that the object is now like this.
    pub(crate) fn upsert(&mut self, raw: &RawObject<'_>, changes: &mut Vec<Change>) {
        let key = key_of(raw);
        let known = self.current.objects.get_key_value(&key);
        if let Some((_, old)) = known
            && same_version(old, raw)
        {
            self.advance(raw.meta().resource_version.as_ref());
            return;
        }
        let (key, old) = match known {
            Some((key, old)) => (key.clone(), Some(old.clone())),
            None => (key, None),
        };
        let new = self.ingest.object(key.clone(), raw);
        self.current.insert(key, new.clone());
        let first = changes.len();
        push_replacement(old, new, changes);
        self.current.reindex(&changes[first..]);
        self.advance(raw.meta().resource_version.as_ref());
    }

    /// A watch event said that the object is gone; `raw` is its last state.
    pub(crate) fn delete(&mut self, raw: &RawObject<'_>, changes: &mut Vec<Change>) {
        if let Some((key, old)) = self.current.remove(&key_of(raw)) {
            let last = self.ingest.object(key, raw);
            let known = last.uid() == old.uid();
            let gone = |object| Change::Deleted {
                object,
                final_state_unknown: !known,
            };
            self.current.reindex(&[gone(old.clone())]); // filed by what it was, not by its last state
            changes.push(gone(if known { last } else { old }));
        }
        self.advance(raw.meta().resource_version.as_ref());
    }

    /// The state is now at least as new as `version` (a bookmark, or an event). What is no version changes nothing.
    pub(crate) fn advance(&mut self, version: &str) {
        if let Ok(version) = ResourceVersion::parse(version) {
            self.current.version = Some(version);
        }
    }

    /// The resource is not served any more: everything is gone, and nobody saw it go.
    pub(crate) fn clear(&mut self, changes: &mut Vec<Change>) {
        self.relist = None;
        let first = changes.len();
        let gone = std::mem::take(&mut self.current.objects);
        changes.extend(gone.values().map(|object| Change::Deleted {
            object: object.clone(),
            final_state_unknown: true,
        }));
        self.current.reindex(&changes[first..]);
        self.current.bytes = 0;
        self.current.synced = false;
        self.current.version = None;
    }

    /// Adds an index over everything that is there, replacing one of the same name. Publishes.
    pub(crate) fn add_index(&mut self, name: &str, function: IndexFn) {
        self.current.add_index(name, function);
        self.publish();
    }
}

fn key_of(raw: &RawObject<'_>) -> ObjectKey {
    let meta = raw.meta();
    ObjectKey::new(meta.namespace.as_deref(), &meta.name)
}

fn same_version(old: &Object, raw: &RawObject<'_>) -> bool {
    let meta = raw.meta();
    old.resource_version().is(&meta.resource_version)
        && old.uid() == &crate::uid::Uid::parse(meta.uid.as_deref().unwrap_or_default())
}

/// A key can be re-created between two looks: then the old object is gone, unseen, and another is there.
fn push_replacement(old: Option<Object>, new: Object, changes: &mut Vec<Change>) {
    match old {
        Some(old) if old.uid() == new.uid() => changes.push(Change::Updated { old, new }),
        Some(old) => {
            changes.push(Change::Deleted {
                object: old,
                final_state_unknown: true,
            });
            changes.push(Change::Added(new));
        }
        None => changes.push(Change::Added(new)),
    }
}

#[cfg(test)]
mod tests;
