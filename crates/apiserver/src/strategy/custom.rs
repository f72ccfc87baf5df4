//! Custom resources: what a definition says of them.

mod words;

use self::words::{deprecated, finalizer_warnings};
use super::{ScalePaths, SelectorForm, Strategy};
use crate::{
    object::{self, Meta},
    resource::{Resource, Subresource},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use tidegate_crd::{Definition, Version as DefinedVersion};
use tidegate_kinds::meta;
use tidegate_merge::{FieldPath, FieldSet, Version};
use tidegate_schema::{FieldError, Path, Schema};

/// One version of a definition.
#[derive(Debug)]
pub(crate) struct Custom {
    definition: Arc<Definition>,
    at: usize,
    api_version: String,
    /// The revision at which the definition was written.
    since: u64,
}

/// The resources of a definition: one for each version that is served.
pub(crate) fn resources(definition: &Arc<Definition>, since: u64) -> Vec<Arc<Resource>> {
    let served = definition
        .versions
        .iter()
        .enumerate()
        .filter(|(_, version)| version.served);
    served
        .map(|(at, version)| Arc::new(resource(definition, since, at, version)))
        .collect()
}

fn resource(
    definition: &Arc<Definition>,
    since: u64,
    at: usize,
    version: &DefinedVersion,
) -> Resource {
    let names = &definition.names;
    let verbs = [
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "create",
        "update",
        "watch",
    ];
    let mut subresources = Vec::new();
    let part_verbs: Vec<String> = ["get", "patch", "update"].map(str::to_owned).to_vec();
    if version.status {
        subresources.push(Subresource {
            name: "status".to_owned(),
            group: definition.group.clone(),
            version: version.name.clone(),
            kind: names.kind.clone(),
            verbs: part_verbs.clone(),
        });
    }
    if version.scale.is_some() {
        subresources.push(Subresource {
            name: "scale".to_owned(),
            group: "autoscaling".to_owned(),
            version: "v1".to_owned(),
            kind: "Scale".to_owned(),
            verbs: part_verbs,
        });
    }
    let api_version = format!("{}/{}", definition.group, version.name);
    Resource {
        group: definition.group.clone(),
        version: version.name.clone(),
        plural: names.plural.clone(),
        singular: names.singular.clone(),
        kind: names.kind.clone(),
        list_kind: names.list_kind.clone(),
        short_names: names.short_names.clone(),
        categories: names.categories.clone(),
        namespaced: definition.namespaced,
        verbs: verbs.map(str::to_owned).to_vec(),
        subresources,
        collection: format!("{}.{}", names.plural, definition.group),
        bare_items: false,
        deprecation: version.deprecated.then(|| {
            version
                .deprecation_warning
                .clone()
                .unwrap_or_else(|| deprecated(definition, version))
        }),
        storage_version_hash: storage_hash(definition),
        strategy: Box::new(Custom {
            definition: definition.clone(),
            at,
            api_version,
            since,
        }),
    }
}

/// The hash by which clients notice another storage version: of group, version and kind, as Kubernetes makes it.
fn storage_hash(definition: &Definition) -> String {
    let storage = definition.versions.iter().find(|version| version.storage);
    let version = storage.map_or("", |version| version.name.as_str());
    let text = format!("{}/{version}/{}", definition.group, definition.names.kind);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    STANDARD.encode(&digest.as_ref()[..8])
}

impl Custom {
    fn version_here(&self) -> &DefinedVersion {
        &self.definition.versions[self.at]
    }

    fn root(&self) -> Schema<'_> {
        let version = self.version_here();
        version.schemas.get(version.root)
    }

    fn storage_version(&self) -> &DefinedVersion {
        let versions = &self.definition.versions;
        let storage = versions.iter().find(|version| version.storage);
        storage.unwrap_or(self.version_here())
    }

    /// The version that an object was stored in.
    fn stored_version(&self, object: &Value) -> &DefinedVersion {
        let found = object["apiVersion"].as_str().unwrap_or_default();
        let found = found.rsplit('/').next().unwrap_or_default();
        let versions = &self.definition.versions;
        let stored = versions.iter().find(|version| version.name == found);
        stored.unwrap_or(self.storage_version())
    }

    /// Drops what a schema doesn't know.
    fn prune(&self, object: &mut Value, schema: Schema<'_>) {
        let preserve = self.definition.preserve_unknown_fields;
        let _ = tidegate_schema::coerce_resource(object, schema, preserve, true);
    }

    fn type_errors(&self, object: &Value) -> Vec<FieldError> {
        let root = Path::ROOT;
        let mut errors = Vec::new();
        let kind = &self.definition.names.kind;
        if object["kind"] != kind.as_str() {
            errors.push(FieldError::invalid(
                &root.child("kind"),
                &object["kind"],
                format!("must be {kind}"),
            ));
        }
        if object["apiVersion"] != self.api_version.as_str() {
            let why = format!("must be {}", self.api_version);
            errors.push(FieldError::invalid(
                &root.child("apiVersion"),
                &object["apiVersion"],
                why,
            ));
        }
        errors
    }

    /// The rules of CEL run only on objects that are well-formed.
    fn rules(&self, errors: &mut Vec<FieldError>, new: &Value, old: Option<&Value>) {
        let rules = &self.version_here().rules;
        if rules.is_empty() {
            return;
        }
        if let Some(blocked) = tidegate_rules::blocked_by(errors) {
            errors.push(blocked);
            return;
        }
        let mut budget = tidegate_rules::REQUEST_BUDGET;
        errors.extend(rules.validate(self.root(), new, old, &Path::ROOT, &mut budget));
    }

    fn scale_errors(&self, object: &Value, status_only: bool) -> Vec<FieldError> {
        let Some(scale) = &self.version_here().scale else {
            return Vec::new();
        };
        let mut errors = Vec::new();
        if !status_only {
            errors.extend(replicas_error(object, &scale.spec_replicas_path));
        }
        errors.extend(replicas_error(object, &scale.status_replicas_path));
        errors
    }
}

