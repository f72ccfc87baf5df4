//! Server-side apply.

use super::{Ownership, STRIPPED, gvk};
use crate::{
    PatchError,
    managed::{self, ManagedFields, Operation},
};
use serde_json::Value;

impl Ownership<'_> {
    /// What the object is after `manager` has applied `applied` over `live`, with its managedFields.
    ///
    /// `live` is `None` where the object doesn't exist yet. Defaults are the caller's to set afterwards, and
    /// [`keep_times`](crate::keep_times) then finds out whether anything has changed at all.
    pub fn apply(
        &self,
        live: Option<&Value>,
        applied: &Value,
        manager: &str,
        force: bool,
        now: i64,
    ) -> Result<Value, PatchError> {
        let owners = match live {
            None => ManagedFields::new(),
            Some(live) => ManagedFields::of_object(live).map_err(|error| {
                PatchError::Internal(format!("failed to decode managed fields: {error}"))
            })?,
        };
        self.check(applied)?;
        let (mut object, owners) =
            self.apply_over_last_applied(live, applied, owners, manager, force, now)?;
        self.keep_last_applied(&mut object, applied, manager);
        owners.write_to(&mut object);
        Ok(object)
    }

    fn check(&self, applied: &Value) -> Result<(), PatchError> {
        let text = |name| {
            applied
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if (api_version, kind) == (self.api_version, self.kind) {
            return Ok(());
        }
        Err(PatchError::BadRequest(format!(
            "invalid object type: {}",
            gvk(api_version, kind)
        )))
    }

    /// One apply, with conflicts. The object comes back without managedFields.
    pub(super) fn apply_once(
        &self,
        live: Option<&Value>,
        applied: &Value,
        mut owners: ManagedFields,
        manager: &str,
        force: bool,
        now: i64,
    ) -> Result<(Value, ManagedFields), PatchError> {
        if let (true, Some(live)) = (owners.entries.is_empty(), live) {
            owners = self
                .write(None, live, owners, "before-first-apply", now)
                .map_err(|error| {
                    PatchError::Internal(format!(
                        "failed to create manager for existing fields: {error}"
                    ))
                })?;
        }
        if managed::raw(applied).is_some_and(Value::is_array) {
            return Err(PatchError::BadRequest(
                "metadata.managedFields must be nil".to_owned(),
            ));
        }
        let failed = |what: &str, object: &Value, error: String| {
            let name = self.named(object);
            PatchError::Internal(format!(
                "failed to create typed {what} object ({name}): {error}"
            ))
        };
        let applied_typed = self
            .typed(applied.clone(), false)
            .map_err(|error| failed("patch", applied, error))?;
        let seen = live.map_or_else(|| self.empty(), |live| self.seen(live));
        let live = self
            .typed(seen.clone(), true)
            .map_err(|error| failed("live", &seen, error))?;
        let id = self.id(manager, Operation::Apply);
        let mut managers = owners.entries;
        let new = self
            .updater()
            .apply(&live, &applied_typed, &mut managers, &id, force)?;
        if let Some(owned) = managers.get_mut(&id) {
            owned.fields = owned.fields.difference(&STRIPPED);
            if new.is_some() {
                owned.time = Some(now);
            }
            if owned.fields.is_empty() {
                managers.remove(&id);
            }
        }
        let object = match new {
            Some(new) => self.merged(new),
            None => seen,
        };
        Ok((object, ManagedFields { entries: managers }))
    }
}
