//! How controllers write: through the same door as everyone else.

use crate::{
    call::Call,
    cluster::Cluster,
    ids,
    object::{self, Meta},
    request::options::{DeleteOptions, WriteOptions},
    resource::Resource,
    status::ApiError,
    write::Write,
};
use serde_json::Value;
use std::sync::Arc;
use tidegate_access::User;
use tidegate_store::{self as store, Expected, WriteError};

/// Who controllers are.
fn user() -> User {
    User {
        name: "system:kube-controller-manager".to_owned(),
        groups: vec![
            "system:authenticated".to_owned(),
            "system:masters".to_owned(),
        ],
        ..User::default()
    }
}

impl Cluster {
    /// The object under a key, as its resource has it.
    pub(super) fn object_at(&self, key: &str) -> Option<(Arc<Resource>, Value)> {
        let collection = key.split('/').next().unwrap_or_default();
        let resource = self.registry.now().of_collection(collection)?.clone();
        let entry = self.store.head(key)?;
        let object = resource.tree(&entry.value).ok()?;
        Some((resource, object))
    }

    /// Changes an object until the change is in, or `change` says that there is none to make. An object whose last
    /// finalizer goes, goes.
    pub(super) async fn modify(
        &self,
        key: &str,
        change: impl Fn(&mut Value) -> bool,
    ) -> Result<(), WriteError> {
        loop {
            let Some(entry) = self.store.head(key) else {
                return Ok(());
            };
            let Ok(mut object) = object::from_bytes(&entry.value) else {
                tracing::error!(key, "a stored object can't be read");
                return Ok(());
            };
            if !change(&mut object) {
                return Ok(());
            }
            let expected = Expected::Revision(entry.revision);
            let body = object::to_body(&object);
            let collection = key.split('/').next().unwrap_or_default();
            let resource = self.registry.now().of_collection(collection).cloned();
            let waits =
                resource.is_some_and(|resource| !crate::special::may_end(&resource, &object));
            let write = if object.is_being_deleted() && object.finalizers().is_empty() && !waits {
                store::Write::Delete {
                    key,
                    expected,
                    body,
                }
            } else {
                store::Write::Put {
                    key,
                    expected,
                    body,
                }
            };
            match self.commit(write).await {
                Err(WriteError::Conflict { .. }) => {}
                outcome => return outcome.map(drop),
            }
        }
    }

    /// Creates an object if it isn't there.
    pub(crate) async fn ensure(&self, key: &str, mut object: Value) -> Result<(), WriteError> {
        if self.store.head(key).is_some() {
            return Ok(());
        }
        object.set_meta("uid", ids::uid());
        object.set_meta("creationTimestamp", self.clock.time());
        let body = object::to_body(&object);
        let expected = Expected::Absent;
        match self
            .commit(store::Write::Put {
                key,
                expected,
                body,
            })
            .await
        {
            Err(WriteError::Conflict { .. }) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Deletes an object as a client would. One that is gone is no error.
    pub(super) async fn remove(&self, key: &str, policy: Option<&str>) -> Result<(), ApiError> {
        let Some((resource, object)) = self.object_at(key) else {
            return Ok(());
        };
        let options = DeleteOptions {
            propagation_policy: policy.map(str::to_owned),
            uid: Some(object.uid().to_owned()),
            grace_period_seconds: Some(0),
            ..DeleteOptions::default()
        };
        let call = Call::internal(resource, user(), object.namespace(), object.name());
        let write = Write {
            cluster: self,
            call: &call,
            options: &WriteOptions::default(),
        };
        match write.delete(object.name(), &options).await {
            Err(error) if error.code != 404 && error.code != 409 => Err(error),
            _ => Ok(()),
        }
    }
}
