//! A resource that is served: its names, its place in the store, and its strategy.

use crate::{
    object::{self, Meta},
    status::{ApiError, GroupResource},
    strategy::Strategy,
};
use bytes::Bytes;
use serde_json::{Value, json};

/// One resource in one version.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
    pub(crate) subresources: Vec<Subresource>,
    /// What the keys of its objects begin with.
    pub(crate) collection: String,
    /// Items of lists have no kind and version: so are the built-in kinds.
    pub(crate) bare_items: bool,
    /// Told to everyone who uses a deprecated version.
    pub(crate) deprecation: Option<String>,
    /// The version, or stand-in, by which clients notice that the stored version has changed.
    pub(crate) storage_version_hash: String,
    pub(crate) strategy: Box<dyn Strategy>,
}

/// A part of an object with a path of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subresource {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) verbs: Vec<String>,
}

impl Resource {
    /// `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// For messages.
    pub(crate) fn group_resource(&self) -> GroupResource<'_> {
        GroupResource {
            group: &self.group,
            resource: &self.plural,
        }
    }

    /// The package of the kind's Go types in Kubernetes.
    pub(crate) fn go_package(&self) -> &str {
        match self.group.split('.').next() {
            None | Some("") => "core",
            Some(first) => first,
        }
    }

    /// The name of the kind's Go type in Kubernetes.
    pub(crate) fn go_type(&self, suffix: &str) -> String {
        if self.bare_items {
            format!("*{}.{}{suffix}", self.go_package(), self.kind)
        } else {
            format!("*unstructured.Unstructured{suffix}")
        }
    }

    /// The subresource of this name.
    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources
            .iter()
            .find(|subresource| subresource.name == name)
    }

    /// Whether a verb is served, on the object or on a subresource.
    pub(crate) fn serves(&self, subresource: &str, verb: &str) -> bool {
        let verbs = match subresource {
            "" => Some(&self.verbs),
            name => self.subresource(name).map(|subresource| &subresource.verbs),
        };
        verbs.is_some_and(|verbs| verbs.iter().any(|served| served == verb))
    }

    /// An object's key in the store.
    pub(crate) fn key(&self, namespace: &str, name: &str) -> String {
        if self.namespaced {
            format!("{}/{namespace}/{name}", self.collection)
        } else {
            format!("{}/{name}", self.collection)
        }
    }

    /// Where kube-apiserver would store the collection, for messages that show it.
    pub(crate) fn collection_path(&self) -> String {
        match (self.group.as_str(), self.plural.as_str()) {
            ("", "replicationcontrollers") => "controllers".to_owned(),
            ("", "nodes") => "minions".to_owned(),
            ("", "services") => "services/specs".to_owned(),
            ("", "endpoints") => "services/endpoints".to_owned(),
            ("networking.k8s.io", "ingresses") => "ingress".to_owned(),
            (_, plural) if self.bare_items => plural.to_owned(),
            (group, plural) => format!("{group}/{plural}"),
        }
    }

    /// Namespace and name from a key.
    pub(crate) fn split_key<'k>(&self, key: &'k str) -> (&'k str, &'k str) {
        let below = key.split_once('/').map_or("", |(_, below)| below);
        if self.namespaced {
            below.split_once('/').unwrap_or(("", below))
        } else {
            ("", below)
        }
    }

    /// Stored bytes as this version has them.
    pub(crate) fn presented(&self, bytes: &Bytes) -> Bytes {
        match self.strategy.converted(bytes) {
            Some(converted) => converted,
            None => bytes.clone(),
        }
    }

    /// The tree of stored bytes, in this version.
    pub(crate) fn tree(&self, bytes: &Bytes) -> Result<Value, ApiError> {
        object::from_bytes(&self.presented(bytes)).map_err(|error| {
            tracing::error!(%error, resource = %self.group_resource(), "a stored object can't be read");
            ApiError::internal(format!("unable to decode a stored object: {error}"))
        })
    }

    /// Appends stored bytes as an item of a list.
    pub(crate) fn write_item(&self, out: &mut Vec<u8>, bytes: &Bytes) {
        let bytes = self.presented(bytes);
        if self.bare_items {
            out.push(b'{');
            out.extend_from_slice(object::without_kind(&bytes));
        } else {
            out.extend_from_slice(&bytes);
        }
    }

    /// The columns of its table.
    pub(crate) fn columns(&self) -> Value {
        self.strategy.columns()
    }

    /// The rows of an object in its table.
    pub(crate) fn rows(&self, object: &Value, now: i64) -> Vec<Value> {
        vec![json!({ "cells": self.strategy.cells(object, now) })]
    }

    /// An object of this kind without anything in it.
    pub(crate) fn empty(&self) -> Value {
        json!({ "kind": self.kind, "apiVersion": self.api_version(), "metadata": {} })
    }

    /// Whether there is such a field to select by.
    pub(crate) fn check_field(&self, field: &str) -> Result<(), String> {
        let known = match field {
            "metadata.name" => true,
            "metadata.namespace" => self.namespaced || self.bare_items,
            other => self.strategy.selectable(other),
        };
        if known {
            Ok(())
        } else if self.bare_items {
            Err(self.strategy.unknown_field_label(field))
        } else {
            Err(format!("field label not supported: {field}"))
        }
    }

    /// The value of a field that objects are selected by.
    pub(crate) fn field_value(&self, object: &Value, field: &str) -> String {
        match field {
            "metadata.name" => object.name().to_owned(),
            "metadata.namespace" => object.namespace().to_owned(),
            other => self.strategy.field_value(object, other),
        }
    }
}
