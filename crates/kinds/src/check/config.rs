//! Checks of ConfigMap and Secret.

use super::{
    Errors, meta_create, meta_update,
    words::{form, immutable},
};
use crate::{
    meta::{config_key_errors, name_is_subdomain, too_long},
    view::{is_true, map, text},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

/// All values of one object, in bytes.
const SIZE_MAX: usize = 1 << 20;

pub(crate) fn config_map(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let (data, binary) = (map(&object["data"]), map(&object["binaryData"]));
    let mut size = 0;
    let at = root.child("data");
    for (key, value) in data {
        form(key, config_key_errors, &at.key(key), errors);
        if binary.contains_key(key) {
            let why = "duplicate of key present in binaryData";
            errors.push(FieldError::invalid(&at.key(key), &key.as_str().into(), why));
        }
        size += value.as_str().map_or(0, str::len);
    }
    let at = root.child("binaryData");
    for (key, value) in binary {
        form(key, config_key_errors, &at.key(key), errors);
        size += decoded_len(value);
    }
    if size > SIZE_MAX {
        // Kubernetes names a field without a name here.
        errors.push(FieldError {
            field: "[]".to_owned(),
            ..too_long(&root, SIZE_MAX)
        });
    }
}

/// The bytes that a text in base64 stands for.
fn decoded_len(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default();
    text.len() / 4 * 3
        - text
            .bytes()
            .rev()
            .take(2)
            .filter(|byte| *byte == b'=')
            .count()
}

fn stays(new: &Value, old: &Value, names: &[&str], errors: &mut Errors) {
    let root = Path::ROOT;
    let why = "field is immutable when `immutable` is set";
    if !is_true(old, "immutable") {
        return;
    }
    if !is_true(new, "immutable") {
        errors.push(FieldError::forbidden(&root.child("immutable"), why));
    }
    for name in names
        .iter()
        .filter(|name| map(&new[**name]) != map(&old[**name]))
    {
        errors.push(FieldError::forbidden(&root.child(name), why));
    }
}

pub(crate) fn config_map_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    stays(new, old, &["data", "binaryData"], errors);
    meta_create(new, true, name_is_subdomain, errors);
    config_map(new, errors);
}

pub(crate) fn secret(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let at = root.child("data");
    let data = map(&object["data"]);
    let mut size = 0;
    for (key, value) in data {
        form(key, config_key_errors, &at.key(key), errors);
        size += decoded_len(value);
    }
    if size > SIZE_MAX {
        errors.push(too_long(&at, SIZE_MAX));
    }
    let mut need = |key: &str| errors.push(FieldError::required(&at.key(key), ""));
    match text(object, "type") {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            if text(&object["metadata"]["annotations"], name).is_empty() {
                let meta = root.child("metadata");
                let annotations = meta.child("annotations");
                errors.push(FieldError::required(&annotations.key(name), ""));
            }
        }
        "kubernetes.io/dockercfg" => docker(data.get(".dockercfg"), ".dockercfg", &at, errors),
        "kubernetes.io/dockerconfigjson" => docker(
            data.get(".dockerconfigjson"),
            ".dockerconfigjson",
            &at,
            errors,
        ),
        "kubernetes.io/basic-auth"
            if !data.contains_key("username") && !data.contains_key("password") =>
        {
            need("username");
            need("password");
        }
        "kubernetes.io/ssh-auth" if text(&object["data"], "ssh-privatekey").is_empty() => {
            need("ssh-privatekey")
        }
        "kubernetes.io/tls" => {
            ["tls.crt", "tls.key"]
                .into_iter()
                .filter(|key| !data.contains_key(*key))
                .for_each(need);
        }
        _ => {}
    }
}

fn docker(value: Option<&Value>, key: &str, path: &Path<'_>, errors: &mut Errors) {
    let Some(value) = value else {
        errors.push(FieldError::required(&path.key(key), ""));
        return;
    };
    let bytes = STANDARD
        .decode(value.as_str().unwrap_or_default())
        .unwrap_or_default();
    let why = match tidegate_schema::parse_json(&bytes) {
        Ok(parsed) if parsed.value.is_object() || parsed.value.is_null() => return,
        Ok(parsed) => {
            let kind = crate::decode::word(&parsed.value);
            format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
        }
        Err(error) => error.to_string(),
    };
    errors.push(FieldError::invalid(
        &path.key(key),
        &"<secret contents redacted>".into(),
        why,
    ));
}

pub(crate) fn secret_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    immutable(new, old, "type", &Path::ROOT, errors);
    stays(new, old, &["data"], errors);
    meta_create(new, true, name_is_subdomain, errors);
    secret(new, errors);
}
