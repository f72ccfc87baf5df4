//! The heart of field ownership: what a write does to the sets of all managers, and what an apply removes.
//!
//! Follows structured-merge-diff's `merge.Updater`. All versions of an object have the same fields here
//! (conversion `None`); a version that nobody knows any more loses its entries.

use crate::{
    conflict::Conflict,
    error::PatchError,
    fields::{FieldSet, equal},
    managed::{ManagerId, Operation, Owned},
    typed::{self, Comparison, Ty},
};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};
use tidegate_schema::Schema;

/// What is known of an API version.
#[derive(Debug, Clone, Copy)]
pub enum Version<'a> {
    /// Not served any more: its entries in managedFields are dropped.
    Missing,
    /// Served without a schema: maps are granular, lists are atomic.
    Schemaless,
    /// Served with this schema.
    Schema(Schema<'a>),
}

/// Looks up API versions, and knows which fields the server resets in each.
#[derive(Clone, Copy)]
pub(crate) struct Updater<'a> {
    pub(crate) versions: &'a dyn Fn(&str) -> Version<'a>,
    pub(crate) reset: &'a BTreeMap<String, FieldSet>,
}

/// An object of one version, with its type.
#[derive(Clone)]
pub(crate) struct Typed<'a> {
    pub(crate) value: Value,
    pub(crate) ty: Ty<'a>,
    pub(crate) version: String,
}

pub(crate) type Managers = BTreeMap<ManagerId, Owned>;

/// A failure that kube-apiserver doesn't classify.
fn internal(message: String) -> PatchError {
    PatchError::Internal(message)
}

