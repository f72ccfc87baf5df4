//! Who owns which field after a write.

use super::Write;
use crate::{resource::Resource, status::ApiError};
use serde_json::Value;
use std::collections::BTreeMap;
use tidegate_kinds::Part;
use tidegate_merge::{Ownership, PatchError, Version};

/// Does something with a resource's field ownership.
pub(crate) fn with<R>(
    resource: &Resource,
    subresource: &str,
    work: impl FnOnce(&Ownership<'_>) -> R,
) -> R {
    let api_version = resource.api_version();
    let reset = BTreeMap::from([(
        api_version.clone(),
        resource.strategy.reset_fields(subresource),
    )]);
    let ownership = Ownership {
        api_version: &api_version,
        kind: &resource.kind,
        subresource,
        builtin: resource.strategy.is_builtin(),
        versions: &|api_version| resource.strategy.version(api_version),
        reset: &reset,
    };
    work(&ownership)
}

/// The same for the type of a subresource.
pub(crate) fn with_part<R>(
    part: &'static Part,
    subresource: &str,
    work: impl FnOnce(&Ownership<'_>) -> R,
) -> R {
    let own = part.api_version();
    let ownership = Ownership {
        api_version: &own,
        kind: part.kind,
        subresource,
        builtin: true,
        versions: &|api_version| {
            if api_version == own {
                Version::Schema(part.schema())
            } else {
                Version::Missing
            }
        },
        reset: &BTreeMap::new(),
    };
    work(&ownership)
}

impl Write<'_> {
    /// What is written to a subresource of a type of its own, with its owners.
    pub(crate) fn owned_part(
        &self,
        part: &'static Part,
        live: Option<&Value>,
        object: &Value,
    ) -> Value {
        let manager = self.manager();
        let now = self.cluster.clock.seconds();
        with_part(part, self.subresource(), |ownership| {
            ownership.update(live, object, &manager, now)
        })
    }

    /// The same after an apply.
    pub(super) fn applied_part(
        &self,
        part: &'static Part,
        live: &Value,
        patch: &Value,
    ) -> Result<Value, ApiError> {
        let manager = self.manager();
        let now = self.cluster.clock.seconds();
        let force = self.options.force.unwrap_or_default();
        with_part(part, self.subresource(), |ownership| {
            ownership.apply(Some(live), patch, &manager, force, now)
        })
        .map_err(patch_failed)
    }

    /// The object with the owners that this write makes.
    pub(crate) fn owned(&self, live: Option<&Value>, object: &Value) -> Value {
        let manager = self.manager();
        let now = self.cluster.clock.seconds();
        with(self.resource(), self.subresource(), |ownership| {
            ownership.update(live, object, &manager, now)
        })
    }

    /// The object after an apply.
    pub(super) fn applied(&self, live: Option<&Value>, patch: &Value) -> Result<Value, ApiError> {
        let manager = self.manager();
        let now = self.cluster.clock.seconds();
        let force = self.options.force.unwrap_or_default();
        with(self.resource(), self.subresource(), |ownership| {
            ownership.apply(live, patch, &manager, force, now)
        })
        .map_err(patch_failed)
    }
}

/// A refusal in the server's words.
pub(super) fn patch_failed(error: PatchError) -> ApiError {
    let causes = error
        .causes()
        .into_iter()
        .map(|cause| crate::status::Cause {
            reason: cause.reason.to_owned(),
            message: cause.message,
            field: cause.field,
        });
    let mut answer = ApiError::other(error.code(), error.reason(), error.message());
    if error.has_details() {
        answer.details_mut().causes.extend(causes);
    }
    answer
}
