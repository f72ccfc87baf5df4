//! Checks of PersistentVolume.

use super::{
    Errors,
    amounts::access_modes,
    meta_create, node_selector,
    volume_source::{MALFORMED, driver, initiator, iscsi, reference, shown, source},
    words::{form, immutable, one_of, required, unsupported},
};
use crate::{
    decode, internal,
    meta::{dns1123_label_errors, dns1123_subdomain_errors, name_is_subdomain},
    view::{list, map, remove, text},
};
use serde_json::{Value, json};
use tidegate_schema::{FieldError, Path};

pub(crate) fn volume(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let modes = path.child("accessModes");
    if list(&spec["accessModes"]).is_empty() {
        errors.push(FieldError::required(&modes, ""));
    }
    access_modes(spec, &modes, errors);
    capacity(spec, &path.child("capacity"), errors);
    let policies = &["Delete", "Recycle", "Retain"];
    if !text(spec, "persistentVolumeReclaimPolicy").is_empty() {
        one_of(
            spec,
            "persistentVolumeReclaimPolicy",
            policies,
            &path,
            errors,
        );
    }
    affinity(spec, &path.child("nodeAffinity"), errors);
    sources(object, &path, errors);
    let recycled = text(spec, "persistentVolumeReclaimPolicy") == "Recycle";
    if recycled && is_root(text(&spec["hostPath"], "path")) {
        errors.push(FieldError::forbidden(
            &path.child("persistentVolumeReclaimPolicy"),
            "may not be 'recycle' for a hostPath mount of '/'",
        ));
    }
    let class = text(spec, "storageClassName");
    if !class.is_empty() {
        let at = path.child("storageClassName");
        form(class, dns1123_subdomain_errors, &at, errors);
    }
    if !spec["volumeMode"].is_null() {
        one_of(spec, "volumeMode", &["Block", "Filesystem"], &path, errors);
    }
    attributes_class(spec, &path, errors);
    mount_options(object, errors);
}

fn capacity(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let all = map(&spec["capacity"]);
    if all.is_empty() {
        errors.push(FieldError::required(path, ""));
    }
    if !all.contains_key("storage") || all.len() > 1 {
        errors.push(unsupported(path, &spec["capacity"], &["storage"]));
    }
    for (name, value) in all {
        let Some(amount) = value.as_str().and_then(|text| decode::quantity(text).ok()) else {
            continue;
        };
        let at = path.key(name);
        if amount.sign() < 0 {
            let mut error =
                FieldError::invalid(&at, &Value::Null, "must be a valid resource quantity");
            error.bad_value = amount.rounded_up().to_string();
            errors.push(error);
        }
        if amount.sign() <= 0 {
            errors.push(FieldError::invalid(&at, value, "must be greater than zero"));
        }
    }
}

fn affinity(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let affinity = &spec["nodeAffinity"];
    let at = path.child("required");
    if affinity.is_null() {
        return;
    }
    if affinity["required"].is_null() {
        let why = "must specify required node constraints";
        errors.push(FieldError::required(&at, why));
        return;
    }
    node_selector::selector(&affinity["required"], &at, errors);
}

/// Where a volume may come from, in the order in which Kubernetes looks.
const SOURCES: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

fn sources(object: &Value, path: &Path<'_>, errors: &mut Errors) {
    let spec = &object["spec"];
    let mut first = true;
    for name in SOURCES.iter().filter(|name| !spec[**name].is_null()) {
        // Kubernetes doesn't count when it comes to this one.
        if !first && *name != "flexVolume" {
            let field = if *name == "cephfs" { "cephFS" } else { name };
            let why = "may not specify more than 1 volume type";
            errors.push(FieldError::forbidden(&path.child(field), why));
            continue;
        }
        first = false;
        let at = path.child(shown(name));
        source(name, &spec[*name], &at, errors);
        own_source(object, name, &at, errors);
        if *name == "local" && spec["nodeAffinity"].is_null() {
            let why = "Local volume requires node affinity";
            errors.push(FieldError::required(&path.child("nodeAffinity"), why));
        }
    }
    if first {
        errors.push(FieldError::required(path, "must specify a volume type"));
    }
}

