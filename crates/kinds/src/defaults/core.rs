//! Defaults of the core group, without pods.

use super::{Defaults, Given, items, set, set_missing};
use crate::view::{int, list, map, remove, text};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

pub(super) const ALL: &[Defaults] = &[
    Defaults {
        of: "core.v1.Secret",
        set: &[("type", Given::Text("Opaque"))],
        then: Some(secret),
    },
    Defaults::function("core.v1.Namespace", namespace),
    Defaults::constants(
        "core.v1.NamespaceStatus",
        &[("phase", Given::Text("Active"))],
    ),
    Defaults::constants(
        "core.v1.PersistentVolumeClaimSpec",
        &[("volumeMode", Given::Text("Filesystem"))],
    ),
    Defaults::constants(
        "core.v1.PersistentVolumeClaimStatus",
        &[("phase", Given::Text("Pending"))],
    ),
    Defaults::function("core.v1.PersistentVolume", |volume| {
        set(&mut volume["status"], "phase", false, || "Pending".into());
        let spec = &mut volume["spec"];
        let policy = "persistentVolumeReclaimPolicy";
        set(spec, policy, false, || "Retain".into());
        set_missing(spec, "volumeMode", || "Filesystem".into());
    }),
    Defaults::function("core.v1.ReplicationController", |controller| {
        let labels = controller["spec"]["template"]["metadata"]["labels"].clone();
        if map(&labels).is_empty() {
            return;
        }
        if map(&controller["spec"]["selector"]).is_empty() {
            controller["spec"]["selector"] = labels.clone();
        }
        if map(&controller["metadata"]["labels"]).is_empty() {
            controller["metadata"]["labels"] = labels;
        }
    }),
    Defaults::function("core.v1.NodeSpec", |spec| {
        // The older field wins where both are there.
        let one = text(spec, "podCIDR");
        if !one.is_empty() && spec["podCIDRs"][0] != one {
            spec["podCIDRs"] = json!([spec["podCIDR"]]);
        } else if one.is_empty() && spec["podCIDRs"][0].is_string() {
            spec["podCIDR"] = spec["podCIDRs"][0].clone();
        }
    }),
    Defaults::function("core.v1.NodeStatus", |status| {
        if status["allocatable"].is_null() && !status["capacity"].is_null() {
            status["allocatable"] = status["capacity"].clone();
        }
    }),
    Defaults::function("core.v1.LimitRangeItem", limit_range_item),
    Defaults::function("core.v1.EndpointSubset", |subset| {
        items(subset, "ports").for_each(|port| set(port, "protocol", false, || "TCP".into()));
    }),
    Defaults::constants(
        "core.v1.ObjectFieldSelector",
        &[("apiVersion", Given::Text("v1"))],
    ),
    Defaults {
        of: "core.v1.ServiceSpec",
        set: &[
            ("sessionAffinity", Given::Text("None")),
            ("type", Given::Text("ClusterIP")),
        ],
        then: Some(service_spec),
    },
    Defaults::function("core.v1.Service", |service| {
        if text(&service["spec"], "type") == "LoadBalancer" {
            let ingress = &mut service["status"]["loadBalancer"];
            items(ingress, "ingress")
                .filter(|ingress| !text(ingress, "ip").is_empty())
                .for_each(|ingress| {
                    set_missing(ingress, "ipMode", || "VIP".into());
                });
        }
    }),
];

/// `stringData` becomes `data`.
fn secret(secret: &mut Value) {
    let Some(plain) = secret
        .as_object_mut()
        .and_then(|fields| fields.remove("stringData"))
    else {
        return;
    };
    set_missing(secret, "data", || json!({}));
    for (key, value) in map(&plain) {
        let encoded = STANDARD.encode(value.as_str().unwrap_or_default());
        secret["data"][key] = encoded.into();
    }
    if map(&secret["data"]).is_empty() {
        remove(secret, "data");
    }
}

pub(crate) fn namespace(namespace: &mut Value) {
    let name = namespace["metadata"]["name"].clone();
    if name.as_str().is_some_and(|name| !name.is_empty()) {
        set_missing(&mut namespace["metadata"], "labels", || json!({}));
        namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
    }
}

fn limit_range_item(item: &mut Value) {
    if text(item, "type") != "Container" {
        return;
    }
    for (from, to) in [
        ("max", "default"),
        ("default", "defaultRequest"),
        ("min", "defaultRequest"),
    ] {
        for (name, amount) in map(&item[from].clone()) {
            set_missing(item, to, || json!({}));
            set_missing(&mut item[to], name, || amount.clone());
        }
    }
}

/// Reached from outside the cluster.
pub(crate) fn is_external(spec: &Value) -> bool {
    match text(spec, "type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !list(&spec["externalIPs"]).is_empty(),
        _ => false,
    }
}

fn service_spec(spec: &mut Value) {
    match text(spec, "sessionAffinity") {
        "None" => {
            remove(spec, "sessionAffinityConfig");
        }
        "ClientIP" if spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].is_null() => {
            spec["sessionAffinityConfig"] = json!({ "clientIP": { "timeoutSeconds": 10800 } });
        }
        _ => {}
    }
    for port in items(spec, "ports") {
        set(port, "protocol", false, || "TCP".into());
        let number = int(port, "port");
        set(port, "targetPort", false, || number.into());
    }
    if is_external(spec) {
        set(spec, "externalTrafficPolicy", false, || "Cluster".into());
    }
    if matches!(
        text(spec, "type"),
        "NodePort" | "LoadBalancer" | "ClusterIP"
    ) {
        set_missing(spec, "internalTrafficPolicy", || "Cluster".into());
    }
    if text(spec, "type") == "ExternalName" {
        remove(spec, "internalTrafficPolicy");
    }
    if text(spec, "type") == "LoadBalancer" {
        set_missing(spec, "allocateLoadBalancerNodePorts", || true.into());
    }
}
