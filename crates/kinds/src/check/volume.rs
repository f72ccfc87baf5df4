//! Checks of a pod's volumes: names, one source each, and the sources that only pods have.

use super::{
    Errors,
    container::Volumes,
    persistent_volume::LONG_PORTAL,
    volume_source,
    words::{form, required},
};
use crate::{
    meta::{dns1123_label_errors, dns1123_subdomain_errors},
    view::{list, map, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// The names of the volumes that are sound.
pub(crate) fn volumes<'v>(spec: &'v Value, path: &Path<'_>, errors: &mut Errors) -> Volumes<'v> {
    let mut good = Volumes::new();
    for (index, volume) in list(&spec["volumes"]).iter().enumerate() {
        let at = path.index(index);
        let before = errors.len();
        source(volume, &at, errors);
        let name = text(volume, "name");
        if name.is_empty() {
            errors.push(FieldError::required(&at.child("name"), ""));
        } else {
            form(name, dns1123_label_errors, &at.child("name"), errors);
        }
        if good.contains_key(name) {
            errors.push(FieldError::duplicate(&at.child("name"), &name.into()));
        }
        if errors.len() == before {
            good.insert(name, volume);
        }
    }
    good
}

fn source(volume: &Value, path: &Path<'_>, errors: &mut Errors) {
    let sources: Vec<&str> = map(volume)
        .keys()
        .map(String::as_str)
        .filter(|name| *name != "name")
        .collect();
    if sources.is_empty() {
        errors.push(FieldError::required(path, "must specify a volume type"));
    }
    let first = ORDER
        .iter()
        .find(|name| sources.contains(name))
        .or(sources.first());
    for name in ORDER.iter().filter(|name| sources.contains(name)) {
        if Some(name) != first {
            errors.push(FieldError::forbidden(
                &path.child(name),
                "may not specify more than 1 volume type",
            ));
            continue;
        }
        let at = path.child(volume_source::shown(name));
        volume_source::source(name, &volume[*name], &at, errors);
        own_source(volume, name, path, errors);
    }
}

/// What is checked in pods only.
fn own_source(volume: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    let (source, at) = (&volume[name], path.child(name));
    match name {
        "secret" => {
            needs(source, "secretName", &at, errors);
            mode(source, "defaultMode", &at, errors);
            keys(source, &at, errors);
        }
        "configMap" => {
            needs(source, "name", &at, errors);
            mode(source, "defaultMode", &at, errors);
            keys(source, &at, errors);
        }
        "persistentVolumeClaim" => needs(source, "claimName", &at, errors),
        "iscsi" => iscsi(volume, path, errors),
        "csi" => csi(source, &at, errors),
        "projected" => {
            mode(source, "defaultMode", &at, errors);
            projected(source, &at, errors);
        }
        "downwardAPI" => mode(source, "defaultMode", &at, errors),
        _ => {}
    }
}

fn iscsi(volume: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (source, at) = (&volume["iscsi"], path.child("iscsi"));
    needs(source, "targetPortal", &at, errors);
    let unlike = "must be valid format starting with iqn, eui, or naa";
    volume_source::iscsi(source, unlike, &at, errors);
    volume_source::initiator(source, unlike, &at, errors);
    let name = text(volume, "name");
    let length = name.len() + 1 + text(source, "targetPortal").len();
    if !source["initiatorName"].is_null() && length > 64 {
        let at = path.child("name");
        errors.push(FieldError::invalid(&at, &name.into(), LONG_PORTAL));
    }
}

fn csi(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    volume_source::driver(source, path, errors);
    let secret = &source["nodePublishSecretRef"];
    if !secret.is_null() && required(secret, "name", &path.child("nodePublishSecretRef"), errors) {
        let name = text(secret, "name");
        form(name, dns1123_subdomain_errors, &path.child("name"), errors);
    }
}

/// The order in which Kubernetes looks for sources.
const ORDER: &[&str] = &[
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

fn needs(source: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    required(source, name, path, errors);
}

fn mode(source: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    if source[name]
        .as_i64()
        .is_some_and(|mode| !(0..=0o777).contains(&mode))
    {
        errors.push(FieldError::invalid(&path.child(name), &source[name], MODE));
    }
}

fn keys(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    let items = path.child("items");
    for (index, item) in list(&source["items"]).iter().enumerate() {
        let at = items.index(index);
        needs(item, "key", &at, errors);
        needs(item, "path", &at, errors);
        local_path(text(item, "path"), &at.child("path"), errors);
        mode(item, "mode", &at, errors);
    }
}

/// A path below a volume.
fn local_path(value: &str, path: &Path<'_>, errors: &mut Errors) {
    let mut invalid = |why: &str| errors.push(FieldError::invalid(path, &value.into(), why));
    if value.starts_with('/') {
        invalid("must be a relative path");
    }
    if value.split('/').any(|part| part == "..") {
        invalid("must not contain '..'");
    }
    if value.starts_with("..") && !value.starts_with("../") && value != ".." {
        invalid("must not start with '..'");
    }
}

/// A path below a volume that may be any: no steps back.
pub(crate) fn descending_path(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if value.starts_with('/') {
        errors.push(FieldError::invalid(
            path,
            &value.into(),
            "must be a relative path",
        ));
    }
    no_steps_back(value, path, errors);
}

pub(crate) fn no_steps_back(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if value.split('/').any(|part| part == "..") {
        errors.push(FieldError::invalid(
            path,
            &value.into(),
            "must not contain '..'",
        ));
    }
}

fn projected(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    let sources = path.child("sources");
    for (index, one) in list(&source["sources"]).iter().enumerate() {
        let at = sources.index(index);
        for name in ["secret", "configMap"]
            .into_iter()
            .filter(|name| !one[*name].is_null())
        {
            needs(&one[name], "name", &at.child(name), errors);
            keys(&one[name], &at.child(name), errors);
        }
        let token = &one["serviceAccountToken"];
        if !token.is_null() {
            let here = at.child("serviceAccountToken");
            let seconds = token["expirationSeconds"].as_i64().unwrap_or(3600);
            if seconds < 600 {
                let why = "may not specify a duration less than 10 minutes";
                errors.push(FieldError::invalid(
                    &here.child("expirationSeconds"),
                    &seconds.into(),
                    why,
                ));
            }
            needs(token, "path", path, errors);
        }
        if map(one).len() > 1 {
            errors.push(FieldError::forbidden(
                &at,
                "may not specify more than 1 volume type per source",
            ));
        }
    }
}
