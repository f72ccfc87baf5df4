//! Checks of containers.

use super::{
    Errors, container_parts,
    node::{is_native, quantity},
    service::{PROTOCOLS, port_or_name},
    volume::descending_path,
    words::{form, missing_or_one_of, not_negative, one_of, port, repeated, required},
};
use crate::{
    decode,
    meta::{
        config_key_errors, dns1123_label_errors, dns1123_subdomain_errors, env_var_name_errors,
        form_error, port_name_errors, qualified_name_errors,
    },
    view::{int, list, map, text},
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use tidegate_schema::{FieldError, Path};

/// The volumes of a pod, by name.
pub(crate) type Volumes<'v> = HashMap<&'v str, &'v Value>;

/// What all containers must be.
pub(crate) fn common(
    pod: &Value,
    container: &Value,
    volumes: &Volumes<'_>,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if required(container, "name", path, errors) {
        form(
            text(container, "name"),
            dns1123_label_errors,
            &path.child("name"),
            errors,
        );
    }
    required(container, "image", path, errors);
    missing_or_one_of(
        container,
        "terminationMessagePolicy",
        &["File", "FallbackToLogsOnError"],
        path,
        errors,
    );
    ports(container, &path.child("ports"), errors);
    env(container, &path.child("env"), errors);
    env_from(container, &path.child("envFrom"), errors);
    mounts(container, volumes, &path.child("volumeMounts"), errors);
    container_parts::devices(container, volumes, &path.child("volumeDevices"), errors);
    missing_or_one_of(
        container,
        "imagePullPolicy",
        &["Always", "IfNotPresent", "Never"],
        path,
        errors,
    );
    let at = path.child("resources");
    resources(&container["resources"], &at, errors);
    let claims = &container["resources"]["claims"];
    container_parts::claims(pod, claims, &at.child("claims"), errors);
    container_parts::resize_policy(pod, container, &path.child("resizePolicy"), errors);
    security(
        &container["securityContext"],
        &path.child("securityContext"),
        errors,
    );
}

fn ports(container: &Value, path: &Path<'_>, errors: &mut Errors) {
    let mut names = HashSet::new();
    for (index, one) in list(&container["ports"]).iter().enumerate() {
        let at = path.index(index);
        let name = text(one, "name");
        let before = errors.len();
        if !name.is_empty() {
            form(name, port_name_errors, &at.child("name"), errors);
            if names.contains(&name) {
                errors.push(FieldError::duplicate(&at.child("name"), &name.into()));
            } else if errors.len() == before {
                names.insert(name);
            }
        }
        match int(one, "containerPort") {
            0 => errors.push(FieldError::required(&at.child("containerPort"), "")),
            number => port(number, &at.child("containerPort"), errors),
        }
        if int(one, "hostPort") != 0 {
            port(int(one, "hostPort"), &at.child("hostPort"), errors);
        }
        missing_or_one_of(one, "protocol", PROTOCOLS, &at, errors);
    }
}

fn env(container: &Value, path: &Path<'_>, errors: &mut Errors) {
    for (index, one) in list(&container["env"]).iter().enumerate() {
        let at = path.index(index);
        if required(one, "name", &at, errors) {
            form(
                text(one, "name"),
                env_var_name_errors,
                &at.child("name"),
                errors,
            );
        }
        let from = &one["valueFrom"];
        if from.is_null() {
            continue;
        }
        let here = at.child("valueFrom");
        for name in ["configMapKeyRef", "secretKeyRef"]
            .into_iter()
            .filter(|name| !from[*name].is_null())
        {
            let source = here.child(name);
            form(
                text(&from[name], "name"),
                dns1123_subdomain_errors,
                &source.child("name"),
                errors,
            );
            if required(&from[name], "key", &source, errors) {
                form(
                    text(&from[name], "key"),
                    config_key_errors,
                    &source.child("key"),
                    errors,
                );
            }
        }
        for (name, field) in [("fieldRef", "fieldPath"), ("resourceFieldRef", "resource")] {
            if !from[name].is_null()
                && required(&from[name], field, &here.child(name), errors)
                && name == "fieldRef"
            {
                field_path(&from[name], &here.child(name), errors);
            }
        }
        let mut invalid = |why: &str| errors.push(FieldError::invalid(&here, &"".into(), why));
        match map(from).len() {
            0 => invalid(
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            ),
            _ if !text(one, "value").is_empty() => {
                invalid("may not be specified when `value` is not empty")
            }
            1 => {}
            _ => invalid("may not have more than one field specified at a time"),
        }
    }
}

