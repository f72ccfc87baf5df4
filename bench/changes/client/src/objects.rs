//! The objects that are created and changed.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::tls::Identity;

const GATEWAY: &str = "gateway.networking.k8s.io/v1";

/// A Gateway that takes routes of its namespace: a listener for HTTP, and one for HTTPS on the port behind.
pub(crate) fn gateway(namespace: &str, name: &str, class: &str, port: u16, secret: &str) -> Value {
    json!({
        "apiVersion": GATEWAY, "kind": "Gateway",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"gatewayClassName": class, "listeners": [
            {"name": "http", "port": port, "protocol": "HTTP"},
            {"name": "https", "port": port + 1, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": secret}]}}
        ]}
    })
}

/// A certificate and its key.
pub(crate) fn secret(namespace: &str, name: &str, identity: &Identity) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"namespace": namespace, "name": name},
        "stringData": {"tls.crt": identity.certificate_pem, "tls.key": identity.key_pem}
    })
}

/// A route of one host to one backend.
pub(crate) fn route(
    namespace: &str,
    name: &str,
    gateway: &str,
    host: &str,
    backend: &str,
) -> Value {
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
pub(crate) fn backend(namespace: &str, name: &str, addresses: &[SocketAddr]) -> Value {
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

/// A backend of one address that speaks HTTP/2 in clear.
pub(crate) fn http2_backend(namespace: &str, name: &str, address: SocketAddr) -> Value {
    let mut object = backend(namespace, name, &[address]);
    object["spec"]["protocol"] = "HTTP2".into();
    object
}
