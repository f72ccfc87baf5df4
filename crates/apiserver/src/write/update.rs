//! PUT: another object in the place of one.

use super::{Write, guaranteed::Outcome};
use crate::{
    admission::Operation,
    call::{Answer, Call},
    cluster::Cluster,
    object::Meta,
    read::present,
    request::options::{WriteKind, WriteOptions},
    serve::route::check_segment,
    status::ApiError,
};
use serde_json::Value;

/// Answers an update.
pub(crate) async fn update(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let options = WriteOptions::parse(&call.query, WriteKind::Update)?;
    let write = Write {
        cluster,
        call,
        options: &options,
    };
    let mut object = write.body()?;
    write.settle_namespace(&mut object)?;
    write.check_name(&object)?;
    check_segment(&call.info.name)?;
    write.dedup_owners(&mut object, false);
    let allow_create = call.resource.strategy.allow_create_on_update();
    let outcome = write
        .guaranteed(allow_create, &|existing| {
            if let Some(existing) = existing {
                write.check_uid(&object, existing)?;
            }
            let mut new = write.owned(existing, &object);
            let operation = if existing.is_some() {
                Operation::Update
            } else {
                Operation::Create
            };
            cluster.mutate_admission(&write, operation, &mut new, existing)?;
            write.dedup_owners(&mut new, true);
            Ok(new)
        })
        .await?;
    answer(cluster, call, outcome)
}

/// What the client gets of an update.
pub(super) fn answer(cluster: &Cluster, call: &Call, outcome: Outcome) -> Result<Answer, ApiError> {
    match outcome {
        Outcome::Created(object) => present::object(cluster, call, 201, object),
        Outcome::Updated(object) | Outcome::Deleted(object) => {
            present::object(cluster, call, 200, object)
        }
    }
}

impl Write<'_> {
    /// An update that names an identity is for that object only.
    pub(crate) fn check_uid(&self, object: &Value, existing: &Value) -> Result<(), ApiError> {
        if object.uid().is_empty() || object.uid() == existing.uid() {
            return Ok(());
        }
        let why = precondition_failed(self, "UID", object.uid(), existing.uid());
        Err(self.precondition_conflict(&why))
    }

    /// The same for a version.
    pub(crate) fn check_exact_version(
        &self,
        object: &Value,
        existing: &Value,
    ) -> Result<(), ApiError> {
        let (wanted, found) = (object.resource_version(), existing.resource_version());
        if wanted.is_empty() || wanted == found {
            return Ok(());
        }
        let why = precondition_failed(self, "ResourceVersion", wanted, found);
        Err(self.precondition_conflict(&why))
    }

    fn precondition_conflict(&self, why: &str) -> ApiError {
        ApiError::conflict(self.resource().group_resource(), &self.call.info.name, why)
    }
}

/// In the words of the storage layer.
pub(super) fn precondition_failed(
    write: &Write<'_>,
    what: &str,
    wanted: &str,
    found: &str,
) -> String {
    let resource = write.resource();
    let info = &write.call.info;
    let mut key = format!("/registry/{}", resource.collection_path());
    if resource.namespaced {
        key.push('/');
        key.push_str(&info.namespace);
    }
    format!(
        "StorageError: invalid object, Code: 4, Key: {key}/{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition \
         failed: {what} in precondition: {wanted}, {what} in object meta: {found}",
        info.name
    )
}