fn replicas_error(object: &Value, path: &str) -> Option<FieldError> {
    let root = Path::ROOT;
    let value = path
        .trim_start_matches('.')
        .split('.')
        .try_fold(object, |value, key| value.get(key))?;
    let at = root.child(path);
    match value.as_i64() {
        None => {
            let why = format!(
                "{path} accessor error: {value} is of the type {}, expected int64",
                go_type(value)
            );
            Some(FieldError::invalid(&at, &0.into(), why))
        }
        Some(replicas) if replicas < 0 => Some(FieldError::invalid(
            &at,
            value,
            "should be a non-negative integer",
        )),
        Some(replicas) if replicas > i64::from(i32::MAX) => {
            let why = format!("should be less than or equal to {}", i32::MAX);
            Some(FieldError::invalid(&at, value, why))
        }
        Some(_) => None,
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        _ => "float64",
    }
}

impl Strategy for Custom {
    fn decode(&self, object: &mut Value) -> Result<Vec<String>, String> {
        tidegate_schema::coerce_resource(
            object,
            self.root(),
            self.definition.preserve_unknown_fields,
            false,
        )
    }

    fn default(&self, object: &mut Value) {
        tidegate_schema::prune_nulls(object, self.root());
        tidegate_schema::apply_defaults(object, self.root());
    }

    fn prepare_create(&self, object: &mut Value) {
        if self.version_here().status
            && let Some(fields) = object.as_object_mut()
        {
            fields.remove("status");
        }
        object.set_meta("generation", 1);
    }

    fn prepare_update(&self, new: &mut Value, old: &Value, subresource: &str) {
        if subresource == "status" {
            let status = new.get("status").cloned();
            let owners = new
                .metadata()
                .and_then(|metadata| metadata.get("managedFields"))
                .cloned();
            *new = old.clone();
            put(new, "status", status);
            match owners {
                Some(owners) => new.set_meta("managedFields", owners),
                None => drop(new.metadata_mut().remove("managedFields")),
            }
            return;
        }
        if self.version_here().status {
            put(new, "status", old.get("status").cloned());
        }
        if differ_beyond_metadata(new, old) {
            new.set_meta("generation", old.generation() + 1);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = self.type_errors(object);
        if !errors.is_empty() {
            return errors;
        }
        let root = Path::ROOT;
        let metadata = root.child("metadata");
        let namespaced = self.definition.namespaced;
        errors.extend(meta::validate_object_meta(
            &object["metadata"],
            namespaced,
            meta::name_is_subdomain,
            &metadata,
        ));
        errors.extend(tidegate_schema::validate(object, None, self.root(), &root));
        errors.extend(self.scale_errors(object, false));
        self.rules(&mut errors, object, None);
        rooted(errors)
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: &str) -> Vec<FieldError> {
        let mut errors = self.type_errors(new);
        if !errors.is_empty() {
            return errors;
        }
        let root = Path::ROOT;
        let metadata = root.child("metadata");
        errors.extend(meta::validate_object_meta_update(
            &new["metadata"],
            &old["metadata"],
            &metadata,
        ));
        let status_only = subresource == "status";
        errors.extend(if status_only {
            tidegate_schema::validate_status(new, old, self.root())
        } else {
            tidegate_schema::validate(new, Some(old), self.root(), &root)
        });
        errors.extend(self.scale_errors(new, status_only));
        self.rules(&mut errors, new, Some(old));
        rooted(errors)
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let before = old.map(Meta::finalizers).unwrap_or_default();
        let mut added: Vec<String> = new
            .finalizers()
            .into_iter()
            .filter(|name| !before.contains(name))
            .collect();
        added.sort_unstable();
        added
            .iter()
            .flat_map(|name| finalizer_warnings(name))
            .collect()
    }

    fn allow_create_on_update(&self) -> bool {
        false
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn schema(&self) -> Option<Schema<'_>> {
        Some(self.root())
    }

    fn is_builtin(&self) -> bool {
        false
    }

    fn version(&self, api_version: &str) -> Version<'_> {
        let name = api_version
            .strip_prefix(self.definition.group.as_str())
            .and_then(|rest| rest.strip_prefix('/'));
        let found = self
            .definition
            .versions
            .iter()
            .find(|version| Some(version.name.as_str()) == name && version.served);
        match found {
            None => Version::Missing,
            Some(version) => Version::Schema(version.schemas.get(version.root)),
        }
    }

