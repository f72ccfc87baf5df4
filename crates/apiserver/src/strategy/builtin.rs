//! The built-in kinds: what `tidegate-kinds` says of them.

use super::{ScalePaths, SelectorForm, Strategy};
use crate::{
    object,
    resource::{Resource, Subresource},
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use tidegate_kinds::{Kind, kinds, meta};
use tidegate_merge::{FieldPath, FieldSet, Version};
use tidegate_schema::{FieldError, Path, Schema};

/// One built-in kind.
#[derive(Debug)]
pub(crate) struct Builtin {
    kind: &'static Kind,
    api_version: String,
    own: Own,
}

/// Who knows what an object of the kind must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    /// The kind itself.
    Kind,
    /// `tidegate-crd`.
    Definition,
    /// `tidegate-rules`.
    Policy,
    /// `tidegate-rules`.
    PolicyBinding,
}

impl Own {
    fn of(kind: &Kind) -> Self {
        match kind.kind.as_str() {
            "CustomResourceDefinition" => Self::Definition,
            "ValidatingAdmissionPolicy" => Self::Policy,
            "ValidatingAdmissionPolicyBinding" => Self::PolicyBinding,
            _ => Self::Kind,
        }
    }
}

/// The resources of all built-in kinds.
pub(crate) fn resources() -> Vec<Arc<Resource>> {
    kinds()
        .iter()
        .map(|kind| Arc::new(resource(kind)))
        .collect()
}

/// Whether there is a built-in kind of this name.
pub(crate) fn is_registered(api_version: &str, kind: &str) -> bool {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    kinds()
        .iter()
        .any(|found| found.kind == kind && found.group == group && found.version == version)
}

/// The built-in kind of this name.
pub(crate) fn registered(group: &str, version: &str, kind: &str) -> Option<&'static Kind> {
    kinds()
        .iter()
        .find(|found| found.kind == kind && found.group == group && found.version == version)
}

fn resource(kind: &'static Kind) -> Resource {
    let subresources = kind.subresources.iter().map(|part| Subresource {
        name: part.name.clone(),
        group: part.group.clone(),
        version: part.version.clone(),
        kind: part.kind.clone(),
        verbs: part.verbs.clone(),
    });
    Resource {
        group: kind.group.clone(),
        version: kind.version.clone(),
        plural: kind.plural.clone(),
        singular: kind.singular.clone(),
        kind: kind.kind.clone(),
        list_kind: kind.list_kind.clone(),
        short_names: kind.short_names.clone(),
        categories: kind.categories.clone(),
        namespaced: kind.namespaced,
        verbs: kind.verbs.clone(),
        subresources: subresources.collect(),
        collection: kind.collection.clone(),
        bare_items: true,
        deprecation: (kind.kind == "Endpoints").then(|| {
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".to_owned()
        }),
        storage_version_hash: kind.storage_version_hash.clone(),
        strategy: Box::new(Builtin {
            api_version: kind.api_version(),
            own: Own::of(kind),
            kind,
        }),
    }
}

/// What is wrong with a binding: what both find is told once.
fn with_binding(mut errors: Vec<FieldError>, object: &Value) -> Vec<FieldError> {
    for error in tidegate_rules::check_binding(object) {
        let same =
            |found: &FieldError| found.field == error.field && found.error_type == error.error_type;
        if !errors.iter().any(same) {
            errors.push(error);
        }
    }
    errors
}

impl Builtin {
    /// What is wrong with the metadata of a new definition.
    fn metadata_errors(&self, object: &Value) -> Vec<FieldError> {
        let root = Path::ROOT;
        let metadata = root.child("metadata");
        let named = meta::validate_object_meta(
            &object["metadata"],
            self.kind.namespaced,
            |_, _| Vec::new(),
            &metadata,
        );
        let name = crate::object::Meta::name(object);
        let errors = tidegate_crd::name_errors(object, name);
        let at = metadata.child("name");
        named
            .into_iter()
            .chain(
                errors
                    .iter()
                    .map(|why| FieldError::invalid(&at, &name.into(), why)),
            )
            .collect()
    }

    /// The kind in whose version objects are stored: the first of its collection.
    fn storage(&self) -> &'static Kind {
        let mut same = kinds()
            .iter()
            .filter(|kind| kind.collection == self.kind.collection);
        same.next().unwrap_or(self.kind)
    }
}

impl Strategy for Builtin {
    fn decode(&self, object: &mut Value) -> Result<Vec<String>, String> {
        self.kind.decode(object)
    }

    fn conversion_error(&self, object: &Value) -> Option<String> {
        self.kind.conversion_error(object)
    }

