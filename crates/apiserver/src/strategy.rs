//! What differs from kind to kind: how objects are read, completed, checked and shown.

pub(crate) mod builtin;
pub(crate) mod custom;

use bytes::Bytes;
use serde_json::Value;
use std::fmt;
use tidegate_merge::{FieldSet, Version};
use tidegate_schema::{FieldError, Schema};

/// The ways of one kind in one version. `subresource` is empty for the object itself.
pub(crate) trait Strategy: fmt::Debug + Send + Sync {
    /// Makes a decoded document an object of the kind. Gives the strict decoder's complaints; the error is the text of
    /// a decoder that can't go on.
    fn decode(&self, object: &mut Value) -> Result<Vec<String>, String>;
    /// What Go's converter from trees to structs says of a tree that isn't of the kind; only built-in kinds have one.
    fn conversion_error(&self, _: &Value) -> Option<String> {
        None
    }
    /// Sets what is missing and has a default.
    fn default(&self, object: &mut Value);
    /// Removes what a client may not set, sets what the server does.
    fn prepare_create(&self, object: &mut Value);
    /// The same, for an update.
    fn prepare_update(&self, new: &mut Value, old: &Value, subresource: &str);
    /// What is wrong with a new object.
    fn validate_create(&self, object: &Value) -> Vec<FieldError>;
    /// What is wrong with an update.
    fn validate_update(&self, new: &Value, old: &Value, subresource: &str) -> Vec<FieldError>;
    /// What is not wrong, but worth a word.
    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String>;
    /// A PUT may create.
    fn allow_create_on_update(&self) -> bool;
    /// An update may come without a version.
    fn allow_unconditional_update(&self) -> bool;
    /// The schema, for patches.
    fn schema(&self) -> Option<Schema<'_>>;
    /// The kind has Go structs in Kubernetes: strategic merge patches, structs that are always there.
    fn is_builtin(&self) -> bool;
    /// What is known of a version of this kind, for field ownership.
    fn version(&self, api_version: &str) -> Version<'_>;
    /// The fields that are reset on writes through this endpoint.
    fn reset_fields(&self, subresource: &str) -> FieldSet;
    /// Stored bytes in this version, where they differ.
    fn converted(&self, bytes: &Bytes) -> Option<Bytes>;
    /// Makes an object of this version one of the version that is stored.
    fn to_storage(&self, object: &mut Value);
    /// Whether objects can be selected by this field.
    fn selectable(&self, field: &str) -> bool;
    /// The text for a field that they can't be selected by.
    fn unknown_field_label(&self, field: &str) -> String;
    /// The value of such a field.
    fn field_value(&self, object: &Value, field: &str) -> String;
    /// The columns of its table, as a Table has them.
    fn columns(&self) -> Value;
    /// An object's cells.
    fn cells(&self, object: &Value, now: i64) -> Vec<Value>;
    /// Seconds between the request to delete and the end, where objects of this kind end gracefully.
    fn grace_period(&self, _: &Value, _: Option<i64>) -> Option<i64> {
        None
    }
    /// The replicas of an object, where it has any.
    fn scale(&self) -> Option<ScalePaths>;
}

/// Where an object keeps what its scale shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScalePaths {
    /// `spec.replicas`, without a leading dot.
    pub(crate) spec_replicas: String,
    pub(crate) status_replicas: String,
    /// How its pods are found, and the path of that.
    pub(crate) selector: Option<(SelectorForm, String)>,
}

/// How a selector is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelectorForm {
    /// As text: custom resources.
    Text,
    /// As labels: replication controllers.
    Labels,
    /// As a `LabelSelector`: other built-in kinds.
    Full,
}
