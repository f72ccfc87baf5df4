//! Checks of Ingress and IngressClass.

use super::{
    Errors, meta_create, meta_update, net,
    words::{declared_required, form, immutable, one_of, port, required},
};
use crate::{
    meta::{
        dns1123_label_errors, dns1123_subdomain_errors, name_is_path_segment, name_is_subdomain,
        port_name_errors, too_long, wildcard_subdomain_errors,
    },
    view::{int, list, map, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const CLASS: &str = "kubernetes.io/ingress.class";

pub(crate) fn ingress(object: &Value, errors: &mut Errors) {
    spec(object, errors);
    let class = object["metadata"]["annotations"][CLASS].as_str();
    if let (Some(old_way), Some(new_way)) = (class, object["spec"]["ingressClassName"].as_str())
        && old_way != new_way
    {
        let annotations = Path::ROOT.child("annotations");
        let why = "must match `ingressClassName` when both are specified";
        errors.push(FieldError::invalid(
            &annotations.child(CLASS),
            &old_way.into(),
            why,
        ));
    }
}

pub(crate) fn ingress_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    meta_create(new, true, name_is_subdomain, errors);
    spec(new, errors);
}

fn spec(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let rules = list(&spec["rules"]);
    let default = &spec["defaultBackend"];
    if rules.is_empty() && default.is_null() {
        let why = "either `defaultBackend` or `rules` must be specified";
        errors.push(FieldError::invalid(&path, &spec["rules"], why));
    }
    if !default.is_null() {
        backend(default, &path.child("defaultBackend"), errors);
    }
    let at = path.child("rules");
    for (index, one) in rules.iter().enumerate() {
        rule(one, &at.index(index), errors);
    }
    let at = path.child("tls");
    for (index, one) in list(&spec["tls"]).iter().enumerate() {
        tls(one, &at.index(index), errors);
    }
    if let Some(class) = spec["ingressClassName"].as_str() {
        form(
            class,
            dns1123_subdomain_errors,
            &path.child("ingressClassName"),
            errors,
        );
    }
}

fn host(host: &str, path: &Path<'_>, errors: &mut Errors) {
    let check = if host.contains('*') {
        wildcard_subdomain_errors
    } else {
        dns1123_subdomain_errors
    };
    form(host, check, path, errors);
}

fn tls(tls: &Value, path: &Path<'_>, errors: &mut Errors) {
    let hosts = path.child("hosts");
    for (index, name) in list(&tls["hosts"]).iter().enumerate() {
        host(
            name.as_str().unwrap_or_default(),
            &hosts.index(index),
            errors,
        );
    }
    let secret = text(tls, "secretName");
    if !secret.is_empty() {
        form(
            secret,
            dns1123_subdomain_errors,
            &path.child("secretName"),
            errors,
        );
    }
}

fn rule(rule: &Value, path: &Path<'_>, errors: &mut Errors) {
    let name = text(rule, "host");
    if !name.is_empty() {
        if net::parse(name).is_some() {
            let why = "must be a DNS name, not an IP address";
            errors.push(FieldError::invalid(&path.child("host"), &name.into(), why));
        }
        host(name, &path.child("host"), errors);
    }
    if rule["http"].is_null() {
        return;
    }
    let http = path.child("http");
    let at = http.child("paths");
    let paths = list(&rule["http"]["paths"]);
    if paths.is_empty() {
        errors.push(FieldError::required(&at, ""));
    }
    for (index, one) in paths.iter().enumerate() {
        http_path(one, &at.index(index), errors);
    }
}

const BAD_PARTS: &[&str] = &["//", "/./", "/../", "%2f", "%2F"];
const BAD_ENDS: &[&str] = &["/..", "/."];

fn http_path(one: &Value, path: &Path<'_>, errors: &mut Errors) {
    let value = text(one, "path");
    let mut invalid =
        |why: String| errors.push(FieldError::invalid(&path.child("path"), &value.into(), why));
    let absolute = value.starts_with('/');
    match one["pathType"].as_str() {
        None => {
            errors.push(FieldError::required(
                &path.child("pathType"),
                "pathType must be specified",
            ));
            return;
        }
        Some("Exact" | "Prefix") => {
            if !absolute {
                invalid("must be an absolute path".to_owned());
            }
            for bad in BAD_PARTS.iter().filter(|bad| value.contains(**bad)) {
                invalid(format!("must not contain '{bad}'"));
            }
            for bad in BAD_ENDS.iter().filter(|bad| value.ends_with(**bad)) {
                invalid(format!("cannot end with '{bad}'"));
            }
        }
        Some("ImplementationSpecific") if !value.is_empty() && !absolute => {
            invalid("must be an absolute path".to_owned());
        }
        Some("ImplementationSpecific") => {}
        Some(_) => one_of(
            one,
            "pathType",
            &["Exact", "ImplementationSpecific", "Prefix"],
            path,
            errors,
        ),
    }
    backend(&one["backend"], &path.child("backend"), errors);
}

fn backend(backend: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (resource, service) = (&backend["resource"], &backend["service"]);
    match (resource.is_null(), service.is_null()) {
        (false, false) => {
            let why = "cannot set both resource and service backends";
            errors.push(FieldError::invalid(path, &"".into(), why));
        }
        (false, true) => reference(resource, &path.child("resource"), errors),
        (true, false) => service_backend(service, path, errors),
        (true, true) => {
            errors.push(FieldError::invalid(
                path,
                &"".into(),
                "resource or service backend is required",
            ));
        }
    }
}

fn service_backend(service: &Value, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("service");
    match text(service, "name") {
        "" => errors.push(FieldError::required(&at.child("name"), "")),
        name => form(name, dns1123_label_errors, &at.child("name"), errors),
    }
    let here = at.child("port");
    match (
        text(&service["port"], "name"),
        int(&service["port"], "number"),
    ) {
        ("", 0) => errors.push(FieldError::required(
            path,
            "port name or number is required",
        )),
        ("", number) => port(number, &here.child("number"), errors),
        (name, 0) => form(name, port_name_errors, &here.child("name"), errors),
        _ => errors.push(FieldError::invalid(
            path,
            &"".into(),
            "cannot set both port name & port number",
        )),
    }
}

fn reference(reference: &Value, path: &Path<'_>, errors: &mut Errors) {
    if let Some(group) = reference["apiGroup"].as_str() {
        form(
            group,
            dns1123_subdomain_errors,
            &path.child("apiGroup"),
            errors,
        );
    }
    for name in ["kind", "name"] {
        if required(reference, name, path, errors) {
            let value = text(reference, name);
            form(
                value,
                |value| name_is_path_segment(value, false),
                &path.child(name),
                errors,
            );
        }
    }
}

pub(crate) fn class(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let controller = text(&object["spec"], "controller");
    let at = path.child("controller");
    if controller.len() > 250 {
        errors.push(too_long(&at, 250));
    }
    domain_path(controller, &at, errors);
    let parameters = &object["spec"]["parameters"];
    if parameters.is_null() {
        return;
    }
    let at = path.child("parameters");
    if let Some(group) = parameters["apiGroup"].as_str() {
        form(
            group,
            dns1123_subdomain_errors,
            &at.child("apiGroup"),
            errors,
        );
    }
    for name in ["kind", "name"] {
        if declared_required(parameters, name, &at, errors) {
            let value = text(parameters, name);
            form(
                value,
                |value| name_is_path_segment(value, false),
                &at.child(name),
                errors,
            );
        }
    }
    let namespace = at.child("namespace");
    match (text(parameters, "scope"), parameters["namespace"].as_str()) {
        ("Namespace", None) => {
            errors.push(FieldError::required(
                &namespace,
                "`parameters.scope` is set to 'Namespace'",
            ));
        }
        ("Namespace", Some(name)) => form(name, dns1123_label_errors, &namespace, errors),
        ("Cluster", Some(_)) => {
            errors.push(FieldError::forbidden(
                &namespace,
                "`parameters.scope` is set to 'Cluster'",
            ));
        }
        ("Cluster", None) => {}
        _ => one_of(parameters, "scope", &["Cluster", "Namespace"], &at, errors),
    }
}

/// `acme.io/foo`.
pub(crate) fn domain_path(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if value.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let Some((host, rest)) = value
        .split_once('/')
        .filter(|(host, rest)| !host.is_empty() && !rest.is_empty())
    else {
        let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        errors.push(FieldError::invalid(path, &value.into(), why));
        return;
    };
    form(host, dns1123_subdomain_errors, path, errors);
    let good = |c: char| c.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:".contains(c);
    if !rest.chars().all(good) {
        let why = r"Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+')";
        errors.push(FieldError::invalid(path, &rest.into(), why));
    }
}

pub(crate) fn class_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    let root = Path::ROOT;
    immutable(
        &new["spec"],
        &old["spec"],
        "controller",
        &root.child("spec"),
        errors,
    );
    meta_create(new, false, name_is_subdomain, errors);
    class(new, errors);
}

pub(crate) fn warn(new: &Value, old: Option<&Value>, warnings: &mut Vec<String>) {
    if old.is_none() && map(&new["metadata"]["annotations"]).contains_key(CLASS) {
        let why = "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead";
        warnings.push(why.to_owned());
    }
}