/// A field of the pod: one that there is, and one that a variable can have.
fn field_path(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    const KNOWN: [&str; 6] = [
        "metadata.annotations",
        "metadata.labels",
        "spec.host",
        "spec.restartPolicy",
        "spec.schedulerName",
        "status.phase",
    ];
    const ALLOWED: [&str; 9] = [
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ];
    let field = text(source, "fieldPath");
    let at = path.child("fieldPath");
    let mut unknown = |why: String| {
        let why = format!("error converting fieldPath: {why}");
        errors.push(FieldError::invalid(&at, &field.into(), why));
    };
    let subscript = field
        .strip_suffix("']")
        .and_then(|rest| rest.split_once("['"));
    match subscript {
        _ if text(source, "apiVersion") != "v1" => unknown(format!(
            "unsupported pod version: {}",
            text(source, "apiVersion")
        )),
        Some(("metadata.annotations", key)) => {
            form(&key.to_lowercase(), qualified_name_errors, path, errors);
        }
        Some(("metadata.labels", key)) => form(key, qualified_name_errors, path, errors),
        Some(_) => unknown(format!("field label does not support subscript: {field}")),
        None if ALLOWED.contains(&field) || field == "spec.host" => {}
        None if KNOWN.contains(&field) => {
            errors.push(FieldError::not_supported(&at, &field.into(), &ALLOWED));
        }
        None => unknown(format!("field label not supported: {field}")),
    }
}

fn env_from(container: &Value, path: &Path<'_>, errors: &mut Errors) {
    for (index, one) in list(&container["envFrom"]).iter().enumerate() {
        let at = path.index(index);
        let prefix = text(one, "prefix");
        if !prefix.is_empty() {
            form(prefix, env_var_name_errors, &at.child("prefix"), errors);
        }
        let sources = ["configMapRef", "secretRef"]
            .into_iter()
            .filter(|name| !one[*name].is_null());
        let mut count = 0;
        for name in sources {
            count += 1;
            required(&one[name], "name", &at.child(name), errors);
        }
        if count == 0 {
            let why = "must specify one of: `configMapRef` or `secretRef`";
            errors.push(FieldError::invalid(path, &"".into(), why));
        } else if count > 1 {
            let why = "may not have more than one field specified at a time";
            errors.push(FieldError::invalid(path, &"".into(), why));
        }
    }
}

fn mounts(container: &Value, volumes: &Volumes<'_>, path: &Path<'_>, errors: &mut Errors) {
    let all = list(&container["volumeMounts"]);
    let again = repeated(all.iter().map(|one| text(one, "mountPath")));
    let devices = container_parts::Named::of(&container["volumeDevices"], "devicePath");
    for (index, mount) in all.iter().enumerate() {
        let at = path.index(index);
        let name = text(mount, "name");
        required(mount, "name", &at, errors);
        if !volumes.contains_key(name) {
            errors.push(FieldError::not_found(&at.child("name"), &name.into()));
        }
        required(mount, "mountPath", &at, errors);
        let target = text(mount, "mountPath");
        if again[index] {
            errors.push(FieldError::invalid(
                &at.child("mountPath"),
                &target.into(),
                "must be unique",
            ));
        }
        container_parts::not_a_device(&devices, mount, &at, errors);
        let (sub, expression) = (text(mount, "subPath"), text(mount, "subPathExpr"));
        if !sub.is_empty() {
            descending_path(sub, &path.child("subPath"), errors);
        }
        if !expression.is_empty() {
            if !sub.is_empty() {
                let why = "subPathExpr and subPath are mutually exclusive";
                errors.push(FieldError::invalid(
                    &at.child("subPathExpr"),
                    &expression.into(),
                    why,
                ));
            }
            descending_path(expression, &path.child("subPathExpr"), errors);
        }
        container_parts::recursive_read_only(mount, &path.child("recursiveReadOnly"), errors);
    }
}

/// Resources that are known, but aren't of containers.
const KNOWN: &[&str] = &[
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];
const STANDARD: &[&str] = &["cpu", "memory", "ephemeral-storage"];

/// A resource of Kubernetes', or one with a domain.
pub(crate) fn known_resource(name: &str, path: &Path<'_>, errors: &mut Errors) {
    let before = errors.len();
    form(name, qualified_name_errors, path, errors);
    let huge = name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
    let known = STANDARD.contains(&name) || KNOWN.contains(&name) || huge;
    if errors.len() == before && !name.contains('/') && !known {
        let why = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path, &name.into(), why));
    }
}

/// A resource that a container may have.
pub(crate) fn resource_name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    known_resource(name, path, errors);
    let mut invalid = |why: &str| errors.push(FieldError::invalid(path, &name.into(), why));
    if !name.contains('/') {
        if !STANDARD.contains(&name) && !name.starts_with("hugepages-") {
            invalid("must be a standard resource for containers");
        }
    } else if !is_native(name) && name.starts_with("requests.") {
        invalid("doesn't follow extended resource name standard");
    }
}

