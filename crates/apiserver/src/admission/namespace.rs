//! Objects live in namespaces that exist; nothing new comes into one that ends; three of them never end.

use super::{Operation, Request};
use crate::{
    cluster::Cluster,
    object::{self, Meta},
    status::{ApiError, Cause, GroupResource},
};

/// Namespaces that can't be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Refuses what the life of a namespace forbids.
pub(super) fn admit(cluster: &Cluster, request: &Request<'_>) -> Result<(), ApiError> {
    let resource = &request.call.resource;
    let what = resource.group_resource();
    if request.operation == Operation::Delete
        && request.is_namespace()
        && IMMORTAL.contains(&request.name)
    {
        return Err(ApiError::forbidden(
            what,
            request.name,
            "this namespace may not be deleted",
        ));
    }
    let namespace = &request.call.info.namespace;
    if !resource.namespaced || namespace.is_empty() || request.operation == Operation::Delete {
        return Ok(());
    }
    let entry = cluster.store.head(&format!("namespaces/{namespace}"));
    let Some(entry) = entry else {
        return Err(ApiError::not_found(
            GroupResource {
                group: "",
                resource: "namespaces",
            },
            namespace,
        ));
    };
    if request.operation != Operation::Create {
        return Ok(());
    }
    let ending =
        object::from_bytes(&entry.value).is_ok_and(|namespace| namespace.is_being_deleted());
    if !ending {
        return Ok(());
    }
    let why = format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    );
    Err(
        ApiError::forbidden(what, request.name, &why).with_cause(Cause {
            reason: "NamespaceTerminating".to_owned(),
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        }),
    )
}