/// What is checked in persistent volumes only.
fn own_source(object: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    let source = &object["spec"][name];
    match name {
        "iscsi" => {
            required(source, "targetPortal", path, errors);
            let portal = text(source, "targetPortal");
            let length = text(&object["metadata"], "name").len() + 1 + portal.len();
            if !source["initiatorName"].is_null() && length > 64 {
                let at = path.child("targetportal");
                errors.push(FieldError::invalid(&at, &portal.into(), LONG_PORTAL));
            }
            iscsi(source, MALFORMED, path, errors);
            reference(source, "secretRef", &["name"], path, errors);
            initiator(source, MALFORMED, path, errors);
        }
        "cinder" | "storageos" => reference(source, "secretRef", &["namespace"], path, errors),
        "local" if required(source, "path", path, errors) => {
            let at = path.child("path");
            super::volume::no_steps_back(text(source, "path"), &at, errors);
        }
        "csi" => csi(source, path, errors),
        _ => {}
    }
}

pub(crate) const LONG_PORTAL: &str = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

fn csi(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    driver(source, path, errors);
    required(source, "volumeHandle", path, errors);
    for name in [
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ] {
        let (secret, at) = (&source[name], path.child(name));
        if secret.is_null() {
            continue;
        }
        if required(secret, "name", &at, errors) {
            let name = text(secret, "name");
            form(name, dns1123_subdomain_errors, &at.child("name"), errors);
        }
        if required(secret, "namespace", &at, errors) {
            let name = text(secret, "namespace");
            form(name, dns1123_label_errors, &at.child("namespace"), errors);
        }
    }
}

/// Whether a path is `/`, however it is written.
fn is_root(path: &str) -> bool {
    let mut depth = 0_usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    path.starts_with('/') && depth == 0
}

fn attributes_class(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let Some(class) = spec["volumeAttributesClassName"].as_str() else {
        return;
    };
    let at = path.child("volumeAttributesClassName");
    if class.is_empty() {
        errors.push(FieldError::required(&at, "an empty string is disallowed"));
    } else {
        form(class, dns1123_subdomain_errors, &at, errors);
    }
    if spec["csi"].is_null() {
        let why = "has to be specified when using volumeAttributesClassName";
        errors.push(FieldError::required(&path.child("csi"), why));
    }
}

/// Sources that can be mounted with options that an annotation names.
const WITH_OPTIONS: &[&str] = &[
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "cinder",
    "cephfs",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
];

fn mount_options(object: &Value, errors: &mut Errors) {
    let options = "volume.beta.kubernetes.io/mount-options";
    let mut sources = WITH_OPTIONS.iter();
    let given = map(&object["metadata"]["annotations"]).contains_key(options);
    if given && sources.all(|name| object["spec"][*name].is_null()) {
        let root = Path::ROOT;
        let meta = root.child("metadata");
        let annotations = meta.child("annotations");
        let why = "may not specify mount options for this volume type";
        errors.push(FieldError::forbidden(&annotations.child(options), why));
    }
}

pub(crate) fn update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_create(new, false, name_is_subdomain, errors);
    volume(new, errors);
    let root = Path::ROOT;
    let spec = root.child("spec");
    let (wanted, before) = (fixed_source(new, old), fixed_source(old, old));
    if wanted != before {
        let difference = internal::difference("@core.PersistentVolumeSource", &before, &wanted);
        let why = format!("spec.persistentvolumesource is immutable after creation\n{difference}");
        let at = spec.child("persistentvolumesource");
        errors.push(FieldError::forbidden(&at, why));
    }
    immutable(&new["spec"], &old["spec"], "volumeMode", &root, errors);
    affinity_stays(new, old, errors);
    let class = |object: &Value| object["spec"]["volumeAttributesClassName"].is_null();
    if class(new) && !class(old) {
        errors.push(FieldError::forbidden(
            &spec.child("volumeAttributesClassName"),
            "update from non-nil value to nil is forbidden",
        ));
    }
}

