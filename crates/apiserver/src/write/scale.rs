//! The scale subresource: an object seen as a number of replicas.
//!
//! A write to it is an update of the object that changes nothing else. Who owned the replicas before is told by the
//! object's managedFields, with `scale` as the subresource.

use super::{
    Write,
    guaranteed::Outcome,
    patch::{self, PatchType},
    shape::{Shape, part_body},
};
use crate::{
    call::{Answer, Call},
    cluster::Cluster,
    negotiate::Transform,
    object::Meta,
    read::present,
    request::options::{WriteKind, WriteOptions},
    status::ApiError,
    strategy::{ScalePaths, SelectorForm},
};
use serde_json::{Map, Value, json};
use tidegate_kinds::{Part, part_of};
use tidegate_merge::{FieldPath, FieldSet, ManagedFields, Owned, Version};
use tidegate_schema::{FieldError, Parsed, Path};

const API_VERSION: &str = "autoscaling/v1";
/// What a custom resource without a number of replicas shows to a write.
const NO_REPLICAS: i64 = i32::MIN as i64;

/// Answers a get.
pub(crate) fn get(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let paths = paths(call)?;
    let entry = cluster.store.snapshot();
    let entry = entry
        .get(&call.key())
        .ok_or_else(|| ApiError::not_found(call.resource.group_resource(), &call.info.name))?;
    let object = call.resource.tree(&entry.value)?;
    if !call.resource.bare_items && at(&object, &paths.spec_replicas).is_none() {
        return Err(ApiError::internal(format!(
            "the spec replicas field \".{}\" does not exist",
            paths.spec_replicas
        )));
    }
    answer(cluster, call, scale_of(&object, &paths))
}

/// A scale as the client wants it.
fn answer(cluster: &Cluster, call: &Call, scale: Value) -> Result<Answer, ApiError> {
    let Transform::Table(version) = call.output.transform else {
        return present::object(cluster, call, 200, scale);
    };
    let revision = scale.resource_version().to_owned();
    let (wanted, found) = (replicas(&scale), scale["status"]["replicas"].clone());
    let mut table = present::Table::new(cluster, call, version)?;
    table.add(scale);
    let mut table = table.finish(json!({ "resourceVersion": revision }));
    if !call.resource.bare_items {
        return Answer::document(200, &table, call.output);
    }
    let columns = table["columnDefinitions"].take();
    let columns = columns.as_array().map_or(&[][..], Vec::as_slice);
    let column = |name: &str| columns.iter().position(|column| column["name"] == name);
    let number = |name: &str, description: &str| json!({ "name": name, "type": "integer", "format": "", "description": description, "priority": 0 });
    let (name, age) = (column("Name"), column("Age"));
    let shown = |at: Option<usize>, all: &[Value]| at.and_then(|at| all.get(at)).cloned();
    let mut first = shown(name, columns).unwrap_or_default();
    first["format"] = "".into();
    table["columnDefinitions"] = json!([
        first,
        number(
            "Desired",
            "replicas is the desired number of instances for the scaled object."
        ),
        number(
            "Available",
            "replicas is the actual number of observed instances of the scaled object."
        ),
        shown(age, columns),
    ]);
    for row in table["rows"].as_array_mut().into_iter().flatten() {
        let cells = row["cells"].take();
        let cells = cells.as_array().map_or(&[][..], Vec::as_slice);
        row["cells"] = json!([shown(name, cells), wanted, found, shown(age, cells)]);
    }
    Answer::document(200, &table, call.output)
}

/// How the new scale comes.
enum Way {
    Put(Value),
    Patch(PatchType),
    Apply(Parsed),
}

/// Answers an update or a patch.
pub(crate) async fn write(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let paths = paths(call)?;
    let part = part_of("autoscaling", "v1", "Scale").ok_or_else(ApiError::unknown_resource)?;
    let patch_type = (call.info.verb == "patch")
        .then(|| patch::patch_type(call))
        .transpose()?;
    let kind = match patch_type {
        Some(PatchType::Apply) => WriteKind::Apply,
        Some(_) => WriteKind::Patch,
        None => WriteKind::Update,
    };
    let options = WriteOptions::parse(&call.query, kind)?;
    let write = Write {
        cluster,
        call,
        options: &options,
    };
    let way = match patch_type {
        None => Way::Put(write.sent_scale(part)?),
        Some(PatchType::Apply) => Way::Apply(patch::applied_object(call)?),
        Some(other) => {
            patch::check_json(call)?;
            Way::Patch(other)
        }
    };
    let make = |existing: Option<&Value>| {
        let existing = existing.ok_or_else(ApiError::unknown_resource)?;
        write.scaled(part, &paths, existing, &way)
    };
    match write.guaranteed(false, &make).await? {
        Outcome::Created(object) | Outcome::Updated(object) | Outcome::Deleted(object) => {
            answer(cluster, call, scale_of(&object, &paths))
        }
    }
}

