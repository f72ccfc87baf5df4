//! What a definition gets before it is checked and stored.

use crate::view::{Fields, Spec, same};
use serde_json::{Map, Value, json};

/// Fills in what was left out: names that follow from the kind, no conversion, and the version that is stored.
pub fn default(crd: &mut Value) {
    let storage = storage_version(crd);
    if let Some(spec) = crd.get_mut("spec").and_then(Value::as_object_mut) {
        default_spec(spec);
    }
    let Some(storage) = storage else { return };
    let Some(crd) = crd.as_object_mut() else {
        return;
    };
    let status = crd.entry("status").or_insert_with(|| json!({}));
    if status.is_null() {
        *status = json!({});
    }
    if Fields::of(Some(status)).list("storedVersions").is_empty() && status.is_object() {
        status["storedVersions"] = json!([storage]);
    }
}

fn default_spec(spec: &mut Map<String, Value>) {
    if !spec.get("names").is_some_and(Value::is_object) {
        spec.insert("names".to_owned(), json!({}));
    }
    let kind = spec["names"]["kind"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let names = &mut spec["names"];
    let absent = |name: &Value| name.as_str().is_none_or(str::is_empty);
    if absent(&names["singular"]) && !kind.is_empty() {
        names["singular"] = kind.to_lowercase().into();
    }
    if absent(&names["listKind"]) && !kind.is_empty() {
        names["listKind"] = format!("{kind}List").into();
    }
    let conversion = spec.entry("conversion").or_insert(Value::Null);
    if conversion.is_null() {
        *conversion = json!({ "strategy": "None" });
    }
    let service = conversion
        .pointer_mut("/webhook/clientConfig/service")
        .and_then(Value::as_object_mut);
    if let Some(service) = service.filter(|service| service.get("port").is_none_or(Value::is_null))
    {
        service.insert("port".to_owned(), 443.into());
    }
}

fn storage_version(crd: &Value) -> Option<String> {
    let spec = Spec::of(crd);
    let version = spec.versions.iter().find(|version| version.storage())?;
    Some(version.name().to_owned())
}

/// A new definition has a fresh status, whatever its author wrote, and is in its first generation.
pub fn prepare_create(crd: &mut Value) {
    let stored = storage_version(crd).map_or(Value::Null, |name| json!([name]));
    let Some(object) = crd.as_object_mut() else {
        return;
    };
    let status = json!({
        "conditions": null,
        "acceptedNames": { "plural": "", "kind": "" },
        "storedVersions": stored,
    });
    object.insert("status".to_owned(), status);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("generation".to_owned(), 1.into());
    }
}

/// A changed definition keeps its status, but for a new storage version; a changed specification is a new generation.
pub fn prepare_update(new: &mut Value, old: &Value) {
    let storage = storage_version(new);
    let changed = !same(new.get("spec"), old.get("spec"));
    let Some(object) = new.as_object_mut() else {
        return;
    };
    let mut status = old.get("status").cloned().unwrap_or_else(|| json!({}));
    if let Some(name) = storage {
        let mut stored = Fields::of(Some(&status)).list("storedVersions").to_vec();
        if !stored.iter().any(|known| known.as_str() == Some(&name)) && status.is_object() {
            stored.push(name.into());
            status["storedVersions"] = stored.into();
        }
    }
    object.insert("status".to_owned(), status);
    let generation = old
        .pointer("/metadata/generation")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata.filter(|_| changed) {
        metadata.insert("generation".to_owned(), generation.saturating_add(1).into());
    }
}
