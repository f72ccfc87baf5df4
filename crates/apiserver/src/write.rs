//! Writing: create, update, patch and delete, as kube-apiserver's registry does them.
//!
//! The order of the steps is Kubernetes': options, body, version, namespace and name, owners of fields, admission,
//! what the server sets, what the kind demands, policies, and the store, where the object must still be as it was read.

pub(crate) mod create;
mod decode;
pub(crate) mod delete;
pub(crate) mod delete_collection;
mod guaranteed;
mod metadata;
pub(crate) mod ownership;
pub(crate) mod patch;
pub(crate) mod scale;
pub(crate) mod shape;
pub(crate) mod update;

use crate::{
    admission, call::Call, cluster::Cluster, request::options::WriteOptions, resource::Resource,
    status::ApiError,
};
use serde_json::Value;
use tidegate_schema::FieldError;
use tidegate_store::WriteError;

pub(crate) use self::decode::decode;

/// One write: where, how, and by whom.
#[derive(Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) call: &'a Call,
    pub(crate) options: &'a WriteOptions,
}

impl<'a> Write<'a> {
    pub(crate) fn resource(&self) -> &'a Resource {
        &self.call.resource
    }

    pub(crate) fn subresource(&self) -> &'a str {
        &self.call.info.subresource
    }

    /// Who will own the fields that are written.
    pub(crate) fn manager(&self) -> String {
        if self.options.field_manager.is_empty() {
            manager_of_agent(self.call.user_agent())
        } else {
            self.options.field_manager.clone()
        }
    }

    pub(crate) fn invalid(&self, name: &str, errors: &[FieldError]) -> ApiError {
        let resource = self.resource();
        ApiError::invalid(&resource.group, &resource.kind, name, errors)
    }

    /// What policies see of this write.
    pub(crate) fn admission<'b>(
        &'b self,
        operation: admission::Operation,
        name: &'b str,
        object: Option<&'b Value>,
        old: Option<&'b Value>,
    ) -> admission::Request<'b> {
        admission::Request {
            call: self.call,
            operation,
            name,
            object,
            old,
            dry_run: self.options.dry_run,
        }
    }
}

/// The first part of a user agent, without what can't be printed, cut to the length of a manager's name.
fn manager_of_agent(agent: &str) -> String {
    const LONGEST: usize = 128;
    let mut manager = String::new();
    for c in agent.split('/').next().unwrap_or_default().chars() {
        if c.is_control() || (c.is_whitespace() && c != ' ') {
            continue;
        }
        if manager.len() + c.len_utf8() > LONGEST {
            break;
        }
        manager.push(c);
    }
    manager
}

/// A store that refuses for reasons of its own.
pub(crate) fn store_failed(error: WriteError) -> ApiError {
    match error {
        WriteError::Busy { .. } => ApiError::too_many_requests(
            "The apiserver is overloaded: too much waits for the disk, please try again later.",
            1,
        ),
        WriteError::TooLarge { .. } => ApiError::too_large(error),
        WriteError::NoRoom(_) => ApiError::unavailable("the disk is full; nothing was written"),
        error @ WriteError::NotNow(_) => ApiError::unavailable(error.to_string()),
        WriteError::Closed => ApiError::unavailable("the server is shutting down"),
        error => ApiError::internal(error),
    }
}
