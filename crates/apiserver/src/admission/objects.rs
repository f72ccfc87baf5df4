//! What new objects of a few kinds get: finalizers that keep volumes while they are used, the taint of a node that isn't
//! ready yet.

use crate::{call::Call, object::Meta};
use serde_json::{Value, json};

/// Completes a new object.
pub(super) fn complete(call: &Call, object: &mut Value) {
    let resource = &call.resource;
    if !call.info.subresource.is_empty() {
        return;
    }
    let finalizer = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "persistentvolumeclaims") => "kubernetes.io/pvc-protection",
        ("", "persistentvolumes") => "kubernetes.io/pv-protection",
        ("storage.k8s.io", "volumeattributesclasses") => "kubernetes.io/vac-protection",
        ("", "nodes") => return taint(object),
        _ => return,
    };
    let mut finalizers = object.finalizers();
    if !finalizers.iter().any(|name| name == finalizer) {
        finalizers.push(finalizer.to_owned());
        object.set_finalizers(finalizers);
    }
}

fn taint(node: &mut Value) {
    let taint = json!({ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" });
    let same = |found: &Value| found["key"] == taint["key"] && found["effect"] == taint["effect"];
    match node["spec"]["taints"].as_array_mut() {
        Some(taints) if taints.iter().any(same) => {}
        Some(taints) => taints.push(taint),
        None => node["spec"]["taints"] = json!([taint]),
    }
}