impl<'a> Updater<'a> {
    pub(crate) fn ty(&self, version: &str) -> Option<Ty<'a>> {
        match (self.versions)(version) {
            Version::Missing => None,
            Version::Schemaless => Some(Ty::root(None)),
            Version::Schema(schema) => Some(Ty::root(Some(schema))),
        }
    }

    /// The object in another version; `None` if that isn't served.
    fn convert<'t>(
        &self,
        object: &'t Typed<'a>,
        version: &str,
    ) -> Result<Option<Cow<'t, Typed<'a>>>, String> {
        if object.version == version {
            return Ok(Some(Cow::Borrowed(object)));
        }
        if version.matches('/').count() > 1 {
            return Err(format!("unexpected GroupVersion string: {version}"));
        }
        let Some(ty) = self.ty(version) else {
            return Ok(None);
        };
        let mut value = object.value.clone();
        if let Some(field) = value.get_mut("apiVersion") {
            *field = version.into();
        }
        let problems = typed::validate(&value, ty, false);
        if !problems.is_empty() {
            return Err(problems.to_string());
        }
        Ok(Some(Cow::Owned(Typed {
            value,
            ty,
            version: version.to_owned(),
        })))
    }

    /// The comparison in each manager's version. A manager whose version is gone is dropped.
    fn compare_all(
        &self,
        old: &Typed<'a>,
        new: &Typed<'a>,
        managers: &mut Managers,
        writer: Option<&ManagerId>,
    ) -> Result<BTreeMap<String, Comparison>, PatchError> {
        let compare = |old: &Typed<'a>, new: &Typed<'a>| {
            typed::compare(&old.value, &new.value, new.ty)
                .map(|found| found.without(self.reset.get(&new.version)))
                .map_err(|error| internal(format!("failed to compare objects: {error}")))
        };
        let mut versions = BTreeMap::from([(new.version.clone(), compare(old, new)?)]);
        let mut gone = Vec::new();
        for (id, owned) in managers.iter() {
            if Some(id) == writer || versions.contains_key(&owned.api_version) {
                continue;
            }
            let convert = |object, what| {
                self.convert(object, &owned.api_version)
                    .map_err(|error| internal(format!("failed to convert {what} object: {error}")))
            };
            match (convert(old, "old")?, convert(new, "new")?) {
                (Some(old), Some(new)) => {
                    versions.insert(owned.api_version.clone(), compare(&old, &new)?);
                }
                _ => gone.push(id.clone()),
            }
        }
        for id in gone {
            managers.remove(&id);
        }
        Ok(versions)
    }

    /// Takes from all managers but the writer what changed. Without `force`, taking is a conflict.
    fn take(
        &self,
        old: &Typed<'a>,
        new: &Typed<'a>,
        managers: &mut Managers,
        writer: Option<&ManagerId>,
        force: bool,
    ) -> Result<Comparison, PatchError> {
        let mut versions = self.compare_all(old, new, managers, writer)?;
        let mut conflicts = Vec::new();
        for (id, owned) in managers.iter() {
            let Some(changes) = versions.get(&owned.api_version) else {
                continue;
            };
            if Some(id) == writer {
                continue;
            }
            let changed = changes.modified.union(&changes.added);
            let taken = owned.fields.intersection(&changed);
            if !taken.is_empty() {
                conflicts.push((id.clone(), taken));
            }
        }
        if !force && !conflicts.is_empty() {
            let sets = conflicts.iter().map(|(id, set)| (id, set.clone()));
            return Err(PatchError::Conflicts(Conflict::all(sets)));
        }
        for (id, taken) in conflicts {
            if let Some(owned) = managers.get_mut(&id) {
                owned.fields = owned.fields.difference(&taken);
            }
        }
        for (id, owned) in managers.iter_mut() {
            if Some(id) != writer
                && let Some(changes) = versions.get(&owned.api_version)
                && !changes.removed.is_empty()
            {
                owned.fields = owned.fields.difference(&changes.removed);
            }
        }
        managers.retain(|_, owned| !owned.fields.is_empty());
        Ok(versions.remove(&new.version).unwrap_or_default())
    }

    /// What a write other than an apply changed. The sets of all managers lose it.
    pub(crate) fn update(
        &self,
        old: &Typed<'a>,
        new: &Typed<'a>,
        managers: &mut Managers,
    ) -> Result<FieldSet, PatchError> {
        self.reconcile(old, managers)?;
        let changes = self.take(old, new, managers, None, true)?;
        let changed = changes.modified.union(&changes.added);
        Ok(self.without_reset(changed, &new.version))
    }

    /// Merges what is applied into the live object, and removes what this manager applied before and now doesn't.
    pub(crate) fn apply(
        &self,
        live: &Typed<'a>,
        applied: &Typed<'a>,
        managers: &mut Managers,
        manager: &ManagerId,
        force: bool,
    ) -> Result<Option<Value>, PatchError> {
        self.reconcile(live, managers)?;
        let value = typed::merge(&live.value, &applied.value, applied.ty)
            .map_err(|error| internal(format!("failed to merge config: {error}")))?;
        let merged = Typed {
            value,
            ..applied.clone()
        };
        let set = typed::to_set(&applied.value, applied.ty);
        let set = self.without_reset(set, &applied.version);
        let last = managers.get(manager).cloned();
        // Mostly, all is applied again that was applied before. Then there is nothing to remove.
        let drops = last.as_ref().is_some_and(|last| {
            last.api_version != applied.version || !last.fields.difference(&set).is_empty()
        });
        managers.insert(
            manager.clone(),
            Owned {
                fields: set,
                api_version: applied.version.clone(),
                time: last.as_ref().and_then(|last| last.time),
            },
        );
        let new = match last {
            Some(last) if drops && !last.fields.is_empty() => self
                .prune(merged, managers, &applied.version, &last)
                .map_err(|error| internal(format!("failed to prune fields: {error}")))?,
            _ => merged,
        };
        self.take(live, &new, managers, Some(manager), force)?;
        Ok((!equal(&live.value, &new.value)).then_some(new.value))
    }

    fn without_reset(&self, set: FieldSet, version: &str) -> FieldSet {
        match self.reset.get(version) {
            Some(reset) => set.recursive_difference(reset),
            None => set,
        }
    }

    /// Follows the schema: what is atomic now is owned as a whole.
    fn reconcile(&self, live: &Typed<'a>, managers: &mut Managers) -> Result<(), PatchError> {
        let mut out = Managers::new();
        for (id, owned) in managers.iter() {
            let Some(object) = self.convert(live, &owned.api_version).map_err(internal)? else {
                continue;
            };
            let mut owned = owned.clone();
            if let Some(fields) = typed::reconcile(&owned.fields, object.ty) {
                owned.fields = fields;
            }
            out.insert(id.clone(), owned);
        }
        *managers = out;
        Ok(())
    }

    /// Removes a field or item iff this manager applied it last time, doesn't this time, and nobody else owns it.
    fn prune(
        &self,
        merged: Typed<'a>,
        managers: &Managers,
        version: &str,
        last: &Owned,
    ) -> Result<Typed<'a>, String> {
        let at_last = match self.convert(&merged, &last.api_version).map_err(|error| {
            format!("failed to convert merged object to last applied version: {error}")
        })? {
            Some(object) => object.into_owned(),
            None => return Ok(merged),
        };
        let removed = typed::ensure_named(&last.fields, at_last.ty);
        let pruned = at_last.without(&removed);
        let pruned = self
            .add_back_owned(&at_last, pruned, managers)
            .map_err(|error| format!("failed add back owned items: {error}"))?;
        let pruned = self
            .add_back_dangling(&at_last, &pruned, last)
            .map_err(|error| format!("failed add back dangling items: {error}"))?;
        let back = self.convert(&pruned, version)?.map(Cow::into_owned);
        Ok(back.unwrap_or(pruned))
    }

    /// Puts back what others own, or what the new configuration has.
    fn add_back_owned(
        &self,
        merged: &Typed<'a>,
        pruned: Typed<'a>,
        managers: &Managers,
    ) -> Result<Typed<'a>, String> {
        let mut by_version: BTreeMap<&str, FieldSet> = BTreeMap::new();
        for owned in managers.values() {
            let set = by_version.entry(&owned.api_version).or_default();
            *set = set.union(&owned.fields);
        }
        let first = merged.version.clone();
        let mut order: Vec<&str> = by_version.keys().copied().collect();
        order.sort_by_key(|version| *version != first);
        let (mut merged, mut pruned) = (merged.clone(), pruned);
        for version in order {
            let convert = |object, what| {
                self.convert(object, version).map_err(|error| {
                    format!("failed to convert {what} object at version {version}: {error}")
                })
            };
            let (Some(merged_here), Some(pruned_here)) =
                (convert(&merged, "merged")?, convert(&pruned, "pruned")?)
            else {
                continue;
            };
            let ty = merged_here.ty;
            let named = |set: &FieldSet| typed::ensure_named(set, ty);
            let keep = named(&pruned_here.set()).union(&named(&by_version[version]));
            let remove = named(&merged_here.set()).difference(&keep);
            let next = merged_here.without(&remove);
            merged = merged_here.into_owned();
            pruned = next;
        }
        Ok(pruned)
    }

    /// Puts back what this manager didn't own before: nobody's fields, and those of updates.
    fn add_back_dangling(
        &self,
        merged: &Typed<'a>,
        pruned: &Typed<'a>,
        last: &Owned,
    ) -> Result<Typed<'a>, String> {
        let Some(pruned) = self.convert(pruned, &last.api_version).map_err(|error| {
            format!("failed to convert pruned object to last applied version: {error}")
        })?
        else {
            return Ok(merged.clone());
        };
        let named = |set: &FieldSet| typed::ensure_named(set, merged.ty);
        let gone = named(&merged.set()).difference(&named(&pruned.set()));
        Ok(merged.without(&gone.intersection(&named(&last.fields))))
    }
}

impl<'a> Typed<'a> {
    fn set(&self) -> FieldSet {
        typed::to_set(&self.value, self.ty)
    }

    #[must_use]
    fn without(&self, set: &FieldSet) -> Self {
        Self {
            value: typed::remove(&self.value, set, self.ty),
            ty: self.ty,
            version: self.version.clone(),
        }
    }
}

impl Owned {
    /// Whether the entry of this manager counts against the limit of updates.
    pub(crate) fn is_update(id: &ManagerId) -> bool {
        id.operation == Operation::Update
    }
}
