//! Which objects of a collection a request is about: namespace, name, labels, fields.

use crate::{
    object,
    request::{info::RequestInfo, options::ListOptions},
    resource::Resource,
    selector::{FieldSelector, LabelSelector},
    status::ApiError,
};
use serde_json::Value;

/// What a request selects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    namespace: String,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    /// From a list's or watch's place and options. Unknown fields are refused.
    pub(crate) fn new(
        resource: &Resource,
        info: &RequestInfo,
        options: &ListOptions,
    ) -> Result<Self, ApiError> {
        for term in options.fields.terms() {
            resource
                .check_field(&term.field)
                .map_err(ApiError::bad_request)?;
        }
        let mut fields = options.fields.clone();
        if !info.name.is_empty() {
            if fields.is_empty() {
                fields = FieldSelector::name(&info.name);
            } else if fields.exact("metadata.name") != Some(&info.name) {
                return Err(ApiError::bad_request(
                    "fieldSelector metadata.name doesn't match requested name",
                ));
            }
        }
        Ok(Self {
            namespace: if resource.namespaced {
                info.namespace.clone()
            } else {
                String::new()
            },
            labels: options.labels.clone(),
            fields,
        })
    }

    /// The keys to look at begin with this.
    pub(crate) fn prefix(&self, resource: &Resource) -> String {
        let mut prefix = format!("{}/", resource.collection);
        if !self.namespace.is_empty() {
            prefix.push_str(&self.namespace);
            prefix.push('/');
        }
        prefix
    }

    /// Whether every object below the prefix is selected.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether the object is selected. Reads no more of it than is needed.
    pub(crate) fn matches(&self, resource: &Resource, key: &str, bytes: &[u8]) -> bool {
        if self.is_everything() {
            return true;
        }
        if !self.may_match_key(resource, key) {
            return false;
        }
        if self.labels.is_empty()
            && self
                .fields
                .terms()
                .iter()
                .all(|term| is_key_field(&term.field))
        {
            return true;
        }
        let Ok(object) = object::from_bytes(bytes) else {
            return false;
        };
        let labels = object.pointer("/metadata/labels");
        let label = |key: &str| {
            labels
                .and_then(|labels| labels.get(key))
                .and_then(Value::as_str)
        };
        self.labels.matches(label)
            && self
                .fields
                .matches(|field| resource.field_value(&object, field))
    }

    fn may_match_key(&self, resource: &Resource, key: &str) -> bool {
        let (namespace, name) = resource.split_key(key);
        self.fields
            .terms()
            .iter()
            .all(|term| match term.field.as_str() {
                "metadata.name" => (term.value == name) == term.equals,
                "metadata.namespace" => (term.value == namespace) == term.equals,
                _ => true,
            })
    }
}

fn is_key_field(field: &str) -> bool {
    matches!(field, "metadata.name" | "metadata.namespace")
}