/// What is asked for, and what is allowed.
fn resources(resources: &Value, path: &Path<'_>, errors: &mut Errors) {
    let limits = path.child("limits");
    for (name, amount) in map(&resources["limits"]) {
        resource_name(name, &limits.key(name), errors);
        quantity(name, amount, &limits.key(name), errors);
    }
    let requests = path.child("requests");
    for (name, amount) in map(&resources["requests"]) {
        resource_name(name, &requests.key(name), errors);
        quantity(name, amount, &requests.key(name), errors);
        let parsed = |value: &Value| value.as_str().and_then(|text| decode::quantity(text).ok());
        let limit = &resources["limits"][name.as_str()];
        let (Some(request), Some(most)) = (parsed(amount), parsed(limit)) else {
            if !overcommits(name) && limit.is_null() {
                let why = "Limit must be set for non overcommitable resources";
                errors.push(FieldError::required(&limits, why));
            }
            continue;
        };
        let limit = limit.as_str().unwrap_or_default();
        let differs = most.is_less(&request) || request.is_less(&most);
        if differs && !overcommits(name) {
            let why = format!("must be equal to {name} limit of {limit}");
            errors.push(FieldError::invalid(&requests, amount, why));
        } else if most.is_less(&request) {
            let why = format!("must be less than or equal to {name} limit of {limit}");
            errors.push(FieldError::invalid(&requests, amount, why));
        }
    }
}

/// More may be promised of it than there is.
fn overcommits(name: &str) -> bool {
    is_native(name) && !name.starts_with("hugepages-")
}

fn security(context: &Value, path: &Path<'_>, errors: &mut Errors) {
    for name in ["runAsUser", "runAsGroup"] {
        user(context, name, path, errors);
    }
    if context["privileged"] == true && context["allowPrivilegeEscalation"] == false {
        let why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        errors.push(FieldError::invalid(path, &Value::Null, why));
    }
}

/// The number of a user or group.
pub(crate) fn user(context: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    if context[name]
        .as_i64()
        .is_some_and(|id| !(0..=i64::from(i32::MAX)).contains(&id))
    {
        let why = "must be between 0 and 2147483647, inclusive";
        errors.push(FieldError::invalid(&path.child(name), &context[name], why));
    }
}

const HANDLERS: &[&str] = &["exec", "httpGet", "tcpSocket", "grpc", "sleep"];

/// A probe or a hook: one action.
pub(crate) fn handler(handler: &Value, path: &Path<'_>, errors: &mut Errors) {
    let mut found = HANDLERS.iter().filter(|name| !handler[**name].is_null());
    let Some(first) = found.next() else {
        errors.push(FieldError::required(path, "must specify a handler type"));
        return;
    };
    let (action, at) = (&handler[*first], path.child(first));
    match *first {
        "exec" if list(&action["command"]).is_empty() => {
            errors.push(FieldError::required(&at.child("command"), ""))
        }
        "httpGet" => {
            required(action, "path", &at, errors);
            port_or_name(&action["port"], &at.child("port"), errors);
            one_of(action, "scheme", &["HTTP", "HTTPS"], &at, errors);
            for header in list(&action["httpHeaders"]) {
                form(
                    text(header, "name"),
                    header_name_errors,
                    &at.child("httpHeaders"),
                    errors,
                );
            }
        }
        "tcpSocket" | "grpc" => port_or_name(&action["port"], &at.child("port"), errors),
        _ => {}
    }
    for name in found {
        errors.push(FieldError::forbidden(
            &path.child(name),
            "may not specify more than 1 handler type",
        ));
    }
}

fn header_name_errors(name: &str) -> Vec<String> {
    if !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Vec::new();
    }
    let words = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![form_error(words, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// The probes and hooks of a container that lives as long as the pod.
pub(crate) fn probes(container: &Value, path: &Path<'_>, errors: &mut Errors) {
    let lifecycle = path.child("lifecycle");
    for name in ["postStart", "preStop"]
        .into_iter()
        .filter(|name| !container["lifecycle"][*name].is_null())
    {
        handler(
            &container["lifecycle"][name],
            &lifecycle.child(name),
            errors,
        );
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let (probe, at) = (&container[name], path.child(name));
        if probe.is_null() {
            continue;
        }
        handler(probe, &at, errors);
        for count in [
            "initialDelaySeconds",
            "timeoutSeconds",
            "periodSeconds",
            "successThreshold",
            "failureThreshold",
        ] {
            not_negative(probe, count, &at, errors);
        }
        let grace = "terminationGracePeriodSeconds";
        if name == "readinessProbe" && !probe[grace].is_null() {
            let why = "must not be set for readinessProbes";
            errors.push(FieldError::invalid(&at.child(grace), &probe[grace], why));
        } else if probe[grace].as_i64().is_some_and(|seconds| seconds <= 0) {
            errors.push(FieldError::invalid(
                &at.child(grace),
                &probe[grace],
                "must be greater than 0",
            ));
        }
        if name != "readinessProbe" && int(probe, "successThreshold") != 1 {
            errors.push(FieldError::invalid(
                &at.child("successThreshold"),
                &probe["successThreshold"],
                "must be 1",
            ));
        }
    }
}
