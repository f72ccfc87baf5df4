//! Ownership after any write but an apply: create, update, patch.

use super::{Ownership, STRIPPED, cap};
use crate::{
    managed::{self, ManagedFields, ManagerId, Operation, Owned},
    updater::Managers,
};
use serde_json::Value;

impl Ownership<'_> {
    /// `new` with the managedFields that it has after `manager` has written it over `live`.
    ///
    /// Takes what the request says into account: managedFields that it changed are kept as it says if they are
    /// valid, `[]` and `[{}]` forget all owners, and invalid ones are those of `live`.
    /// Never fails: where ownership can't be told, that of `live` stays.
    #[must_use]
    pub fn update(&self, live: Option<&Value>, new: &Value, manager: &str, now: i64) -> Value {
        let owners = self.owners(live, new);
        let mut object = new.clone();
        managed::set_raw(&mut object, None);
        match self.track(live, &object, owners, manager, now) {
            Ok(owners) => owners.write_to(&mut object),
            Err(_) => managed::set_raw(&mut object, live.and_then(managed::raw).cloned()),
        }
        object
    }

    /// The owners before the write: those that the request names, else those of the live object.
    fn owners(&self, live: Option<&Value>, new: &Value) -> ManagedFields {
        let of_live = || {
            live.map(|live| ManagedFields::of_object(live).unwrap_or_default())
                .unwrap_or_default()
        };
        if !self.subresource.is_empty() {
            return of_live();
        }
        if managed::is_reset(new) {
            return ManagedFields::new();
        }
        match ManagedFields::of_object(new) {
            Ok(owners) if !owners.entries.is_empty() => owners,
            _ => of_live(),
        }
    }

    fn track(
        &self,
        live: Option<&Value>,
        new: &Value,
        owners: ManagedFields,
        manager: &str,
        now: i64,
    ) -> Result<ManagedFields, crate::PatchError> {
        let exists = live.is_some_and(|live| {
            let uid = live
                .get("metadata")
                .and_then(|metadata| metadata.get("uid"));
            uid.and_then(Value::as_str)
                .is_some_and(|uid| !uid.is_empty())
        });
        if owners.entries.is_empty() && exists {
            return Ok(owners);
        }
        self.write(live, new, owners, manager, now)
    }

    /// The owners after `manager` has written `new` over `live`.
    pub(super) fn write(
        &self,
        live: Option<&Value>,
        new: &Value,
        owners: ManagedFields,
        manager: &str,
        now: i64,
    ) -> Result<ManagedFields, crate::PatchError> {
        let failed = |what: &str, object: &Value, error: String| {
            let name = self.named(object);
            crate::PatchError::Internal(format!(
                "failed to convert {what} object ({name}) to smd typed: {error}"
            ))
        };
        let new_typed = self
            .typed(self.seen(new), true)
            .map_err(|error| failed("new", new, error))?;
        let live = live.map_or_else(|| self.empty_for(new), |live| self.seen(live));
        let live = self
            .typed(live.clone(), true)
            .map_err(|error| failed("live", &live, error))?;
        let mut managers = owners.entries;
        let changed = self
            .updater()
            .update(&live, &new_typed, &mut managers)
            .map_err(|error| {
                let name = self.named(new);
                crate::PatchError::Internal(format!(
                    "failed to update ManagedFields ({name}): {error}"
                ))
            })?
            .difference(&STRIPPED);
        if !changed.is_empty() {
            self.record(&mut managers, changed, manager, now);
        }
        cap::limit(&mut managers);
        Ok(ManagedFields { entries: managers })
    }

    /// Adds what was written to the writer's entry.
    fn record(&self, managers: &mut Managers, changed: crate::FieldSet, manager: &str, now: i64) {
        let id = self.id(manager, Operation::Update);
        let fields = match managers.get(&id) {
            Some(previous) => previous.fields.union(&changed),
            None => changed,
        };
        let owned = Owned {
            fields,
            api_version: self.api_version.to_owned(),
            time: Some(now),
        };
        managers.insert(id, owned);
    }

    pub(super) fn id(&self, manager: &str, operation: Operation) -> ManagerId {
        let manager = if manager.is_empty() {
            "unknown"
        } else {
            manager
        };
        ManagerId::new(manager, operation, self.api_version, self.subresource)
    }
}
