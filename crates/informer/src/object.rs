//! One cached object: its metadata parsed, the rest as JSON bytes that are decoded on demand.
//!
//! Knows how to read itself; does not know where it came from or who watches it. Never changes once made.

use crate::{key::ObjectKey, labels::Labels, uid::Uid};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::{fmt, sync::Arc};
use tidegate_pack::{HotCache, Packed, UnpackError};
use tidegate_wire::ResourceVersion;

/// An immutable object of some resource. Cloning shares it.
#[derive(Clone)]
pub struct Object(Arc<Inner>);

pub(crate) struct Inner {
    /// Unique in the process; names the body in the hot cache.
    pub(crate) id: u64,
    pub(crate) key: ObjectKey,
    pub(crate) uid: Uid,
    pub(crate) resource_version: ResourceVersion,
    pub(crate) generation: Option<i64>,
    pub(crate) deleting: bool,
    pub(crate) labels: Arc<Labels>,
    pub(crate) owners: Option<Arc<Box<[Owner]>>>,
    pub(crate) body: Packed,
    /// `None` where bodies are stored as they are.
    pub(crate) hot: Option<Arc<HotCache>>,
}

/// One entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// `apiVersion` of the owner.
    pub api_version: Box<str>,
    /// `kind` of the owner.
    pub kind: Box<str>,
    /// `name` of the owner; it lives in the same namespace or is cluster-scoped.
    pub name: Box<str>,
    /// `uid` of the owner.
    pub uid: Uid,
    /// True for the managing controller; at most one owner is.
    pub controller: bool,
}

/// Why an object could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The JSON is not of the shape that was asked for. The object itself stays usable by other means.
    #[error("{key}: {source}")]
    Decode {
        /// Which object.
        key: ObjectKey,
        /// What did not fit, and where in the JSON.
        #[source]
        source: serde_json::Error,
    },
    /// The cached bytes are damaged, which means a defect in the process.
    #[error("{key}: cached body is damaged: {source}")]
    Damaged {
        /// Which object.
        key: ObjectKey,
        /// What the unpacker found.
        #[source]
        source: UnpackError,
    },
}

impl Object {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Namespace and name.
    pub fn key(&self) -> &ObjectKey {
        &self.0.key
    }

    /// The namespace; `None` if cluster-scoped.
    pub fn namespace(&self) -> Option<&str> {
        self.0.key.namespace()
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.0.key.name()
    }

    /// `metadata.uid`: what tells a re-created object from its predecessor.
    pub fn uid(&self) -> &Uid {
        &self.0.uid
    }

    /// `metadata.resourceVersion`.
    pub fn resource_version(&self) -> &ResourceVersion {
        &self.0.resource_version
    }

    /// `metadata.generation`, which counts changes of the specification.
    pub fn generation(&self) -> Option<i64> {
        self.0.generation
    }

    /// True if `metadata.deletionTimestamp` is set: the object waits for its finalizers.
    pub fn is_deleting(&self) -> bool {
        self.0.deleting
    }

    /// `metadata.labels`.
    pub fn labels(&self) -> &Labels {
        &self.0.labels
    }

    /// `metadata.ownerReferences`.
    pub fn owners(&self) -> &[Owner] {
        self.0.owners.as_ref().map_or(&[], |owners| owners)
    }

    /// The owner that manages this object, if any.
    pub fn controller(&self) -> Option<&Owner> {
        self.owners().iter().find(|owner| owner.controller)
    }

    /// The whole object as JSON, with `apiVersion` and `kind`, without `metadata.managedFields`.
    ///
    /// # Errors
    /// [`ObjectError::Damaged`], which only a defect can cause.
    pub fn json(&self) -> Result<Bytes, ObjectError> {
        let unpack = || self.0.body.unpack().map_err(|source| self.damaged(source));
        let Some(hot) = &self.0.hot else {
            return unpack();
        };
        if let Some(bytes) = hot.get(self.0.id) {
            return Ok(bytes);
        }
        let bytes = unpack()?;
        hot.insert(self.0.id, bytes.clone());
        Ok(bytes)
    }

    /// The object as a typed value, such as `k8s_openapi::api::core::v1::Pod`.
    ///
    /// # Errors
    /// [`ObjectError::Decode`] if the JSON does not fit `T`.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, ObjectError> {
        self.decode(&self.json()?)
    }

    /// The value at an RFC 6901 pointer, such as `/spec/nodeName`; `None` if there is nothing at that place or it is null.
    /// Only that value is decoded.
    ///
    /// # Errors
    /// [`ObjectError::Decode`] if the value does not fit `T`.
    pub fn pointer<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>, ObjectError> {
        match tidegate_wire::pointer(&self.json()?, pointer) {
            Some(value) => self.decode::<Option<T>>(value),
            None => Ok(None),
        }
    }

    /// The value of one annotation.
    ///
    /// # Errors
    /// [`ObjectError::Damaged`], which only a defect can cause.
    pub fn annotation(&self, name: &str) -> Result<Option<String>, ObjectError> {
        let json = self.json()?;
        Ok(tidegate_wire::annotation(&json, name).map(std::borrow::Cow::into_owned))
    }

    /// Bytes of memory that the body takes in the cache by itself.
    pub fn stored_bytes(&self) -> usize {
        self.0.body.stored_len()
    }

    /// Bytes of the body as JSON.
    pub fn json_bytes(&self) -> usize {
        self.0.body.raw_len()
    }

    /// True if both are the same version of the same object in one cache.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    fn decode<T: DeserializeOwned>(&self, json: &[u8]) -> Result<T, ObjectError> {
        serde_json::from_slice(json).map_err(|source| ObjectError::Decode {
            key: self.0.key.clone(),
            source,
        })
    }

    fn damaged(&self, source: UnpackError) -> ObjectError {
        ObjectError::Damaged {
            key: self.0.key.clone(),
            source,
        }
    }
}

/// Shows what the object is, never what is in it: it may be a Secret.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.0.key, self.0.resource_version)
    }
}
