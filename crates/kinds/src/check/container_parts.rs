//! Checks of parts of containers that few have: devices, claims, how they are resized and restarted.

use super::{
    Errors,
    container::Volumes,
    words::{form, repeated, required, too_many, unsupported},
};
use crate::{
    meta::dns1123_label_errors,
    view::{list, text},
};
use serde_json::Value;
use std::collections::HashSet;
use tidegate_schema::{FieldError, Path};

const RULES_MAX: usize = 20;
const VALUES_MAX: usize = 255;

/// The names and places of a container's mounts, or of its devices.
pub(crate) struct Named<'v> {
    names: HashSet<&'v str>,
    places: HashSet<&'v str>,
}

impl<'v> Named<'v> {
    /// Of a list whose items have their place at `place`.
    pub(crate) fn of(all: &'v Value, place: &str) -> Self {
        let texts = |key: &str| list(all).iter().map(|one| text(one, key)).collect();
        Self {
            names: texts("name"),
            places: texts(place),
        }
    }
}

/// Volumes as block devices.
pub(crate) fn devices(
    container: &Value,
    volumes: &Volumes<'_>,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let all = list(&container["volumeDevices"]);
    let again = repeated(all.iter().map(|one| text(one, "name")));
    let same_place = repeated(all.iter().map(|one| text(one, "devicePath")));
    let mounts = Named::of(&container["volumeMounts"], "mountPath");
    for (index, device) in all.iter().enumerate() {
        let at = path.index(index);
        let (name, place) = (text(device, "name"), text(device, "devicePath"));
        let (name_at, place_at) = (at.child("name"), at.child("devicePath"));
        let known = volumes.get(name);
        required(device, "name", &at, errors);
        let mut invalid = |at: &Path<'_>, value: &str, why: &str| {
            errors.push(FieldError::invalid(at, &value.into(), why));
        };
        if !name.is_empty() && again[index] {
            invalid(&name_at, name, "must be unique");
        }
        match known {
            None => errors.push(FieldError::not_found(&name_at, &name.into())),
            Some(volume) => {
                let block = ["persistentVolumeClaim", "ephemeral"];
                if block.iter().all(|source| volume[*source].is_null()) {
                    let why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                    invalid(&name_at, name, why);
                }
            }
        }
        required(device, "devicePath", &at, errors);
        let mut invalid = |at: &Path<'_>, value: &str, why: &str| {
            errors.push(FieldError::invalid(at, &value.into(), why));
        };
        if same_place[index] {
            invalid(&place_at, place, "must be unique");
        }
        if place.split('/').any(|part| part == "..") {
            let why = "can not contain backsteps ('..')";
            invalid(&place_at, place, why);
        }
        if mounts.names.contains(name) {
            invalid(&name_at, name, "must not already exist in volumeMounts");
        }
        if mounts.places.contains(place) {
            let why = "must not already exist as a path in volumeMounts";
            invalid(&place_at, place, why);
        }
    }
}

/// A volume is mounted or a device, but not both.
pub(crate) fn not_a_device(
    devices: &Named<'_>,
    mount: &Value,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let (name, place) = (text(mount, "name"), text(mount, "mountPath"));
    if devices.names.contains(name) {
        let why = "must not already exist in volumeDevices";
        errors.push(FieldError::invalid(&path.child("name"), &name.into(), why));
    }
    if devices.places.contains(place) {
        let why = "must not already exist as a path in volumeDevices";
        let at = path.child("mountPath");
        errors.push(FieldError::invalid(&at, &place.into(), why));
    }
}

/// Claims of devices that a container uses must be the pod's.
pub(crate) fn claims(pod: &Value, claims: &Value, path: &Path<'_>, errors: &mut Errors) {
    let mut there: Vec<&str> = list(&pod["resourceClaims"])
        .iter()
        .map(|claim| text(claim, "name"))
        .filter(|name| !name.is_empty())
        .collect();
    there.sort_unstable();
    there.dedup();
    let mut used: Vec<(&str, &str)> = Vec::new();
    for (index, claim) in list(claims).iter().enumerate() {
        let at = path.index(index);
        let (name, request) = (text(claim, "name"), text(claim, "request"));
        if name.is_empty() {
            errors.push(FieldError::required(&at, ""));
            continue;
        }
        if used.contains(&(name, "")) {
            errors.push(FieldError::duplicate(&at, &name.into()));
        } else {
            if !request.is_empty() {
                form(request, dns1123_label_errors, &at.child("request"), errors);
            }
            if used.contains(&(name, request)) {
                let both = format!("{name}/{request}");
                errors.push(FieldError::duplicate(&at, &both.into()));
            } else if request.is_empty() {
                let overlaps = used.iter().filter(|(other, _)| *other == name);
                for _ in overlaps {
                    errors.push(FieldError::duplicate(&at, &name.into()));
                }
            }
            used.push((name, request));
        }
        if !there.contains(&name) {
            let mut error = FieldError::not_found(&at, &name.into());
            let which = match there.is_empty() {
                true => " which is empty".to_owned(),
                false => format!(": {}", there.join(", ")),
            };
            error.detail = format!("must be one of the names in pod.spec.resourceClaims{which}");
            errors.push(error);
        }
    }
}

