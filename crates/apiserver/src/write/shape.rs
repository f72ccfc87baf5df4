//! What a body is read as: an object of the resource's kind, or the type of a subresource.

use super::decode::{self, Decoded};
use crate::{
    call::Call,
    negotiate,
    request::options::FieldValidation,
    resource::Resource,
    status::ApiError,
    strategy::{Strategy, builtin},
};
use serde_json::Value;
use tidegate_kinds::Part;
use tidegate_schema::Schema;

/// A type that bodies are read as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'a> {
    Kind(&'a dyn Strategy),
    Part(&'static Part),
}

impl<'a> Shape<'a> {
    pub(super) fn decode(self, object: &mut Value) -> Result<Vec<String>, String> {
        match self {
            Self::Kind(strategy) => strategy.decode(object),
            Self::Part(part) => part.decode(object),
        }
    }

    pub(super) fn default(self, object: &mut Value) {
        match self {
            Self::Kind(strategy) => strategy.default(object),
            Self::Part(part) => part.default(object),
        }
    }

    pub(super) fn schema(self) -> Option<Schema<'a>> {
        match self {
            Self::Kind(strategy) => strategy.schema(),
            Self::Part(part) => Some(part.schema()),
        }
    }

    /// What Go's converter from trees says of a tree that isn't of this type.
    pub(super) fn conversion_error(self, object: &Value) -> Option<String> {
        match self {
            Self::Kind(strategy) => strategy.conversion_error(object),
            Self::Part(part) => part.conversion_error(object),
        }
    }
}

/// The body of a write to a subresource of a type of its own, complete with defaults.
pub(crate) fn part_body(
    call: &Call,
    part: &'static Part,
    validation: FieldValidation,
) -> Result<Value, ApiError> {
    let format = negotiate::input_format(&call.headers)?;
    let api_version = part.api_version();
    let decoded =
        |version: &str| super::decode(&call.body, format, &call.resource, version, part.kind);
    let older = part.older_api_version();
    let Decoded { mut object, strict } = decoded(&api_version).or_else(|error| {
        let again = older.as_deref().map(decoded);
        again.and_then(Result::ok).ok_or(error)
    })?;
    let unknown = part.decode(&mut object).map_err(|why| {
        ApiError::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {kind}: {why}",
            part.version,
            kind = part.kind,
        ))
    })?;
    part.default(&mut object);
    let complaints: Vec<String> = strict.into_iter().chain(unknown).collect();
    match validation {
        FieldValidation::Strict if !complaints.is_empty() => Err(ApiError::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {kind}: {}",
            part.version,
            decode::strict_text(&complaints),
            kind = part.kind,
        ))),
        FieldValidation::Warn => {
            decode::warn(call, &complaints);
            Ok(object)
        }
        FieldValidation::Strict | FieldValidation::Ignore => Ok(object),
    }
}

/// Why a patched object is no longer of its type: what it says it is, is read first.
pub(super) fn wrong_type(resource: &Resource, object: &Value, expected: &Value) -> Option<String> {
    let text = |key: &str| {
        let found = object[key].as_str().filter(|found| !found.is_empty());
        found.or(expected[key].as_str()).unwrap_or_default()
    };
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if expected["apiVersion"] == api_version && expected["kind"] == kind {
        return None;
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let Some(other) = builtin::registered(group, version, kind) else {
        return Some(format!(
            "no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/runtime/scheme.go:111\""
        ));
    };
    if let Err(why) = other.decode(&mut object.clone()) {
        return Some(why);
    }
    let wanted = expected["kind"].as_str().unwrap_or_default();
    let hub = resource.go_package();
    Some(format!(
        "converting ({version}.{kind}) to ({hub}.{wanted}): unknown conversion"
    ))
}
