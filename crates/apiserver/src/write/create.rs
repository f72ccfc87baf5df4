//! POST: a new object.

use super::Write;
use crate::{
    admission::Operation,
    call::{Answer, Call},
    cluster::Cluster,
    ids,
    object::{self, Meta},
    read::present,
    request::options::{WriteKind, WriteOptions},
    status::ApiError,
};
use serde_json::Value;
use tidegate_store::Expected;

/// How often another name is tried for a generated one that is taken.
const NAME_TRIES: usize = 8;

/// Answers a create.
pub(crate) async fn create(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    if !crate::negotiate::is_protobuf(&call.headers) {
        crate::negotiate::input_format(&call.headers)?;
    }
    let options = WriteOptions::parse(&call.query, WriteKind::Create)?;
    let write = Write {
        cluster,
        call,
        options: &options,
    };
    let mut object = write.body()?;
    object::wipe_system_fields(&mut object);
    write.settle_namespace(&mut object)?;
    if object.resource_version().is_empty() || object.resource_version() == "0" {
        object.metadata_mut().remove("resourceVersion");
    }
    write.dedup_owners(&mut object, false);
    let mut object = write.owned(None, &object);
    let created = write.create(&mut object).await?;
    present::object(cluster, call, 201, created)
}

impl Write<'_> {
    async fn create(&self, object: &mut Value) -> Result<Value, ApiError> {
        self.cluster
            .mutate_admission(self, Operation::Create, object, None)?;
        self.dedup_owners(object, true);
        if !object.name().is_empty() || object.meta_text("generateName").is_empty() {
            return self.create_named(object.clone()).await;
        }
        let mut tries = 0;
        loop {
            let mut attempt = object.clone();
            attempt.set_meta(
                "name",
                ids::generated_name(object.meta_text("generateName")),
            );
            tries += 1;
            match self.create_named(attempt).await {
                Err(error) if error.reason == "AlreadyExists" && tries < NAME_TRIES => {}
                outcome => return outcome,
            }
        }
    }

    async fn create_named(&self, mut object: Value) -> Result<Value, ApiError> {
        self.fill(&mut object);
        self.refuse_new_of_ending_definition(object.name())?;
        self.before_create(&mut object)?;
        let name = object.name().to_owned();
        let request = self.admission(Operation::Create, &name, Some(&object), None);
        self.cluster.validate_admission(&request)?;
        let resource = self.resource();
        if !object.resource_version().is_empty() && !self.options.dry_run {
            return Err(ApiError::other(
                500,
                "",
                "resourceVersion should not be set on objects to be created",
            ));
        }
        let key = resource.key(object.namespace(), &name);
        let existing = self.cluster.store.head(&key);
        if existing.is_none()
            && let Some(stored) = self.store(&key, Expected::Absent, object.clone()).await?
        {
            return Ok(stored);
        }
        let mut error = if object.meta_text("generateName").is_empty() {
            ApiError::already_exists(resource.group_resource(), &name)
        } else {
            ApiError::generate_name_conflict(resource.group_resource(), &name)
        };
        let existing = self.cluster.store.head(&key);
        if existing.is_some_and(|entry| {
            resource
                .tree(&entry.value)
                .is_ok_and(|object| object.is_being_deleted())
        }) {
            error.message = format!("object is being deleted: {}", error.message);
        }
        Err(error)
    }
}

impl Write<'_> {
    /// A definition that is going takes no new objects.
    fn refuse_new_of_ending_definition(&self, name: &str) -> Result<(), ApiError> {
        let resource = self.resource();
        if resource.bare_items {
            return Ok(());
        }
        let key = format!(
            "customresourcedefinitions.apiextensions.k8s.io/{}",
            resource.collection
        );
        let ending = self.cluster.store.head(&key).is_some_and(|entry| {
            object::from_bytes(&entry.value).is_ok_and(|definition| definition.is_being_deleted())
        });
        if ending {
            let why = "create not allowed while custom resource definition is terminating";
            return Err(ApiError::forbidden(resource.group_resource(), name, why));
        }
        Ok(())
    }
}
