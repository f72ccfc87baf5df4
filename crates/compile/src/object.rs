//! Objects as they come: lean views of the JSON that hold only what is used, and the forms that are kept.
//!
//! Reading never panics and never recurses deeper than the JSON reader's own limit. What can't be read gives an error
//! that ends up in a status.

pub(crate) mod backend;
pub(crate) mod gateway;
pub(crate) mod grant;
pub(crate) mod material;
pub(crate) mod policy;
pub(crate) mod reference;
pub(crate) mod route;
pub(crate) mod service;
pub(crate) mod status;

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{condition, intern::Interner, key::ObjectKey, text};

/// An object in which only the metadata is read yet.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<'a> {
    pub(crate) metadata: RawMeta,
    #[serde(borrow, default)]
    pub(crate) spec: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) endpoints: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) ports: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawMeta {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    uid: Option<String>,
    #[serde(default)]
    resource_version: Option<String>,
    #[serde(default)]
    generation: Option<i64>,
    #[serde(default)]
    creation_timestamp: Option<String>,
    #[serde(default)]
    pub(crate) labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    annotations: Option<Annotations>,
}

/// The annotations that are used.
#[derive(Debug, Default, Deserialize)]
struct Annotations {
    #[serde(rename = "gateway.networking.k8s.io/bundle-version", default)]
    bundle_version: Option<String>,
}

/// What is kept of an object's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) key: ObjectKey,
    pub(crate) uid: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) generation: i64,
    pub(crate) created_s: i64,
}

impl RawMeta {
    pub(crate) fn keep(&self, interner: &mut Interner) -> Meta {
        let created = self.creation_timestamp.as_deref().unwrap_or_default();
        Meta {
            key: interner.key(self.namespace.as_deref().unwrap_or_default(), &self.name),
            uid: self.uid.as_deref().unwrap_or_default().into(),
            version: self.resource_version.as_deref().unwrap_or_default().into(),
            generation: self.generation.unwrap_or(0),
            created_s: condition::time_seconds(created),
        }
    }

    /// Of which release of Gateway API a definition is.
    pub(crate) fn bundle_version(&self) -> Option<&str> {
        self.annotations.as_ref()?.bundle_version.as_deref()
    }
}

/// Reads a part of an object; what is missing reads as `null`.
pub(crate) fn read<'a, T: Deserialize<'a>>(part: Option<&'a RawValue>) -> Result<T, String> {
    serde_json::from_str(part.map_or("null", RawValue::get)).map_err(|fault| fault.to_string())
}

/// A hash of a part, to notice whether it changed.
pub(crate) fn hash(part: Option<&RawValue>) -> u64 {
    text::hash(part.map_or("", RawValue::get).as_bytes())
}
