//! Relist: the difference between what the cache holds and the full picture that the server is sending.
//!
//! Items are compared as they arrive and only differences are kept, so that the peak stays near the steady state.
//!
//! Invariant: each object held but not in the picture yields exactly one `Change::Deleted`.

use super::{Ingest, Snapshot, key_of, push_replacement, same_version};
use crate::{event::Change, key::ObjectKey, object::Object};
use std::collections::{BTreeMap, HashSet};
use tidegate_wire::RawObject;

#[derive(Default)]
pub(super) struct Relist {
    /// Objects of the picture that the cache does not hold in that version.
    changed: BTreeMap<ObjectKey, Object>,
    /// Ids of the objects held whose keys the picture has.
    seen: HashSet<u64>,
}

impl Relist {
    pub(super) fn stage(&mut self, current: &Snapshot, ingest: &mut Ingest, raw: &RawObject<'_>) {
        let key = key_of(raw);
        let Some((key, old)) = current.objects.get_key_value(&key) else {
            let object = ingest.object(key.clone(), raw);
            self.changed.insert(key, object);
            return;
        };
        self.seen.insert(old.id());
        if same_version(old, raw) {
            self.changed.remove(key);
        } else {
            self.changed
                .insert(key.clone(), ingest.object(key.clone(), raw));
        }
    }

    pub(super) fn unstage(&mut self, current: &Snapshot, key: &ObjectKey) {
        self.changed.remove(key);
        if let Some(old) = current.objects.get(key) {
            self.seen.remove(&old.id());
        }
    }

    /// Replaces `current`. Changes are deletes first, then updates and adds, each in the order of the keys.
    pub(super) fn finish(self, current: &mut Snapshot, changes: &mut Vec<Change>) {
        let gone = current
            .objects
            .values()
            .filter(|object| !self.seen.contains(&object.id()));
        let gone: Vec<Object> = gone.cloned().collect();
        for object in gone {
            current.remove(object.key());
            changes.push(Change::Deleted {
                object,
                final_state_unknown: true,
            });
        }
        for (key, new) in self.changed {
            let old = current.objects.get(&key).cloned();
            current.insert(key, new.clone());
            push_replacement(old, new, changes);
        }
    }
}
