//! Fields that objects can be selected by, beside their name and namespace.

use crate::{
    kind::Kind,
    view::{int, is_true, text},
};
use serde_json::Value;

const POD: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
    "spec.host",
];
const EVENT: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];
const NEW_EVENT: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "regarding.apiVersion",
    "regarding.resourceVersion",
    "regarding.fieldPath",
    "reason",
    "reportingController",
    "type",
];

/// The fields of a kind's objects.
pub(crate) fn labels(kind: &Kind) -> &'static [&'static str] {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => POD,
        ("", "Event") => EVENT,
        ("events.k8s.io", "Event") => NEW_EVENT,
        ("", "Node") => &["metadata.name", "spec.unschedulable"],
        ("", "Namespace") => &["metadata.name", "status.phase"],
        ("", "Secret") => &["metadata.name", "metadata.namespace", "type"],
        ("", "Service") => &[
            "metadata.name",
            "metadata.namespace",
            "spec.clusterIP",
            "spec.type",
        ],
        ("", "ReplicationController") => {
            &["metadata.name", "metadata.namespace", "status.replicas"]
        }
        ("batch", "Job") => &["metadata.name", "metadata.namespace", "status.successful"],
        _ => &["metadata.name", "metadata.namespace"],
    }
}

/// What is said of a field that objects of a kind can't be selected by.
pub(crate) fn unknown(kind: &Kind, label: &str) -> String {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("batch", "Job") => format!("field label {label:?} not supported for Job"),
        ("" | "events.k8s.io", "Event")
        | ("", "Pod" | "Node" | "Namespace" | "Secret" | "Service" | "ReplicationController") => {
            format!("field label not supported: {label}")
        }
        _ => {
            format!(
                "{label:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            )
        }
    }
}

/// The value of a field; nothing for one that isn't known.
pub(crate) fn value(kind: &Kind, object: &Value, label: &str) -> Option<String> {
    if !labels(kind).contains(&label) {
        return None;
    }
    let value = match label {
        "spec.hostNetwork" | "spec.unschedulable" => {
            is_true(&object["spec"], &label[5..]).to_string()
        }
        "status.podIP" | "status.podIPs" => object["status"]["podIPs"][0]["ip"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        "spec.host" => text(&object["spec"], "nodeName").to_owned(),
        "status.replicas" => int(&object["status"], "replicas").to_string(),
        "status.successful" => int(&object["status"], "succeeded").to_string(),
        "source" => {
            let component = text(&object["source"], "component");
            let component = if component.is_empty() {
                text(object, "reportingComponent")
            } else {
                component
            };
            component.to_owned()
        }
        path => path
            .split('.')
            .fold(object, |value, step| &value[step])
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    };
    Some(value)
}