impl Write<'_> {
    /// The scale in the body of an update.
    fn sent_scale(&self, part: &'static Part) -> Result<Value, ApiError> {
        let sent = part_body(self.call, part, self.options.field_validation);
        let mut scale = if self.resource().bare_items {
            sent?
        } else {
            // Whatever is wrong, the server for custom resources knows no name for what it wants.
            let sent = sent.ok().filter(|scale| scale["kind"] == part.kind);
            sent.ok_or_else(|| {
                ApiError::bad_request(
                    "no kind is registered for the type v1.Scale in scheme \"pkg/runtime/scheme.go:111\"",
                )
            })?
        };
        self.settle_namespace(&mut scale)?;
        self.check_name(&scale)?;
        Ok(scale)
    }

    /// The object with the replicas that are asked for.
    fn scaled(
        &self,
        part: &'static Part,
        paths: &ScalePaths,
        existing: &Value,
        way: &Way,
    ) -> Result<Value, ApiError> {
        let owners = Owners::of(self, paths, existing)?;
        let mut current = scale_of(existing, paths);
        if !self.resource().bare_items && at(existing, &paths.spec_replicas).is_none() {
            current["spec"]["replicas"] = NO_REPLICAS.into();
        }
        owners.of_scale().write_to(&mut current);
        let mut scale = match way {
            Way::Put(sent) => {
                self.check_uid(sent, existing)?;
                self.owned_part(part, Some(&current), sent)
            }
            Way::Patch(patch_type) => {
                let patched = self.patched_as(Shape::Part(part), &current, *patch_type)?;
                self.owned_part(part, Some(&current), &patched)
            }
            Way::Apply(applied) => {
                let object = self.applied_part(part, &current, &applied.value)?;
                self.checked_apply(Shape::Part(part), object, applied)?
            }
        };
        self.settle_namespace(&mut scale)?;
        self.check_name(&scale)?;
        self.check_scale(paths, &scale)?;
        let mut object = existing.clone();
        set(&mut object, &paths.spec_replicas, replicas(&scale));
        if scale.resource_version().is_empty() && !self.resource().bare_items {
            object.set_meta("resourceVersion", existing.resource_version());
        } else {
            object.set_meta_text("resourceVersion", scale.resource_version());
        }
        let scale_owners = ManagedFields::of_object(&scale).map_err(ApiError::internal)?;
        owners.of_object(scale_owners).write_to(&mut object);
        Ok(object)
    }

    fn check_scale(&self, paths: &ScalePaths, scale: &Value) -> Result<(), ApiError> {
        let number = replicas(scale);
        if !self.resource().bare_items {
            if number == NO_REPLICAS {
                return Err(ApiError::bad_request(format!(
                    "the spec replicas field \".{}\" cannot be empty",
                    paths.spec_replicas
                )));
            }
            // The object's own checks have the words for custom resources.
            return Ok(());
        }
        if number >= 0 {
            return Ok(());
        }
        let root = Path::ROOT;
        let spec = root.child("spec");
        let error = FieldError::invalid(
            &spec.child("replicas"),
            &number.into(),
            "must be greater than or equal to 0",
        );
        Err(ApiError::invalid(
            "autoscaling",
            "Scale",
            &self.call.info.name,
            &[error],
        ))
    }
}

/// Who owns the replicas: the object's entries, which a scale shows as its own, and which it takes over.
struct Owners<'a> {
    write: &'a Write<'a>,
    entries: ManagedFields,
    api_version: String,
    path: FieldPath,
}

impl<'a> Owners<'a> {
    fn of(write: &'a Write<'a>, paths: &ScalePaths, object: &Value) -> Result<Self, ApiError> {
        let names: Vec<&str> = paths.spec_replicas.split('.').collect();
        Ok(Self {
            write,
            entries: ManagedFields::of_object(object).map_err(ApiError::internal)?,
            api_version: write.resource().api_version(),
            path: FieldPath::names(&names),
        })
    }

