//! The metadata that the server keeps: names, namespaces, identities, times, generations, owners.

use super::Write;
use crate::{
    ids,
    object::{self, Meta},
    special,
    status::ApiError,
};
use serde_json::Value;
use std::collections::HashSet;
use tidegate_schema::FieldError;

impl Write<'_> {
    /// The namespace that an object at this place has.
    pub(super) fn expected_namespace(&self) -> &str {
        if self.resource().namespaced {
            &self.call.info.namespace
        } else {
            ""
        }
    }

    /// An object's namespace is the request's, or is left out.
    pub(crate) fn settle_namespace(&self, object: &mut Value) -> Result<(), ApiError> {
        let expected = self.expected_namespace();
        let found = object.namespace();
        if found == expected {
            return Ok(());
        }
        if found.is_empty() || expected.is_empty() {
            object.set_meta_text("namespace", expected);
            return Ok(());
        }
        Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ))
    }

    /// An update's object has the name of its path.
    pub(super) fn check_name(&self, object: &Value) -> Result<(), ApiError> {
        let name = &self.call.info.name;
        let found = object.name();
        if found.is_empty() {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({name} based on URL) was undeterminable: name must be provided"
            )));
        }
        if found != name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({found}) does not match the name on the URL ({name})"
            )));
        }
        Ok(())
    }

    /// Each owner once.
    pub(super) fn dedup_owners(&self, object: &mut Value, after_admission: bool) {
        let Some(owners) = object
            .get_mut("metadata")
            .and_then(|metadata| metadata.get_mut("ownerReferences"))
        else {
            return;
        };
        let Some(owners) = owners.as_array_mut() else {
            return;
        };
        let mut duplicates = Vec::new();
        let mut seen = HashSet::with_capacity(owners.len());
        owners.retain(|owner| {
            let is_new = seen.insert(owner.clone());
            if !is_new {
                duplicates.push(owner["uid"].as_str().unwrap_or_default().to_owned());
            }
            is_new
        });
        if duplicates.is_empty() {
            return;
        }
        let uids = duplicates.join(", ");
        self.call.warnings.add(if after_admission {
            format!(
                ".metadata.ownerReferences contains duplicate entries after mutating admission happens; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {uids}"
            )
        } else {
            format!(
                ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {uids}"
            )
        });
    }

    /// What every new object gets.
    pub(super) fn fill(&self, object: &mut Value) {
        object::wipe_system_fields(object);
        object.set_meta("creationTimestamp", self.cluster.clock.time());
        object.set_meta("uid", ids::uid());
    }

    /// Names the kind that the object says it is.
    fn invalid_object(&self, object: &Value, errors: &[FieldError]) -> ApiError {
        let kind = object["kind"].as_str().unwrap_or_default();
        let resource = self.resource();
        // Events of both groups are one type inside.
        let group = if resource.collection == "events" {
            ""
        } else {
            resource.group.as_str()
        };
        ApiError::invalid(group, kind, object.name(), errors)
    }

    /// A new object, complete and checked but for admission.
    pub(super) fn before_create(&self, object: &mut Value) -> Result<(), ApiError> {
        let strategy = &self.resource().strategy;
        self.settle_namespace(object)?;
        special::complete(self, object, None)?;
        strategy.prepare_create(object);
        let errors = strategy.validate_create(object);
        if !errors.is_empty() {
            return Err(self.invalid_object(object, &errors));
        }
        for warning in strategy.warnings(object, None) {
            self.call.warnings.add(warning);
        }
        Ok(())
    }

    /// An object that takes another's place, complete and checked but for admission.
    pub(super) fn before_update(&self, new: &mut Value, old: &Value) -> Result<(), ApiError> {
        let strategy = &self.resource().strategy;
        self.settle_namespace(new)?;
        carry(new, old, "generation");
        special::complete(self, new, Some(old))?;
        strategy.prepare_update(new, old, self.subresource());
        if new.uid().is_empty() {
            carry(new, old, "uid");
        }
        if !old.meta_text("creationTimestamp").is_empty() {
            carry(new, old, "creationTimestamp");
        }
        if old.is_being_deleted() {
            carry(new, old, "deletionTimestamp");
        }
        let period = "deletionGracePeriodSeconds";
        let has = |object: &Value| {
            object
                .metadata()
                .is_some_and(|metadata| metadata.contains_key(period))
        };
        if has(old) && !has(new) {
            carry(new, old, period);
        }
        let errors = strategy.validate_update(new, old, self.subresource());
        if !errors.is_empty() {
            return Err(self.invalid_object(new, &errors));
        }
        if self.subresource() != "status" {
            for warning in strategy.warnings(new, Some(old)) {
                self.call.warnings.add(warning);
            }
        }
        Ok(())
    }
}

/// Takes a field of the metadata from the old object; it is missing where it was.
fn carry(new: &mut Value, old: &Value, key: &str) {
    match old.metadata().and_then(|metadata| metadata.get(key)) {
        Some(value) => new.set_meta(key, value.clone()),
        None => {
            new.metadata_mut().remove(key);
        }
    }
}
