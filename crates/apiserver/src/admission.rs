//! Admission: what is refused or completed on grounds beyond the object itself.

mod namespace;
mod objects;
mod pod;
mod policy;

use crate::{call::Call, cluster::Cluster, object::Meta, status::ApiError, write::Write};
use serde_json::Value;

pub(crate) use self::{pod::copy_topology, policy::Policies};

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

impl Operation {
    /// The word in policies.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// What is to be admitted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) call: &'a Call,
    pub(crate) operation: Operation,
    pub(crate) name: &'a str,
    pub(crate) object: Option<&'a Value>,
    pub(crate) old: Option<&'a Value>,
    pub(crate) dry_run: bool,
}

impl Request<'_> {
    /// The namespace of the request; for a namespace, itself.
    pub(crate) fn namespace(&self) -> &str {
        let info = &self.call.info;
        if self.is_namespace() {
            self.name
        } else {
            &info.namespace
        }
    }

    /// Whether it is about a namespace itself.
    pub(crate) fn is_namespace(&self) -> bool {
        let resource = &self.call.resource;
        resource.group.is_empty() && resource.plural == "namespaces"
    }
}

impl Cluster {
    /// Admission that may change the object, and what is refused before anything else is looked at.
    pub(crate) fn mutate_admission(
        &self,
        write: &Write<'_>,
        operation: Operation,
        object: &mut Value,
        old: Option<&Value>,
    ) -> Result<(), ApiError> {
        let name = if object.name().is_empty() {
            write.call.info.name.clone()
        } else {
            object.name().to_owned()
        };
        let request = write.admission(operation, &name, Some(object), old);
        namespace::admit(self, &request)?;
        if operation == Operation::Create {
            pod::complete(self, write.call, object)?;
            objects::complete(write.call, object);
        } else if let Some(old) = old {
            pod::keep(write.call, object, old);
        }
        Ok(())
    }

    /// Admission that only looks. Deletions get no other.
    pub(crate) fn validate_admission(&self, request: &Request<'_>) -> Result<(), ApiError> {
        if request.operation == Operation::Delete {
            namespace::admit(self, request)?;
        }
        self.policies.validate(self, request)
    }
}