/// Where a volume comes from, but for what may still be added: a secret for growing.
fn fixed_source(object: &Value, old: &Value) -> Value {
    let mut source = json!({});
    for name in SOURCES {
        source[*name] = object["spec"][*name].clone();
    }
    let before = &old["spec"]["csi"];
    if before.is_object() && before["controllerExpandSecretRef"].is_null() {
        remove(&mut source["csi"], "controllerExpandSecretRef");
    }
    source
}

/// Old names of labels, and the new ones that they may be changed to.
const RENAMED: &[(&str, &str)] = &[
    (
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/zone",
    ),
    (
        "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/region",
    ),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    (
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
    ),
];

/// Nodes that were chosen once stay, but for new names of labels.
fn affinity_stays(new: &Value, old: &Value, errors: &mut Errors) {
    let (is, was) = (&new["spec"]["nodeAffinity"], &old["spec"]["nodeAffinity"]);
    if was.is_null() || same_rules(is, was) {
        return;
    }
    let why = "field is immutable, except for updating from beta label to GA";
    let root = Path::ROOT;
    let mut error = FieldError::invalid(&root.child("nodeAffinity"), &Value::Null, why);
    if !is.is_null() {
        error.bad_value = internal_affinity(is);
    }
    errors.push(error);
}

fn same_rules(is: &Value, was: &Value) -> bool {
    match (is, was) {
        (Value::Object(is), Value::Object(before)) => {
            is.len() == before.len()
                && before.iter().all(|(name, was)| {
                    let Some(is) = is.get(name) else {
                        return false;
                    };
                    let renamed = |(from, to): &(&str, &str)| was == from && is == to;
                    same_rules(is, was) || name == "key" && RENAMED.iter().any(renamed)
                })
        }
        (Value::Array(is), Value::Array(was)) => {
            is.len() == was.len() && is.iter().zip(was).all(|(is, was)| same_rules(is, was))
        }
        _ => is == was,
    }
}

/// As the server's own type writes it.
fn internal_affinity(affinity: &Value) -> String {
    let rules = |rules: &Value| {
        let all = rules.as_array().map(|rules| {
            let rules = rules.iter().map(|rule| {
                let (key, operator) = (&rule["key"], &rule["operator"]);
                format!(
                    "{{\"Key\":{key},\"Operator\":{operator},\"Values\":{}}}",
                    rule["values"]
                )
            });
            format!("[{}]", rules.collect::<Vec<_>>().join(","))
        });
        all.unwrap_or_else(|| "null".to_owned())
    };
    if affinity["required"].is_null() {
        return "{\"Required\":null}".to_owned();
    }
    let terms = list(&affinity["required"]["nodeSelectorTerms"]).iter();
    let terms = terms.map(|term| {
        format!(
            "{{\"MatchExpressions\":{},\"MatchFields\":{}}}",
            rules(&term["matchExpressions"]),
            rules(&term["matchFields"])
        )
    });
    let terms = terms.collect::<Vec<_>>().join(",");
    format!("{{\"Required\":{{\"NodeSelectorTerms\":[{terms}]}}}}")
}

#[cfg(test)]
mod tests {
    use super::{is_root, same_rules};
    use serde_json::json;

    #[test]
    fn the_root_has_many_names() {
        for (path, expect) in [
            ("/", true),
            ("//.", true),
            ("/a/..", true),
            ("/..", true),
            ("/a", false),
            ("", false),
            (".", false),
        ] {
            assert_eq!(is_root(path), expect, "{path}");
        }
    }

    #[test]
    fn labels_may_get_their_new_names() {
        let rule = |key: &str, value: &str| {
            json!({ "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": key, "operator": "In", "values": [value] },
            ] }] } })
        };
        let old = rule("beta.kubernetes.io/os", "linux");
        assert!(same_rules(&rule("kubernetes.io/os", "linux"), &old));
        assert!(!same_rules(&rule("kubernetes.io/os", "plan9"), &old));
        assert!(!same_rules(&old, &rule("kubernetes.io/os", "linux")));
        assert!(!same_rules(&rule("kubernetes.io/arch", "linux"), &old));
    }
}
