//! The objects that are created and changed.

use std::net::SocketAddr;

use serde_json::{Value, json};

const GATEWAY: &str = "gateway.networking.k8s.io/v1";

/// A Gateway with one listener for HTTP that takes routes of its namespace.
pub fn gateway(namespace: &str, name: &str, class: &str, port: u16) -> Value {
    json!({
        "apiVersion": GATEWAY, "kind": "Gateway",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"gatewayClassName": class, "listeners": [{"name": "http", "port": port, "protocol": "HTTP"}]}
    })
}

/// A route of one host to one backend.
pub fn route(namespace: &str, name: &str, gateway: &str, host: &str, backend: &str) -> Value {
    json!({
        "apiVersion": GATEWAY, "kind": "HTTPRoute",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "parentRefs": [{"name": gateway}],
            "hostnames": [host],
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"group": "tidegate.dev", "kind": "Backend", "name": backend}]
            }]
        }
    })
}

/// A backend of addresses.
pub fn backend(namespace: &str, name: &str, addresses: &[SocketAddr]) -> Value {
    let endpoints: Vec<Value> = addresses
        .iter()
        .map(|address| json!({"host": address.ip().to_string(), "port": address.port()}))
        .collect();
    json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "Backend",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"endpoints": endpoints}
    })
}
