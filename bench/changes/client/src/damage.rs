//! Objects that are wrong, one kind of damage each. None of them may harm any other object's traffic.

mod unseen;

use serde_json::{Value, json};

const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";

/// All kinds of damage.
pub(crate) fn all(namespace: &str, gateway: &str) -> Vec<Value> {
    let mut objects: Vec<Value> = routes(gateway)
        .into_iter()
        .chain(unseen::routes(gateway))
        .enumerate()
        .map(|(index, spec)| {
            object(
                namespace,
                GATEWAY_API,
                "HTTPRoute",
                &format!("bad-route-{index}"),
                spec,
            )
        })
        .collect();
    let gateways = listeners().into_iter().chain(unseen::gateways());
    objects.extend(gateways.enumerate().map(|(index, spec)| {
        object(
            namespace,
            GATEWAY_API,
            "Gateway",
            &format!("bad-gateway-{index}"),
            spec,
        )
    }));
    objects.extend(backends().into_iter().enumerate().map(|(index, spec)| {
        object(
            namespace,
            "tidegate.dev/v1alpha1",
            "Backend",
            &format!("bad-backend-{index}"),
            spec,
        )
    }));
    objects.extend(others(namespace));
    objects.extend(unseen::others(namespace, gateway));
    objects
}

fn object(namespace: &str, version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": version, "kind": kind,
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec
    })
}

/// Specs of routes.
fn routes(gateway: &str) -> Vec<Value> {
    let parents = json!([{"name": gateway}]);
    let mut specs = parents_and_hosts(gateway, &parents);
    specs.extend(rules().into_iter().map(
        |rule| json!({"parentRefs": parents, "hostnames": ["bad.example.com"], "rules": [rule]}),
    ));
    specs
}

/// Wrong parents and hosts.
fn parents_and_hosts(gateway: &str, parents: &Value) -> Vec<Value> {
    vec![
        json!({}),
        json!({"parentRefs": []}),
        json!({"parentRefs": [{"name": "missing"}]}),
        json!({"parentRefs": [{"name": gateway, "sectionName": "missing"}]}),
        json!({"parentRefs": [{"name": gateway, "port": 1}]}),
        json!({"parentRefs": [{"name": gateway, "kind": "Service", "group": ""}]}),
        json!({"parentRefs": [{"name": gateway, "namespace": "missing"}]}),
        json!({"parentRefs": [{"name": gateway}, {"name": gateway}]}),
        json!({"parentRefs": parents, "hostnames": ["*.*.example.com"]}),
        json!({"parentRefs": parents, "hostnames": ["10.0.0.1"]}),
        json!({"parentRefs": parents, "hostnames": ["UPPER.example.com"]}),
        json!({"parentRefs": parents, "hostnames": ["a..b"]}),
    ]
}