    fn reset_fields(&self, subresource: &str) -> FieldSet {
        let paths: &[&[&str]] = match subresource {
            "status" => &[&["metadata"], &["spec"]],
            _ if self.version_here().status => &[&["status"]],
            _ => &[],
        };
        FieldSet::of(paths.iter().map(|path| FieldPath::names(path)))
    }

    fn converted(&self, bytes: &Bytes) -> Option<Bytes> {
        if self.version_here().storage && object::revision(bytes) > self.since {
            // Stored by this very definition, and so in just this form.
            return None;
        }
        let mut object = object::from_bytes(bytes).ok()?;
        // What is stored was checked once; complaints are for those who write. The version that was stored says what
        // is read and what is missing, this one what is shown of that.
        let stored = self.stored_version(&object);
        let schema = stored.schemas.get(stored.root);
        self.prune(&mut object, schema);
        tidegate_schema::prune_nulls(&mut object, schema);
        tidegate_schema::apply_defaults(&mut object, schema);
        object["apiVersion"] = self.api_version.as_str().into();
        if stored.name != self.version_here().name {
            self.prune(&mut object, self.root());
        }
        Some(
            object::to_body(&object)
                .with_revision(object::revision(bytes))
                .into(),
        )
    }

    fn to_storage(&self, object: &mut Value) {
        let storage = self.storage_version();
        object["apiVersion"] = format!("{}/{}", self.definition.group, storage.name).into();
        let schema = storage.schemas.get(storage.root);
        if storage.name != self.version_here().name {
            self.prune(object, schema);
            tidegate_schema::prune_nulls(object, schema);
        }
        // Also of the version it came in: a status that was not the writer's to set is gone, and readers see its
        // defaults.
        tidegate_schema::apply_defaults(object, schema);
    }

    fn selectable(&self, field: &str) -> bool {
        self.version_here()
            .selectable_fields
            .iter()
            .any(|path| path.trim_start_matches('.') == field)
    }

    fn unknown_field_label(&self, field: &str) -> String {
        format!("field label not supported: {field}")
    }

    fn field_value(&self, object: &Value, field: &str) -> String {
        let found = field
            .split('.')
            .try_fold(object, |value, key| value.get(key));
        match found {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    fn columns(&self) -> Value {
        let columns = &self.version_here().columns;
        columns
            .iter()
            .map(|column| {
                json!({
                    "name": column.name,
                    "type": column.r#type,
                    "format": column.format,
                    "description": column.description,
                    "priority": column.priority,
                })
            })
            .collect()
    }

    fn cells(&self, object: &Value, now: i64) -> Vec<Value> {
        tidegate_crd::cells(&self.version_here().columns, object, now)
    }

    fn scale(&self) -> Option<ScalePaths> {
        let scale = self.version_here().scale.as_ref()?;
        let plain = |path: &str| path.trim_start_matches('.').to_owned();
        let selector = scale.label_selector_path.as_deref();
        Some(ScalePaths {
            spec_replicas: plain(&scale.spec_replicas_path),
            status_replicas: plain(&scale.status_replicas_path),
            selector: selector.map(|path| (SelectorForm::Text, plain(path))),
        })
    }
}

/// Sets a field, or removes it.
fn put(object: &mut Value, key: &str, value: Option<Value>) {
    if let Some(fields) = object.as_object_mut() {
        match value {
            Some(value) => drop(fields.insert(key.to_owned(), value)),
            None => drop(fields.remove(key)),
        }
    }
}

fn differ_beyond_metadata(new: &Value, old: &Value) -> bool {
    fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
        let fields = value.as_object().into_iter().flatten();
        fields.filter(|(key, _)| *key != "metadata")
    }
    !fields(new).eq(fields(old))
}

/// Errors of the object as a whole, which has no path, as Kubernetes names them.
fn rooted(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    for error in errors.iter_mut().filter(|error| error.field.is_empty()) {
        error.field = "<nil>".to_owned();
    }
    errors
}
