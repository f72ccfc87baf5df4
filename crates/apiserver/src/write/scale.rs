//! The scale subresource: an object seen as a number of replicas.
//!
//! A write to it is an update of the object that changes nothing else. Who owned the replicas before is told by the
//! object's managedFields, with `scale` as the subresource.

use super::{Write, guaranteed::Outcome, ownership::patch_failed};
use crate::{
    call::{Answer, Call},
    cluster::Cluster,
    negotiate,
    object::Meta,
    request::options::{WriteKind, WriteOptions},
    status::ApiError,
    strategy::ScalePaths,
};
use serde_json::{Map, Value, json};
use tidegate_schema::{FieldError, Path};

/// Answers a get.
pub(crate) fn get(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let paths = paths(call)?;
    let entry = cluster.store.snapshot();
    let entry = entry
        .get(&call.key())
        .ok_or_else(|| ApiError::not_found(call.resource.group_resource(), &call.info.name))?;
    let object = call.resource.tree(&entry.value)?;
    Answer::document(200, &scale_of(&object, &paths), call.output)
}

/// Answers an update or a patch.
pub(crate) async fn write(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let paths = paths(call)?;
    let patched = call.info.verb == "patch";
    let applied = call
        .headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|value| value == "application/apply-patch+yaml");
    let kind = match (patched, applied) {
        (true, true) => WriteKind::Apply,
        (true, false) => WriteKind::Patch,
        (false, _) => WriteKind::Update,
    };
    let options = WriteOptions::parse(&call.query, kind)?;
    let write = Write {
        cluster,
        call,
        options: &options,
    };
    let make = |existing: Option<&Value>| {
        let existing = existing.ok_or_else(ApiError::unknown_resource)?;
        let current = scale_of(existing, &paths);
        let scale = if patched {
            patched_scale(call, &current)?
        } else {
            sent_scale(call)?
        };
        check(call, &scale)?;
        let mut object = existing.clone();
        set(&mut object, &paths.spec_replicas, replicas(&scale));
        object.set_meta_text("resourceVersion", scale.resource_version());
        if scale.resource_version().is_empty() {
            object.set_meta("resourceVersion", existing.resource_version());
        }
        Ok(write.owned(Some(existing), &object))
    };
    match write.guaranteed(false, &make).await? {
        Outcome::Created(object) | Outcome::Updated(object) | Outcome::Deleted(object) => {
            Answer::document(200, &scale_of(&object, &paths), call.output)
        }
    }
}

fn sent_scale(call: &Call) -> Result<Value, ApiError> {
    let parsed = match negotiate::input_format(&call.headers)? {
        negotiate::Format::Json => tidegate_schema::parse_json(&call.body),
        negotiate::Format::Yaml => tidegate_schema::parse_yaml(&call.body),
    };
    let parsed = parsed.map_err(|error| {
        ApiError::bad_request(format!(
            "couldn't get version/kind; json parse error: {error}"
        ))
    })?;
    Ok(parsed.value)
}

fn patched_scale(call: &Call, current: &Value) -> Result<Value, ApiError> {
    let content_type = call.headers.get(http::header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let patched = match content_type.split(';').next().unwrap_or_default() {
        "application/json-patch+json" => tidegate_merge::json_patch(current, &call.body, false),
        "application/apply-patch+yaml" => {
            let body = tidegate_schema::parse_yaml(&call.body)
                .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
            tidegate_merge::merge_patch(current, body.value.to_string().as_bytes(), false)
        }
        _ => tidegate_merge::merge_patch(current, &call.body, false),
    };
    patched.map(|patched| patched.value).map_err(patch_failed)
}

fn check(call: &Call, scale: &Value) -> Result<(), ApiError> {
    let name = &call.info.name;
    if scale.name() != name.as_str() {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({name})",
            scale.name()
        )));
    }
    let root = Path::ROOT;
    let spec = root.child("spec");
    let at = spec.child("replicas");
    let wanted = &scale["spec"]["replicas"];
    let error = match wanted {
        Value::Null => return Ok(()),
        // The object's own checks have the words for custom resources.
        _ if !call.resource.bare_items => return Ok(()),
        _ if replicas(scale) < 0 => {
            FieldError::invalid(&at, wanted, "must be greater than or equal to 0")
        }
        _ if wanted
            .as_i64()
            .is_some_and(|replicas| i32::try_from(replicas).is_ok()) =>
        {
            return Ok(());
        }
        _ => FieldError::invalid(&at, wanted, "must be a whole number of 32 bits"),
    };
    Err(ApiError::invalid("autoscaling", "Scale", name, &[error]))
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
    let selector = paths.selector.as_deref().and_then(|path| at(object, path));
    let mut status = json!({ "replicas": number(&paths.status_replicas) });
    let selector = match selector {
        Some(Value::String(text)) => text.clone(),
        Some(selector) => selector_text(selector),
        None => String::new(),
    };
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