/// Rules with wrong matches, filters, backends and times.
fn rules() -> Vec<Value> {
    let path =
        |kind: &str, value: &str| json!({"matches": [{"path": {"type": kind, "value": value}}]});
    let filter = |filter: Value| json!({"filters": [filter]});
    let backend = |reference: Value| json!({"backendRefs": [reference]});
    vec![
        path("RegularExpression", "("),
        path("RegularExpression", "[a-"),
        path("RegularExpression", "(a{1000}){1000}"),
        path("RegularExpression", "\\p{Nonsense}"),
        path("RegularExpression", "(?=look)"),
        path("Exact", "no-slash"),
        path("Exact", "/a/../b"),
        path("PathPrefix", "//double"),
        path("PathPrefix", "/%2e%2e"),
        json!({"matches": [{"headers": [{"name": "x", "type": "RegularExpression", "value": "*"}]}]}),
        json!({"matches": [{"headers": [{"name": "sp ace", "value": "x"}]}]}),
        json!({"matches": [{"queryParams": [{"name": "q", "type": "RegularExpression", "value": "+"}]}]}),
        json!({"matches": [{"method": "INVALID"}]}),
        filter(json!({"type": "RequestHeaderModifier"})),
        filter(
            json!({"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x", "value": "a\r\nb: c"}]}}),
        ),
        filter(
            json!({"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "content-length", "value": "9"}]}}),
        ),
        filter(json!({"type": "RequestRedirect", "requestRedirect": {"statusCode": 399}})),
        filter(json!({"type": "RequestRedirect", "requestRedirect": {"hostname": "a b"}})),
        filter(
            json!({"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "x"}}}),
        ),
        filter(
            json!({"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "missing", "port": 80}}}),
        ),
        filter(
            json!({"type": "ExtensionRef", "extensionRef": {"group": "x.dev", "kind": "Nothing", "name": "none"}}),
        ),
        filter(json!({"type": "Unknown"})),
        backend(json!({"name": "missing", "port": 80})),
        backend(json!({"name": "missing"})),
        backend(json!({"name": "missing", "kind": "Unknown", "group": "x.dev", "port": 80})),
        backend(json!({"name": "missing", "namespace": "kube-system", "port": 80})),
        backend(
            json!({"name": "missing", "group": "tidegate.dev", "kind": "Backend", "weight": -1}),
        ),
        backend(
            json!({"name": "missing", "group": "tidegate.dev", "kind": "Backend", "weight": 2_000_000}),
        ),
        json!({"timeouts": {"request": "forever"}}),
        json!({"timeouts": {"request": "1s", "backendRequest": "2s"}}),
        json!({"timeouts": {"request": "-1s"}}),
    ]
}

/// Specs of Gateways.
fn listeners() -> Vec<Value> {
    let with = |listener: Value| json!({"gatewayClassName": "tidegate", "listeners": [listener]});
    vec![
        json!({"gatewayClassName": "tidegate", "listeners": []}),
        json!({"gatewayClassName": "missing", "listeners": [{"name": "a", "port": 80, "protocol": "HTTP"}]}),
        with(json!({"name": "a", "port": 0, "protocol": "HTTP"})),
        with(json!({"name": "a", "port": 80, "protocol": "NONSENSE"})),
        with(json!({"name": "a", "port": 8443, "protocol": "HTTPS"})),
        with(
            json!({"name": "a", "port": 8443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "missing"}]}}),
        ),
        with(
            json!({"name": "a", "port": 8443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "bad-pem"}]}}),
        ),
        with(json!({"name": "a", "port": 8080, "protocol": "HTTP", "hostname": "*."})),
        json!({"gatewayClassName": "tidegate", "addresses": [{"type": "IPAddress", "value": "999.1.1.1"}],
            "listeners": [{"name": "a", "port": 80, "protocol": "HTTP"}]}),
        json!({"gatewayClassName": "tidegate", "listeners": [
            {"name": "a", "port": 80, "protocol": "HTTP"}, {"name": "b", "port": 80, "protocol": "HTTP"}]}),
    ]
}

/// Specs of Backends.
fn backends() -> Vec<Value> {
    vec![
        json!({}),
        json!({"endpoints": []}),
        json!({"endpoints": [{"host": "", "port": 80}]}),
        json!({"endpoints": [{"host": "no such host", "port": 80}]}),
        json!({"endpoints": [{"host": "127.0.0.1", "port": 0}]}),
        json!({"endpoints": [{"host": "127.0.0.1", "port": 70_000}]}),
        json!({"endpoints": [{"host": "does-not-exist.invalid", "port": 80}]}),
        json!({"endpoints": "text"}),
    ]
}

/// Objects beside.
fn others(namespace: &str) -> Vec<Value> {
    vec![
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"namespace": namespace, "name": "bad-pem"},
            "data": {"tls.crt": "bm90IGEgY2VydGlmaWNhdGU=", "tls.key": "bm90IGEga2V5"}
        }),
        object(
            namespace,
            GATEWAY_API,
            "BackendTLSPolicy",
            "bad-policy",
            json!({
                "targetRefs": [{"group": "", "kind": "Service", "name": "missing"}],
                "validation": {"hostname": "x.example.com", "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "missing"}]}
            }),
        ),
        object(
            namespace,
            GATEWAY_API,
            "ListenerSet",
            "bad-set",
            json!({
                "parentRef": {"name": "missing"}, "listeners": [{"name": "a", "port": 80, "protocol": "HTTP"}]
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn there_are_more_than_fifty_kinds_with_names_of_their_own() {
        let objects = all("shop", "main");
        let mut names: Vec<String> = objects
            .iter()
            .map(|one| format!("{}/{}", one["kind"], one["metadata"]["name"]))
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), objects.len());
        assert!(names.len() >= 50, "{}", names.len());
    }
}