    fn default(&self, object: &mut Value) {
        match self.own {
            Own::Kind | Own::Policy | Own::PolicyBinding => self.kind.default(object),
            Own::Definition => tidegate_crd::default(object),
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        match self.own {
            Own::Kind | Own::Policy | Own::PolicyBinding => self.kind.prepare_create(object),
            Own::Definition => tidegate_crd::prepare_create(object),
        }
    }

    fn prepare_update(&self, new: &mut Value, old: &Value, subresource: &str) {
        match self.own {
            Own::Definition if subresource.is_empty() => tidegate_crd::prepare_update(new, old),
            _ => self.kind.prepare_update(new, old, subresource),
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        match self.own {
            Own::Kind => self.kind.validate_create(object),
            Own::Policy => [
                self.kind.validate_create(object),
                tidegate_rules::check_policy(object, None),
            ]
            .concat(),
            Own::PolicyBinding => with_binding(self.kind.validate_create(object), object),
            Own::Definition => {
                let mut errors = self.metadata_errors(object);
                errors.extend(tidegate_crd::validate_create(object));
                errors
            }
        }
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: &str) -> Vec<FieldError> {
        match self.own {
            Own::Policy if subresource.is_empty() => {
                let errors = self.kind.validate_update(new, old, subresource);
                [errors, tidegate_rules::check_policy(new, Some(old))].concat()
            }
            Own::PolicyBinding => {
                with_binding(self.kind.validate_update(new, old, subresource), new)
            }
            Own::Kind | Own::Policy => self.kind.validate_update(new, old, subresource),
            Own::Definition => {
                let root = Path::ROOT;
                let metadata = root.child("metadata");
                let mut errors = meta::validate_object_meta_update(
                    &new["metadata"],
                    &old["metadata"],
                    &metadata,
                );
                errors.extend(match subresource {
                    "status" => tidegate_crd::validate_status_update(new),
                    _ => tidegate_crd::validate_update(new, old),
                });
                errors
            }
        }
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        match self.own {
            Own::Kind | Own::Policy | Own::PolicyBinding => self.kind.warnings(new, old),
            Own::Definition => tidegate_crd::warnings(new, old),
        }
    }

    fn allow_create_on_update(&self) -> bool {
        self.kind.allow_create_on_update()
    }

    fn allow_unconditional_update(&self) -> bool {
        self.kind.allow_unconditional_update()
    }

    fn schema(&self) -> Option<Schema<'_>> {
        Some(self.kind.schema())
    }

    fn is_builtin(&self) -> bool {
        true
    }

    fn version(&self, api_version: &str) -> Version<'_> {
        let mut versions = kinds()
            .iter()
            .filter(|kind| kind.collection == self.kind.collection);
        match versions.find(|kind| kind.api_version() == api_version) {
            Some(kind) => Version::Schema(kind.schema()),
            None => Version::Missing,
        }
    }

    fn reset_fields(&self, subresource: &str) -> FieldSet {
        let paths = self.kind.reset_fields(subresource);
        FieldSet::of(paths.iter().map(|path| FieldPath::names(path)))
    }

    fn converted(&self, bytes: &Bytes) -> Option<Bytes> {
        let storage = self.storage();
        if storage.api_version() == self.api_version {
            return None;
        }
        let mut value = object::from_bytes(bytes).ok()?;
        storage.convert(&mut value, self.kind);
        let revision = crate::object::Meta::resource_version(&value)
            .parse()
            .unwrap_or_default();
        Some(object::to_body(&value).with_revision(revision).into())
    }

    fn to_storage(&self, object: &mut Value) {
        let storage = self.storage();
        if storage.api_version() != self.api_version {
            self.kind.convert(object, storage);
        }
    }

    fn selectable(&self, field: &str) -> bool {
        self.kind.field_labels().contains(&field)
    }

    fn unknown_field_label(&self, field: &str) -> String {
        self.kind.unknown_field_label(field)
    }

    fn field_value(&self, object: &Value, field: &str) -> String {
        self.kind.field_value(object, field).unwrap_or_default()
    }

    fn columns(&self) -> Value {
        let columns = self.kind.columns().iter().map(|column| {
            json!({
                "name": column.name,
                "type": column.r#type,
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            })
        });
        columns.collect()
    }

    fn cells(&self, object: &Value, now: i64) -> Vec<Value> {
        self.kind.cells(object, now)
    }

    fn grace_period(&self, object: &Value, wanted: Option<i64>) -> Option<i64> {
        self.kind.grace_period(object, wanted)
    }

    fn scale(&self) -> Option<ScalePaths> {
        self.kind.subresource("scale")?;
        let form = match self.kind.kind.as_str() {
            "ReplicationController" => SelectorForm::Labels,
            _ => SelectorForm::Full,
        };
        Some(ScalePaths {
            spec_replicas: "spec.replicas".to_owned(),
            status_replicas: "status.replicas".to_owned(),
            selector: Some((form, "spec.selector".to_owned())),
        })
    }
}
