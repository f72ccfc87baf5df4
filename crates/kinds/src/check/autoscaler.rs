//! Checks of HorizontalPodAutoscaler, in both versions.

use super::{Errors, container::resource_name, words::form};
use crate::{
    decode,
    meta::{dns1123_label_errors, name_is_path_segment},
    view::{int, list, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

pub(crate) fn autoscaler(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let most = int(spec, "maxReplicas");
    let least = spec["minReplicas"].as_i64();
    if let Some(least) = least.filter(|least| *least < 0) {
        let why = "must be greater than or equal to 0";
        errors.declare(FieldError::invalid(
            &path.child("minReplicas"),
            &least.into(),
            why,
        ));
    }
    let at = path.child("maxReplicas");
    if most == 0 {
        errors.declare(FieldError::required(&at, ""));
    } else if most < 0 {
        errors.declare(FieldError::invalid(
            &at,
            &most.into(),
            "must be greater than or equal to 1",
        ));
    }
    if least.is_some_and(|least| most < least) {
        errors.push(FieldError::invalid(
            &at,
            &most.into(),
            "must be greater than or equal to `minReplicas`",
        ));
    }
    let target = path.child("scaleTargetRef");
    // The one kind of the core group that can be scaled.
    let in_core = text(&spec["scaleTargetRef"], "kind") == "ReplicationController";
    reference(&spec["scaleTargetRef"], in_core, &target, errors);
    metrics(spec, &path.child("metrics"), errors);
    super::scaling::behavior(&spec["behavior"], &path.child("behavior"), errors);
}

/// Which object is meant; of an object that is measured, the core group too.
fn reference(reference: &Value, core: bool, path: &Path<'_>, errors: &mut Errors) {
    for name in ["kind", "name"] {
        segment(text(reference, name), &path.child(name), errors);
    }
    let version = text(reference, "apiVersion");
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let why = match version.matches('/').count() {
        0 | 1 if core || !group.is_empty() => return,
        0 | 1 => "apiVersion must specify API group".to_owned(),
        _ => format!("unexpected GroupVersion string: {version}"),
    };
    errors.push(FieldError::invalid(
        &path.child("apiVersion"),
        &version.into(),
        why,
    ));
}

fn metrics(spec: &Value, metrics: &Path<'_>, errors: &mut Errors) {
    for (index, metric) in list(&spec["metrics"]).iter().enumerate() {
        metric_source(metric, &metrics.index(index), errors);
    }
    let outside = |metric: &Value| matches!(text(metric, "type"), "Object" | "External");
    if spec["minReplicas"] == 0 && !list(&spec["metrics"]).iter().any(outside) {
        let why = "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.push(FieldError::forbidden(metrics, why));
    }
    if let Some(percent) = spec["targetCPUUtilizationPercentage"]
        .as_i64()
        .filter(|percent| *percent < 1)
    {
        let at = metrics.index(0);
        let resource = at.child("resource");
        let target = resource.child("target");
        let why = "must be greater than 0";
        errors.push(FieldError::invalid(
            &target.child("averageUtilization"),
            &percent.into(),
            why,
        ));
    }
}

fn segment(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if value.is_empty() {
        errors.push(FieldError::required(path, ""));
    }
    let found = name_is_path_segment(value, false).into_iter();
    errors.extend(found.map(|why| FieldError::invalid(path, &value.into(), why)));
}

const SOURCES: &[(&str, &str)] = &[
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];

/// In the order in which sources are looked at.
const LOOKED_AT: &[&str] = &[
    "object",
    "external",
    "pods",
    "resource",
    "containerResource",
];

fn metric_source(metric: &Value, path: &Path<'_>, errors: &mut Errors) {
    let kind = text(metric, "type");
    let known = SOURCES.iter().find(|(known, _)| *known == kind);
    let at = path.child("type");
    if kind.is_empty() {
        let why = "must specify a metric source type";
        errors.push(FieldError::required(&at, why));
    }
    if known.is_none() {
        let kinds: Vec<&str> = SOURCES.iter().map(|(kind, _)| *kind).collect();
        errors.push(super::words::unsupported(&at, &kind.into(), &kinds));
    }
    let present = || LOOKED_AT.iter().filter(|name| !metric[**name].is_null());
    if let Some(first) = present().next() {
        source(first, &metric[*first], &path.child(first), errors);
    }
    if let Some((_, expected)) = known
        && metric[*expected].is_null()
    {
        let why = "must populate information for the given metric source";
        errors.push(FieldError::required(&path.child(expected), why));
    }
    if present().count() > 1 {
        let expected = known.map(|(_, field)| *field);
        for other in present().filter(|name| Some(**name) != expected) {
            let why = "must populate the given metric source only";
            errors.push(FieldError::forbidden(&path.child(other), why));
        }
    }
}

fn source(field: &str, source: &Value, path: &Path<'_>, errors: &mut Errors) {
    match field {
        "resource" | "containerResource" => {
            let name = path.child("name");
            match text(source, "name") {
                "" => errors.push(FieldError::required(&name, "must specify a resource name")),
                found if field == "containerResource" => resource_name(found, &name, errors),
                _ => {}
            }
        }
        _ => {
            if field == "object" {
                let at = path.child("describedObject");
                reference(&source["describedObject"], true, &at, errors);
            }
            let metric = path.child("metric");
            let name = metric.child("name");
            match text(&source["metric"], "name") {
                "" => errors.push(FieldError::required(&name, "must specify a metric name")),
                found => form(found, path_segment, &name, errors),
            }
        }
    }
    if field == "containerResource" {
        let at = path.child("container");
        match text(source, "container") {
            "" => errors.push(FieldError::required(&at, "must specify a container")),
            found => form(found, dns1123_label_errors, &at, errors),
        }
    }
    metric_target(field, &source["target"], &path.child("target"), errors);
}

fn path_segment(text: &str) -> Vec<String> {
    name_is_path_segment(text, false)
}

fn metric_target(field: &str, target: &Value, here: &Path<'_>, errors: &mut Errors) {
    if text(target, "type").is_empty() {
        errors.push(FieldError::required(
            &here.child("type"),
            "must specify a metric target type",
        ));
    }
    match text(target, "type") {
        "Utilization" | "Value" | "AverageValue" => {}
        other => {
            let why = "must be either Utilization, Value, or AverageValue";
            errors.push(FieldError::invalid(&here.child("type"), &other.into(), why));
        }
    }
    for name in ["value", "averageValue"] {
        let amount = target[name]
            .as_str()
            .and_then(|text| decode::quantity(text).ok());
        if amount.is_some_and(|amount| amount.sign() <= 0) {
            errors.push(FieldError::invalid(
                &here.child(name),
                &target[name],
                "must be positive",
            ));
        }
    }
    if let Some(percent) = target["averageUtilization"]
        .as_i64()
        .filter(|percent| *percent < 1)
    {
        errors.push(FieldError::invalid(
            &here.child("averageUtilization"),
            &percent.into(),
            "must be greater than 0",
        ));
    }
    target_fits(field, target, here, errors);
}

/// Each kind of source has targets of its own.
fn target_fits(source: &str, target: &Value, path: &Path<'_>, errors: &mut Errors) {
    let has = |name: &str| !target[name].is_null();
    let (missing, needed, why) = match source {
        "pods" => (
            !has("averageValue"),
            "averageValue",
            "must specify a positive target averageValue",
        ),
        "object" => {
            let why = "must set either a target value or averageValue";
            (!has("value") && !has("averageValue"), "averageValue", why)
        }
        "external" => {
            let why = "must set either a target value for metric or a per-pod target";
            (!has("value") && !has("averageValue"), "averageValue", why)
        }
        _ => {
            let why = "must set either a target raw value or a target utilization";
            (
                !has("averageUtilization") && !has("averageValue"),
                "averageUtilization",
                why,
            )
        }
    };
    if missing {
        errors.push(FieldError::required(&path.child(needed), why));
    }
    if source == "external" && has("value") && has("averageValue") {
        let why = "may not set both a target value for metric and a per-pod target";
        errors.push(FieldError::forbidden(&path.child("value"), why));
    }
    if matches!(source, "resource" | "containerResource")
        && has("averageUtilization")
        && has("averageValue")
    {
        let why = "may not set both a target raw value and a target utilization";
        errors.push(FieldError::forbidden(&path.child("averageValue"), why));
    }
}
