//! From the server's bytes to a cached object: metadata parsed and shared, the rest cleaned, transformed, packed.

use crate::{
    intern::Interner,
    key::ObjectKey,
    labels::Labels,
    object::{Inner, Object, Owner},
    uid::Uid,
};
use bytes::Bytes;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tidegate_pack::{HotCache, Packer};
use tidegate_wire::{Meta, OwnerRef, RawObject, ResourceVersion, parse_object};

/// Changes objects before they are cached, to leave out what nobody reads.
///
/// Gets the whole object; must be idempotent, and leave `metadata.name`, `namespace`, `uid` and `resourceVersion` alone
/// (changes of those are not heeded). If it panics, the object is cached as it came.
pub type Transform = Arc<dyn Fn(&mut serde_json::Value) + Send + Sync>;

/// `apiVersion` and `kind`, for servers that leave them out in lists.
#[derive(Debug, Clone)]
pub(crate) struct TypeMeta {
    pub(crate) api_version: String,
    pub(crate) kind: String,
}

/// Makes objects.
pub(crate) struct Ingest {
    packer: Packer,
    hot: Option<Arc<HotCache>>,
    transform: Option<Transform>,
    type_meta: Option<TypeMeta>,
    labels: Interner<Labels>,
    owners: Interner<Box<[Owner]>>,
    scratch: Vec<u8>,
}

/// A scratch buffer larger than this is given back after use.
const SCRATCH_KEPT_BYTES: usize = 256 * 1024;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Ingest {
    pub(crate) fn new(
        packer: Packer,
        hot: Option<Arc<HotCache>>,
        transform: Option<Transform>,
    ) -> Self {
        Self {
            packer,
            hot,
            transform,
            type_meta: None,
            labels: Interner::new(),
            owners: Interner::new(),
            scratch: Vec::new(),
        }
    }

    pub(crate) fn set_type_meta(&mut self, type_meta: TypeMeta) {
        self.type_meta = Some(type_meta);
    }

    pub(crate) fn has_type_meta(&self) -> bool {
        self.type_meta.is_some()
    }

    /// The object that `raw` says.
    pub(crate) fn object(&mut self, key: ObjectKey, raw: &RawObject<'_>) -> Object {
        let mut json = std::mem::take(&mut self.scratch);
        json.clear();
        let type_meta = self.type_meta.as_ref();
        raw.write_clean(
            type_meta.map(|meta| (&*meta.api_version, &*meta.kind)),
            &mut json,
        );
        let object = match self.transformed(&key, &mut json) {
            true => match parse_object(&json) {
                Ok(changed) => self.build(key, raw.meta(), changed.meta(), &json),
                Err(_) => self.build(key, raw.meta(), raw.meta(), &json),
            },
            false => self.build(key, raw.meta(), raw.meta(), &json),
        };
        if json.capacity() <= SCRATCH_KEPT_BYTES {
            self.scratch = json;
        }
        object
    }

    /// Identity is taken from `identity`, what a transform may change from `meta`.
    fn build(
        &mut self,
        key: ObjectKey,
        identity: &Meta<'_>,
        meta: &Meta<'_>,
        json: &[u8],
    ) -> Object {
        let body = self.packer.pack(json, sibling(meta));
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        if let Some(hot) = &self.hot {
            hot.insert(id, Bytes::copy_from_slice(json));
        }
        Object::new(Inner {
            id,
            key,
            uid: Uid::parse(identity.uid.as_deref().unwrap_or_default()),
            resource_version: ResourceVersion::opaque(&identity.resource_version),
            generation: identity.generation,
            deleting: identity.deletion_timestamp,
            labels: self.labels.intern(Labels::pack(meta.labels.clone())),
            owners: self.owners(&meta.owners),
            body,
            hot: self.hot.clone(),
        })
    }

    fn owners(&mut self, owners: &[OwnerRef<'_>]) -> Option<Arc<Box<[Owner]>>> {
        if owners.is_empty() {
            return None;
        }
        let owners = owners.iter().map(|owner| Owner {
            api_version: owner.api_version.as_ref().into(),
            kind: owner.kind.as_ref().into(),
            name: owner.name.as_ref().into(),
            uid: Uid::parse(&owner.uid),
            controller: owner.controller,
        });
        Some(self.owners.intern(owners.collect()))
    }

    /// True if `json` was replaced by what the transform made of it.
    fn transformed(&self, key: &ObjectKey, json: &mut Vec<u8>) -> bool {
        let Some(transform) = &self.transform else {
            return false;
        };
        let Ok(mut value) = serde_json::from_slice(json) else {
            tracing::warn!(object = %key, "not transformed: the object is not valid JSON");
            return false;
        };
        if catch_unwind(AssertUnwindSafe(|| transform(&mut value))).is_err() {
            tracing::error!(object = %key, "a transform panicked");
            return false;
        }
        json.clear();
        serde_json::to_writer(&mut *json, &value).is_ok()
    }
}

/// Objects of one controller are made from one template.
fn sibling(meta: &Meta<'_>) -> Option<u64> {
    let owner = meta.owners.iter().find(|owner| owner.controller)?;
    let mut hasher = DefaultHasher::new();
    owner.uid.hash(&mut hasher);
    Some(hasher.finish())
}