/// What happens to a container when its resources change.
pub(crate) fn resize_policy(pod: &Value, container: &Value, path: &Path<'_>, errors: &mut Errors) {
    let all = list(&container["resizePolicy"]);
    let again = repeated(all.iter().map(|one| text(one, "resourceName")));
    for (index, policy) in all.iter().enumerate() {
        let (resource, restart) = (text(policy, "resourceName"), text(policy, "restartPolicy"));
        if again[index] {
            errors.push(FieldError::duplicate(&path.index(index), &resource.into()));
        }
        for (found, supported) in [
            (resource, &["cpu", "memory"]),
            (restart, &["NotRequired", "RestartContainer"]),
        ] {
            if found.is_empty() {
                errors.push(FieldError::required(path, ""));
            } else if !supported.contains(&found) {
                errors.push(unsupported(path, &found.into(), supported));
            }
        }
        if text(pod, "restartPolicy") == "Never" && restart != "NotRequired" {
            let why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.push(FieldError::invalid(path, &restart.into(), why));
        }
    }
}

/// When a container is started again.
pub(crate) fn restarts(container: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rules = list(&container["restartPolicyRules"]);
    let at = path.child("restartPolicy");
    let policy = &container["restartPolicy"];
    let supported = ["Always", "Never", "OnFailure"];
    match policy.as_str() {
        None if rules.is_empty() => return,
        None => errors.push(FieldError::required(
            &at,
            "must specify restartPolicy when restart rules are used",
        )),
        Some(found) if !supported.contains(&found) => {
            errors.push(unsupported(&at, policy, &supported));
        }
        Some(_) => {}
    }
    let at = path.child("restartPolicyRules");
    if rules.len() > RULES_MAX {
        errors.push(too_many(&at, rules.len(), RULES_MAX));
    }
    for (index, rule) in rules.iter().enumerate() {
        restart_rule(rule, &at.index(index), errors);
    }
}

fn restart_rule(rule: &Value, path: &Path<'_>, errors: &mut Errors) {
    let supported = ["Restart", "RestartAllContainers"];
    let action = text(rule, "action");
    if !supported.contains(&action) {
        let at = path.child("action");
        errors.push(unsupported(&at, &action.into(), &supported));
    }
    let at = path.child("exitCodes");
    let codes = &rule["exitCodes"];
    if codes.is_null() {
        errors.push(FieldError::required(&at, "must be specified"));
        return;
    }
    let supported = ["In", "NotIn"];
    let operator = text(codes, "operator");
    if !supported.contains(&operator) {
        let at = at.child("operator");
        errors.push(unsupported(&at, &operator.into(), &supported));
    }
    let values = list(&codes["values"]);
    if values.len() > VALUES_MAX {
        errors.push(too_many(&at.child("values"), values.len(), VALUES_MAX));
    }
}

/// Whether what is mounted below a mount is read only, too.
pub(crate) fn recursive_read_only(mount: &Value, path: &Path<'_>, errors: &mut Errors) {
    let found = &mount["recursiveReadOnly"];
    match found.as_str() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if mount["readOnly"] != true {
                let why = "may only be specified when readOnly is true";
                errors.push(FieldError::forbidden(path, why));
            }
            if !matches!(mount["mountPropagation"].as_str(), None | Some("None")) {
                let why = "may only be specified when mountPropagation is None or not specified";
                errors.push(FieldError::forbidden(path, why));
            }
        }
        Some(_) => {
            let supported = ["Disabled", "Enabled", "IfPossible"];
            errors.push(unsupported(path, found, &supported));
        }
    }
}
