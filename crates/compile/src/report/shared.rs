//! Statuses whose list several controllers share: `parents` of routes, `ancestors` of policies.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Written, update};
use crate::{
    compiler::Compiler,
    condition::{Moment, Wanted, render},
    key::{Kind, ObjectKey},
    object::{reference::ParentRef, status::SharedEntry},
    output::StatusUpdate,
};

impl Compiler {
    pub(super) fn report_route(&mut self, key: &ObjectKey, now_s: i64) -> Option<StatusUpdate> {
        let state = self.store.routes.get(key)?;
        let (verdicts, stored) = (state.verdicts.clone(), state.status.clone());
        let meta = state.meta.clone();
        let moment = Moment {
            now_s,
            generation: meta.generation,
        };
        let wanted: Vec<(&ParentRef, &[Wanted])> = verdicts
            .iter()
            .map(|(parent, wanted)| (parent, &**wanted))
            .collect();
        let entries = self.shared(&stored, &wanted, moment)?;
        (entries != *stored).then(|| {
            let written = self.written("parents", "parentRef", &entries);
            update(Kind::HttpRoute, key, &meta, written)
        })
    }

    pub(super) fn report_policy(&mut self, key: &ObjectKey, now_s: i64) -> Option<StatusUpdate> {
        let state = self.store.policies.get(key)?;
        let verdicts = self.policy_verdicts(key, state);
        let (meta, stored) = (state.meta.clone(), state.status.clone());
        let moment = Moment {
            now_s,
            generation: meta.generation,
        };
        let wanted: Vec<(&ParentRef, &[Wanted])> = verdicts
            .iter()
            .map(|(parent, wanted)| (parent, &**wanted))
            .collect();
        let entries = self.shared(&stored, &wanted, moment)?;
        (entries != *stored).then(|| {
            let written = self.written("ancestors", "ancestorRef", &entries);
            update(Kind::BackendTlsPolicy, key, &meta, written)
        })
    }

    /// What a shared list should be: others' entries where they are, ours where they were, new ones at the end.
    fn shared(
        &mut self,
        stored: &[SharedEntry],
        wanted: &[(&ParentRef, &[Wanted])],
        moment: Moment,
    ) -> Option<Vec<SharedEntry>> {
        let mut entries = Vec::with_capacity(stored.len().max(wanted.len()));
        let mut done: Vec<&ParentRef> = Vec::with_capacity(wanted.len());
        for entry in stored {
            match entry {
                SharedEntry::Foreign(_) => entries.push(entry.clone()),
                SharedEntry::Ours { parent, conditions } => {
                    let new = wanted.iter().find(|(one, _)| *one == parent);
                    if let Some((one, new)) = new.filter(|(one, _)| !done.contains(one)) {
                        entries.push(SharedEntry::Ours {
                            parent: parent.clone(),
                            conditions: self.merged(conditions, new, moment)?,
                        });
                        done.push(one);
                    }
                }
            }
        }
        for (parent, new) in wanted {
            if !done.contains(parent) {
                entries.push(SharedEntry::Ours {
                    parent: ParentRef::clone(parent),
                    conditions: self.merged(&[], new, moment)?,
                });
                done.push(parent);
            }
        }
        Some(entries)
    }

    fn written(&self, list: &str, reference: &str, entries: &[SharedEntry]) -> Written {
        let controller = &self.options.controller_name;
        let entries: Vec<Value> = entries
            .iter()
            .map(|entry| match entry {
                SharedEntry::Foreign(raw) => serde_json::from_str(raw).unwrap_or_default(),
                SharedEntry::Ours { parent, conditions } => {
                    let mut entry = Map::new();
                    entry.insert(reference.to_owned(), parent_value(parent));
                    entry.insert("controllerName".to_owned(), Value::from(&**controller));
                    entry.insert("conditions".to_owned(), render(conditions, None));
                    entry.into()
                }
            })
            .collect();
        let mut status = Map::new();
        status.insert(list.to_owned(), entries.into());
        // The list is atomic: whoever applies it, applies all of it.
        Written::whole(&status.into())
    }
}

fn parent_value(parent: &ParentRef) -> Value {
    let mut value = Map::new();
    let mut put = |name: &str, text: &Arc<str>| value.insert(name.to_owned(), Value::from(&**text));
    put("group", &parent.group);
    put("kind", &parent.kind);
    if let Some(namespace) = &parent.namespace {
        put("namespace", namespace);
    }
    put("name", &parent.name);
    if let Some(section) = &parent.section {
        put("sectionName", section);
    }
    if let Some(port) = parent.port {
        value.insert("port".to_owned(), port.into());
    }
    value.into()
}
