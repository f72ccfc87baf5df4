//! What is there before anyone writes: namespaces, roles, and the server's own service.

use crate::{cluster::Cluster, resource::Resource, services::Addresses};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tidegate_store::WriteError;

/// Namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Stores what is missing. All at once, so that one wait for the disk does for many.
pub(crate) async fn ensure(cluster: &Cluster, controllers: bool) -> Result<(), WriteError> {
    let resources = cluster.registry.now();
    let mut objects: Vec<(String, Value)> = Vec::new();
    let all = NAMESPACES.iter().map(|name| namespace(name));
    let all = all
        .chain(tidegate_access::bootstrap())
        .chain(classes())
        .chain(own_service(cluster));
    for mut object in all {
        if !controllers && !object["aggregationRule"].is_null() {
            // Nobody fills it then.
            object["rules"] = Value::Null;
        }
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let resource = resources.of_kind(text("/apiVersion"), text("/kind"));
        let resource: &Resource =
            resource.expect("invariant: the first objects are of built-in kinds");
        let key = resource.key(text("/metadata/namespace"), text("/metadata/name"));
        objects.push((key, object));
    }
    try_join_all(
        objects
            .into_iter()
            .map(|(key, object)| async move { cluster.ensure(&key, object).await }),
    )
    .await?;
    Ok(())
}

fn namespace(name: &str) -> Value {
    json!({
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": { "name": name, "labels": { "kubernetes.io/metadata.name": name } },
        "spec": { "finalizers": ["kubernetes"] },
        "status": { "phase": "Active" },
    })
}

fn classes() -> [Value; 2] {
    let class = |name: &str, value: u32, description: &str| {
        json!({
            "kind": "PriorityClass",
            "apiVersion": "scheduling.k8s.io/v1",
            "metadata": { "name": name, "generation": 1 },
            "value": value,
            "preemptionPolicy": "PreemptLowerPriority",
            "description": description,
        })
    };
    [
        class(
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
        class(
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
    ]
}

/// `kubernetes.default`, and where it leads.
fn own_service(cluster: &Cluster) -> Vec<Value> {
    let address = Addresses::of_server().to_string();
    let port = cluster.endpoint.address.port();
    let labels = json!({ "component": "apiserver", "provider": "kubernetes" });
    let mut objects = vec![json!({
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": { "name": "kubernetes", "namespace": "default", "labels": labels },
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
            "ports": [{ "name": "https", "protocol": "TCP", "port": 443, "targetPort": port }],
        },
        "status": { "loadBalancer": {} },
    })];
    // Endpoints can't be on loopback; there the service leads nowhere, as on a laptop it must.
    let ip = cluster.endpoint.address.ip();
    if !ip.is_loopback() && !ip.is_unspecified() {
        objects.push(json!({
            "kind": "EndpointSlice",
            "apiVersion": "discovery.k8s.io/v1",
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": { "kubernetes.io/service-name": "kubernetes" },
            },
            "addressType": if ip.is_ipv4() { "IPv4" } else { "IPv6" },
            "endpoints": [{ "addresses": [ip.to_string()], "conditions": { "ready": true } }],
            "ports": [{ "name": "https", "protocol": "TCP", "port": port }],
        }));
    }
    objects
}
