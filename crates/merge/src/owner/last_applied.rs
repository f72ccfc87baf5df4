//! From client-side to server-side apply: what `kubectl apply` recorded in its annotation is no conflict for the
//! manager `kubectl`, and the annotation follows what that manager applies.

use super::Ownership;
use crate::{FieldSet, PatchError, managed::ManagedFields, typed, words};
use serde_json::{Map, Value};

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The manager to which all this applies.
const KUBECTL: &str = "kubectl";

/// The limit of all annotations of an object, in bytes.
const ANNOTATIONS_MAX: usize = 256 * 1024;

impl Ownership<'_> {
    /// An apply, in which conflicts with what the annotation recorded don't count.
    pub(super) fn apply_over_last_applied(
        &self,
        live: Option<&Value>,
        applied: &Value,
        owners: ManagedFields,
        manager: &str,
        force: bool,
        now: i64,
    ) -> Result<(Value, ManagedFields), PatchError> {
        let result = self.apply_once(live, applied, owners.clone(), manager, force, now);
        let (Err(PatchError::Conflicts(conflicts)), KUBECTL) = (&result, manager) else {
            return result;
        };
        let Some(allowed) = live.and_then(|live| self.recorded(live)) else {
            return result;
        };
        let left: Vec<_> = conflicts
            .iter()
            .filter(|conflict| !allowed.has(&conflict.path.0))
            .cloned()
            .collect();
        if left.is_empty() {
            self.apply_once(live, applied, owners, manager, true, now)
        } else {
            Err(PatchError::Conflicts(left))
        }
    }

    /// The fields that the annotation recorded and that still are as they were.
    fn recorded(&self, live: &Value) -> Option<FieldSet> {
        let recorded = annotation(live).filter(|text| !text.is_empty())?;
        let recorded: Value = serde_json::from_str(recorded).ok()?;
        let text = |name| recorded.get(name).and_then(Value::as_str);
        if text("kind").is_none_or(str::is_empty) || text("apiVersion") != Some(self.api_version) {
            return None;
        }
        let live = self.typed(self.seen(live), false).ok()?;
        let recorded = self.typed(recorded, false).ok()?;
        let changes = typed::compare(&recorded.value, &live.value, live.ty).ok()?;
        Some(
            typed::to_set(&recorded.value, recorded.ty)
                .difference(&changes.modified)
                .difference(&changes.added)
                .difference(&changes.removed),
        )
    }

    /// Writes what was applied into the annotation, if there is one.
    pub(super) fn keep_last_applied(&self, object: &mut Value, applied: &Value, manager: &str) {
        let recorded = annotation(object).is_some_and(|text| !text.is_empty());
        if manager != KUBECTL || !recorded {
            return;
        }
        let mut applied = applied.clone();
        if let Some(annotations) = annotations_mut(&mut applied) {
            annotations.remove(ANNOTATION);
        }
        let text = format!("{}\n", words::json(&applied));
        if let Some(annotations) = annotations_mut(object) {
            annotations.insert(ANNOTATION.to_owned(), Value::String(text));
            let size: usize = annotations
                .iter()
                .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
                .sum();
            if size > ANNOTATIONS_MAX {
                annotations.remove(ANNOTATION);
            }
        }
    }
}

fn annotation(object: &Value) -> Option<&str> {
    object
        .get("metadata")?
        .get("annotations")?
        .get(ANNOTATION)?
        .as_str()
}

fn annotations_mut(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object
        .get_mut("metadata")?
        .get_mut("annotations")?
        .as_object_mut()
}