    fn owns_replicas(&self, owned: &Owned) -> bool {
        owned.api_version == self.api_version && owned.fields.has(&self.path.0)
    }

    /// The entries as those of a scale.
    fn of_scale(&self) -> ManagedFields {
        let entries = self.entries.entries.iter();
        let entries = entries.filter(|(_, owned)| self.owns_replicas(owned));
        let entries = entries.map(|(id, owned)| {
            let owned = Owned {
                fields: FieldSet::of([in_scale()]),
                api_version: API_VERSION.to_owned(),
                time: owned.time,
            };
            (id.clone(), owned)
        });
        ManagedFields {
            entries: entries.collect(),
        }
    }

    /// The object's entries after those of the scale have changed. An entry of updates counts as another than that of
    /// the object, whatever it says: the versions in their names differ.
    fn of_object(&self, scale: ManagedFields) -> ManagedFields {
        let mut scale = scale.entries;
        let mut entries = ManagedFields::new();
        for (id, owned) in &self.entries.entries {
            let strategy = &self.write.resource().strategy;
            if matches!(strategy.version(&owned.api_version), Version::Missing) {
                continue;
            }
            let mut owned = owned.clone();
            if self.owns_replicas(&owned) && scale.remove(id).is_none() {
                let replicas = FieldSet::of([self.path.clone()]);
                owned.fields = owned.fields.difference(&replicas);
                if owned.fields.is_empty() {
                    continue;
                }
            }
            entries.entries.insert(id.clone(), owned);
        }
        for (id, owned) in scale {
            if !owned.fields.has(&in_scale().0) {
                continue;
            }
            let time = self.entries.entries.get(&id).and_then(|owned| owned.time);
            let owned = Owned {
                fields: FieldSet::of([self.path.clone()]),
                api_version: self.api_version.clone(),
                time,
            };
            entries.entries.insert(id, owned);
        }
        entries
    }
}

/// Where a scale has its replicas.
fn in_scale() -> FieldPath {
    FieldPath::names(&["spec", "replicas"])
}

fn replicas(scale: &Value) -> i64 {
    scale["spec"]["replicas"].as_i64().unwrap_or_default()
}

/// Sets a number at a dotted path, with the objects on the way to it.
fn set(object: &mut Value, path: &str, number: i64) {
    let mut place = object;
    for key in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[key];
    }
    *place = number.into();
}

fn paths(call: &Call) -> Result<ScalePaths, ApiError> {
    call.resource
        .strategy
        .scale()
        .ok_or_else(ApiError::unknown_resource)
}

/// The `Scale` of an object.
fn scale_of(object: &Value, paths: &ScalePaths) -> Value {
    let number = |path: &str| at(object, path).and_then(Value::as_i64).unwrap_or_default();
    let mut metadata = Map::new();
    for key in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        let text = object.meta_text(key);
        if !text.is_empty() {
            metadata.insert(key.to_owned(), text.into());
        }
    }
    let mut status = json!({ "replicas": number(&paths.status_replicas) });
    let selector = paths.selector.as_ref().and_then(|(form, path)| {
        let selector = at(object, path)?;
        Some(match form {
            SelectorForm::Text => selector.as_str().unwrap_or_default().to_owned(),
            SelectorForm::Labels => selector_text(&json!({ "matchLabels": selector })),
            SelectorForm::Full => selector_text(selector),
        })
    });
    let selector = selector.unwrap_or_default();
    if !selector.is_empty() {
        status["selector"] = selector.into();
    }
    let spec = match number(&paths.spec_replicas) {
        0 => json!({}),
        replicas => json!({ "replicas": replicas }),
    };
    json!({ "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status })
}

/// What is at a dotted path.
fn at<'v>(object: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(object, |value, key| value.get(key))
}

/// A `LabelSelector` as text.
fn selector_text(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let mut terms: Vec<String> = labels
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    for expression in selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let key = expression["key"].as_str().unwrap_or_default();
        let mut values: Vec<&str> = expression["values"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        values.sort_unstable();
        let values = values.join(",");
        terms.push(match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    terms.sort_unstable();
    terms.join(",")
}
