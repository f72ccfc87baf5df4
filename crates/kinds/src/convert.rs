//! The same object in another version: events of both groups, autoscalers of both versions.

use crate::view::{list, remove, text};
use serde_json::{Value, json};

/// Turns an object of one version into one of another. False for versions that don't differ but in their name: there is
/// no more to do.
pub(crate) fn convert(object: &mut Value, from: &str, to: &str) -> bool {
    match (from, to) {
        ("io.k8s.api.events.v1.Event", "io.k8s.api.core.v1.Event") => {
            rename(object, EVENT.iter().map(|(core, events)| (*events, *core)));
        }
        ("io.k8s.api.core.v1.Event", "io.k8s.api.events.v1.Event") => {
            rename(object, EVENT.iter().copied());
        }
        (
            "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
            "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
        ) => {
            autoscaler_to_v2(object);
        }
        (
            "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
            "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
        ) => {
            autoscaler_to_v1(object);
        }
        _ => return false,
    }
    true
}

/// What events call the same thing: in the core group, in their own.
const EVENT: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn rename(object: &mut Value, names: impl Iterator<Item = (&'static str, &'static str)>) {
    for (from, to) in names {
        if let Some(value) = remove(object, from) {
            object[to] = value;
        }
    }
}

const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

fn is_cpu(metric: &Value) -> bool {
    let target = &metric["resource"]["target"];
    text(metric, "type") == "Resource"
        && metric["resource"]["name"] == "cpu"
        && !target["averageUtilization"].is_null()
}

/// Version 1 has a target for the processors and no other; what else there is stands in annotations.
fn autoscaler_to_v1(object: &mut Value) {
    if let Some(metrics) = remove(&mut object["spec"], "metrics")
        && let Some(cpu) = list(&metrics).iter().find(|metric| is_cpu(metric))
    {
        object["spec"]["targetCPUUtilizationPercentage"] =
            cpu["resource"]["target"]["averageUtilization"].clone();
    }
    if let Some(behavior) = remove(&mut object["spec"], "behavior") {
        if !object["metadata"]["annotations"].is_object() {
            object["metadata"]["annotations"] = json!({});
        }
        object["metadata"]["annotations"][BEHAVIOR] = behavior.to_string().into();
    }
    if !object["status"].is_object() {
        return;
    }
    let status = &mut object["status"];
    let current = remove(status, "currentMetrics").unwrap_or_default();
    let cpu = list(&current)
        .iter()
        .find(|metric| metric["resource"]["name"] == "cpu");
    if let Some(cpu) = cpu
        .map(|metric| &metric["resource"]["current"]["averageUtilization"])
        .filter(|cpu| !cpu.is_null())
    {
        status["currentCPUUtilizationPercentage"] = cpu.clone();
    }
    remove(status, "conditions");
    for name in ["currentReplicas", "desiredReplicas"] {
        if status[name].is_null() {
            status[name] = 0.into();
        }
    }
}

fn autoscaler_to_v2(object: &mut Value) {
    let target =
        remove(&mut object["spec"], "targetCPUUtilizationPercentage").unwrap_or_else(|| 80.into());
    let target = json!({ "type": "Utilization", "averageUtilization": target });
    object["spec"]["metrics"] =
        json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]);
    let behavior = object
        .pointer_mut("/metadata/annotations")
        .and_then(|annotations| remove(annotations, BEHAVIOR));
    if let Some(behavior) =
        behavior.and_then(|text| serde_json::from_str::<Value>(text.as_str()?).ok())
    {
        object["spec"]["behavior"] = behavior;
    }
    if !object["status"].is_object() {
        return;
    }
    let status = &mut object["status"];
    status["currentMetrics"] = match remove(status, "currentCPUUtilizationPercentage") {
        Some(cpu) => json!([{ "type": "Resource", "resource": {
            "name": "cpu", "current": { "averageUtilization": cpu, "averageValue": "0" } } }]),
        None => Value::Null,
    };
    if status["desiredReplicas"].is_null() {
        status["desiredReplicas"] = 0.into();
    }
}
