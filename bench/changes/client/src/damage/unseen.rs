//! Damage that no definition sees, so that the API server keeps it and the gateway has to live with it.

use serde_json::{Value, json};

/// Specs of routes.
pub(super) fn routes(gateway: &str) -> Vec<Value> {
    let parents = json!([{"name": gateway}]);
    let rule = |rule: Value| json!({"parentRefs": parents, "hostnames": ["unseen.example.com"], "rules": [rule]});
    let path = |value: &str| {
        rule(json!({"matches": [{"path": {"type": "RegularExpression", "value": value}}]}))
    };
    let backend = |reference: Value| rule(json!({"backendRefs": [reference]}));
    let parent =
        |parents: Value| json!({"parentRefs": parents, "hostnames": ["unseen.example.com"]});
    vec![
        path("(a)\\1"),
        path("a{999999}"),
        path("(?P<n>"),
        path("\\xZZ"),
        path("((((((((((a{99}){99}){99}){99}))))))"),
        rule(
            json!({"matches": [{"headers": [{"name": "x", "type": "RegularExpression", "value": "(?<!x)"}]}]}),
        ),
        rule(
            json!({"matches": [{"queryParams": [{"name": "q", "type": "RegularExpression", "value": "[z-a]"}]}]}),
        ),
        backend(json!({"name": "missing", "port": 80, "weight": 0})),
        backend(json!({"name": "kubernetes", "port": 9})),
        backend(json!({"group": "tidegate.dev", "kind": "Backend", "name": "bad-backend-6"})),
        backend(
            json!({"group": "tidegate.dev", "kind": "Backend", "name": "green", "namespace": "kube-public"}),
        ),
        rule(json!({"filters": [{"type": "RequestMirror",
            "requestMirror": {"backendRef": {"group": "x.dev", "kind": "Nothing", "name": "none"}}}]})),
        parent(json!([{"name": gateway, "sectionName": "https", "port": 1}])),
        parent(json!([{"group": "x.dev", "kind": "Mesh", "name": "mesh"}])),
        parent(
            json!([{"name": gateway, "sectionName": "http"}, {"name": gateway, "sectionName": "none"}]),
        ),
    ]
}

/// Specs of Gateways.
pub(super) fn gateways() -> Vec<Value> {
    let all = |listeners: Value| json!({"gatewayClassName": "tidegate", "listeners": listeners});
    let secure = |reference: Value| {
        all(
            json!([{"name": "a", "port": 8443, "protocol": "HTTPS", "tls": {"certificateRefs": [reference]}}]),
        )
    };
    let with = |field: &str, value: Value| {
        let mut spec = all(json!([{"name": "a", "port": 80, "protocol": "HTTP"}]));
        spec[field] = value;
        spec
    };
    vec![
        secure(json!({"name": "no-key"})),
        secure(json!({"name": "any", "namespace": "kube-system"})),
        secure(json!({"group": "x.dev", "kind": "Vault", "name": "any"})),
        all(json!([{"name": "a", "port": 9000, "protocol": "TCP"}])),
        all(json!([{"name": "a", "port": 9000, "protocol": "UDP"}])),
        all(
            json!([{"name": "a", "port": 8443, "protocol": "TLS", "tls": {"mode": "Passthrough"}}]),
        ),
        all(
            json!([{"name": "a", "port": 80, "protocol": "HTTP", "allowedRoutes": {"kinds": [{"kind": "Nonsense"}]}}]),
        ),
        all(json!([{"name": "a", "port": 80, "protocol": "HTTP"},
            {"name": "b", "port": 80, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "bad-pem"}]}}])),
        with(
            "addresses",
            json!([{"type": "Hostname", "value": "x.example.com"}]),
        ),
        with(
            "infrastructure",
            json!({"parametersRef": {"group": "x.dev", "kind": "Nothing", "name": "none"}}),
        ),
    ]
}

/// Whole objects.
pub(super) fn others(namespace: &str, gateway: &str) -> Vec<Value> {
    let named = |name: &str| json!({"namespace": namespace, "name": name});
    let policy = |name: &str, kind: &str, group: &str, map: &str| {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy", "metadata": named(name),
            "spec": {"targetRefs": [{"group": group, "kind": kind, "name": "missing"}], "validation":
                {"hostname": "x.example.com", "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": map}]}}
        })
    };
    vec![
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": named("no-key"), "data": {"tls.crt": "YQ=="}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": named("no-authority"), "data": {"ca.crt": "none"}}),
        policy("bad-policy-authority", "Service", "", "no-authority"),
        policy("bad-policy-kind", "Nothing", "x.dev", "missing"),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "FQDN",
            "metadata": {"namespace": namespace, "name": "bad-slice", "labels": {"kubernetes.io/service-name": "missing"}},
            "endpoints": [{"addresses": ["x.example.com"]}], "ports": [{"name": "a", "port": 1}]}),
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "ListenerSet", "metadata": named("bad-set-refused"),
            "spec": {"parentRef": {"name": gateway}, "listeners": [{"name": "a", "port": 81, "protocol": "HTTP"}]}}),
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "bad-class"},
            "spec": {"controllerName": "tidegate.dev/gateway-controller",
                "parametersRef": {"group": "x.dev", "kind": "Nothing", "name": "none"}}}),
    ]
}
