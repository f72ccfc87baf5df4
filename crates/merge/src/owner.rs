//! Field ownership of one resource: what a write makes of `metadata.managedFields`, and server-side apply.
//!
//! The order of the steps is kube-apiserver's: decode, check, last-applied, tracking, limit, identity, times,
//! stripped metadata, and the sets themselves in `updater`.

mod apply;
mod cap;
mod last_applied;
mod times;
mod update;

pub use self::times::keep_times;

use crate::{
    fields::{FieldPath, FieldSet},
    managed,
    shape::{as_merged_struct, as_new_struct, as_struct, copy_nulls},
    typed,
    updater::{Typed, Updater, Version},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt, sync::LazyLock};
use tidegate_schema::Schema;

/// Owns the fields of one resource, or of one subresource, in one API version.
#[derive(Clone, Copy)]
pub struct Ownership<'a> {
    /// `apps/v1`.
    pub api_version: &'a str,
    /// `Deployment`.
    pub kind: &'a str,
    /// `status`, `scale`, …, or empty.
    pub subresource: &'a str,
    /// A kind with Go structs behind it: structs are always there, empty lists and maps never.
    pub builtin: bool,
    /// What is known of each API version. Must know `api_version`.
    pub versions: &'a dyn Fn(&str) -> Version<'a>,
    /// The fields that the server resets on this endpoint, by API version: nobody owns them by writing here.
    pub reset: &'a BTreeMap<String, FieldSet>,
}

impl fmt::Debug for Ownership<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ownership")
            .field("api_version", &self.api_version)
            .field("kind", &self.kind)
            .field("subresource", &self.subresource)
            .field("builtin", &self.builtin)
            .field("reset", &self.reset)
            .finish_non_exhaustive()
    }
}

/// Metadata that no entry ever has.
static STRIPPED: LazyLock<FieldSet> = LazyLock::new(|| {
    let metadata = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    let top = ["apiVersion", "kind", "metadata"];
    FieldSet::of(
        top.iter().map(|name| FieldPath::names(&[name])).chain(
            metadata
                .iter()
                .map(|name| FieldPath::names(&["metadata", name])),
        ),
    )
});

impl<'a> Ownership<'a> {
    fn updater(&self) -> Updater<'a> {
        Updater {
            versions: self.versions,
            reset: self.reset,
        }
    }

    fn schema(&self) -> Option<Schema<'a>> {
        match (self.versions)(self.api_version) {
            Version::Schema(schema) => Some(schema),
            Version::Missing | Version::Schemaless => None,
        }
    }

    /// The object that is live where there is none.
    fn empty(&self) -> Value {
        let mut empty = json!({"apiVersion": self.api_version, "kind": self.kind});
        if let (true, Some(schema)) = (self.builtin, self.schema()) {
            as_new_struct(&mut empty, schema);
        }
        empty
    }

    /// As [`Ownership::empty`], for an object that is created: what is null in it, Go shows as null in a new
    /// struct too. No schema says so.
    fn empty_for(&self, new: &Value) -> Value {
        let mut empty = self.empty();
        if self.builtin {
            copy_nulls(&mut empty, new);
        }
        empty
    }

    /// A live object, without its managedFields, as comparisons see it.
    fn seen(&self, object: &Value) -> Value {
        let mut object = object.clone();
        managed::set_raw(&mut object, None);
        if let (true, Some(schema)) = (self.builtin, self.schema()) {
            as_struct(&mut object, schema);
        }
        object
    }

    /// The outcome of a merge, as the next write sees it.
    fn merged(&self, mut object: Value) -> Value {
        if let (true, Some(schema)) = (self.builtin, self.schema()) {
            as_merged_struct(&mut object, schema);
        }
        object
    }

    /// The object with its type, validated.
    fn typed(&self, value: Value, duplicates: bool) -> Result<Typed<'a>, String> {
        let Some(ty) = self.updater().ty(self.api_version) else {
            return Err(format!("no corresponding type for {}", self.gvk()));
        };
        let problems = typed::validate(&value, ty, duplicates);
        if problems.is_empty() {
            Ok(Typed {
                value,
                ty,
                version: self.api_version.to_owned(),
            })
        } else {
            Err(problems.to_string())
        }
    }

    fn gvk(&self) -> String {
        gvk(self.api_version, self.kind)
    }

    /// `namespace/name; group/version, Kind=kind`, as messages name an object.
    fn named(&self, object: &Value) -> String {
        let metadata = |name| {
            object
                .get("metadata")
                .and_then(|metadata| metadata.get(name))
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        format!(
            "{}/{}; {}",
            metadata("namespace"),
            metadata("name"),
            self.gvk()
        )
    }
}

/// `group/version, Kind=kind`, as Go prints it. A malformed version makes both empty.
fn gvk(api_version: &str, kind: &str) -> String {
    match api_version.split_once('/') {
        None => format!("/{api_version}, Kind={kind}"),
        Some((_, version)) if version.contains('/') => "/, Kind=".to_owned(),
        Some((group, version)) => format!("{group}/{version}, Kind={kind}"),
    }
}
