//! What a policy is asked about.

use super::authorize::{Ask, Authorize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupVersionKind {
    /// Empty for the core group.
    pub group: String,
    /// `v1`
    pub version: String,
    /// `Pod`
    pub kind: String,
}

/// A resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupVersionResource {
    /// Empty for the core group.
    pub group: String,
    /// `v1`
    pub version: String,
    /// `pods`
    pub resource: String,
}

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The user's name.
    pub name: String,
    /// May be empty.
    pub uid: String,
    /// All groups.
    pub groups: Vec<String>,
    /// What else the authenticator told.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// A request that is to be admitted. `kind` and `resource` are what the policy matched, the others what was asked.
#[derive(Clone, Copy)]
pub struct Admission<'a> {
    /// The new object; none in deletions.
    pub object: Option<&'a Value>,
    /// The object before; none in creations.
    pub old_object: Option<&'a Value>,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: &'a str,
    /// The kind that the policy matched.
    pub kind: &'a GroupVersionKind,
    /// The resource that the policy matched.
    pub resource: &'a GroupVersionResource,
    /// The kind of the request.
    pub request_kind: &'a GroupVersionKind,
    /// The resource of the request.
    pub request_resource: &'a GroupVersionResource,
    /// Empty: the resource itself.
    pub subresource: &'a str,
    /// May be empty in creations.
    pub name: &'a str,
    /// Empty in cluster scope.
    pub namespace: &'a str,
    /// Who asks.
    pub user: &'a User,
    /// The request's options, as an object with `apiVersion` and `kind`.
    pub options: Option<&'a Value>,
    /// The namespace of the request, where it has one.
    pub namespace_object: Option<&'a Value>,
    /// The parameter of the binding.
    pub params: Option<&'a Value>,
    /// Nothing will be stored.
    pub dry_run: bool,
    /// Asked where the policy asks.
    pub authorizer: &'a dyn Authorize,
}

impl std::fmt::Debug for Admission<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission")
            .field("operation", &self.operation)
            .field("resource", &self.resource)
            .field("subresource", &self.subresource)
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn kind(of: &GroupVersionKind) -> Value {
    json!({"group": of.group, "version": of.version, "kind": of.kind})
}

fn resource(of: &GroupVersionResource) -> Value {
    json!({"group": of.group, "version": of.version, "resource": of.resource})
}

impl Admission<'_> {
    /// The variable `request`: an `AdmissionRequest` without the objects. What is empty is not there.
    pub(super) fn request(&self) -> Value {
        let mut out = json!({
            "uid": "",
            "kind": kind(self.kind),
            "resource": resource(self.resource),
            "requestKind": kind(self.request_kind),
            "requestResource": resource(self.request_resource),
            "operation": self.operation,
            "dryRun": self.dry_run,
            "options": self.options,
        });
        let mut user = Map::new();
        let mut put = |name: &str, value: &str| {
            if !value.is_empty() {
                user.insert(name.to_owned(), value.into());
            }
        };
        put("username", &self.user.name);
        put("uid", &self.user.uid);
        if !self.user.groups.is_empty() {
            user.insert("groups".to_owned(), json!(self.user.groups));
        }
        if !self.user.extra.is_empty() {
            user.insert("extra".to_owned(), json!(self.user.extra));
        }
        out["userInfo"] = Value::Object(user);
        for (name, value) in [
            ("subResource", self.subresource),
            ("requestSubResource", self.subresource),
            ("name", self.name),
            ("namespace", self.namespace),
        ] {
            if !value.is_empty() {
                out[name] = value.into();
            }
        }
        out
    }

    /// The variable `namespaceObject`: what policies may see of the namespace.
    pub(super) fn namespace(&self) -> Value {
        const METADATA: [&str; 12] = [
            "name",
            "generateName",
            "namespace",
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "labels",
            "annotations",
            "finalizers",
        ];
        let Some(object) = self.namespace_object else {
            return Value::Null;
        };
        let mut metadata = Map::new();
        for name in METADATA {
            if let Some(value) = object["metadata"].get(name) {
                metadata.insert(name.to_owned(), value.clone());
            }
        }
        let mut out = json!({"metadata": metadata});
        for name in ["spec", "status"] {
            out[name] = object.get(name).cloned().unwrap_or_else(|| json!({}));
        }
        out
    }

    /// What `authorizer.requestResource` asks about.
    pub(super) fn ask(&self) -> Ask {
        Ask {
            group: self.request_resource.group.clone(),
            resource: self.request_resource.resource.clone(),
            subresource: self.subresource.to_owned(),
            namespace: self.namespace.to_owned(),
            name: self.name.to_owned(),
            ..Ask::default()
        }
    }
}
