//! Real objects of many kinds, to be mutated, and one that nothing may harm.

use crate::http::Client;
use serde_json::{Value, json};

/// Nobody else writes here.
const KEPT: &str = "/api/v1/namespaces/kube-node-lease/configmaps";

/// A collection and a good object of it.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let labels = json!({ "app": "web" });
    let template = json!({
        "metadata": { "labels": labels },
        "spec": { "containers": [{ "name": "c", "image": "nginx", "ports": [{ "containerPort": 80 }],
            "env": [{ "name": "A", "value": "b" }], "resources": { "requests": { "cpu": "100m", "memory": "1Gi" } } }] },
    });
    let rule = json!({ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] });
    let schema = json!({ "type": "object", "properties": { "spec": {
        "type": "object",
        "properties": {
            "size": { "type": "integer", "minimum": 1, "default": 3 },
            "when": { "type": "string", "format": "date-time" },
            "parts": { "type": "array", "maxItems": 5, "items": { "type": "object", "required": ["name"],
                "properties": { "name": { "type": "string", "maxLength": 20 }, "n": { "type": "number" } } },
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] },
            "any": { "x-kubernetes-int-or-string": true },
            "open": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
        },
        "x-kubernetes-validations": [{ "rule": "!has(self.size) || self.size < 100", "message": "too big" }],
    } } });
    let object = |version: &str, kind: &str, name: &str, more: Value| {
        let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name, "labels": labels } });
        if name.is_empty() {
            object["metadata"] = json!({});
        }
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            object[key] = value;
        }
        object
    };
    vec![
        (
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            object(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                "wares.example.com",
                json!({ "spec": {
            "group": "example.com", "scope": "Namespaced", "names": { "plural": "wares", "singular": "ware", "kind": "Ware", "listKind": "WareList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "subresources": { "status": {}, "scale": { "specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size" } },
                "additionalPrinterColumns": [{ "name": "Size", "type": "integer", "jsonPath": ".spec.size" }],
                "schema": { "openAPIV3Schema": schema } }] } }),
            ),
        ),
        (
            "/api/v1/namespaces/default/configmaps",
            object(
                "v1",
                "ConfigMap",
                "a",
                json!({ "data": { "k": "v" }, "binaryData": { "b": "AAEC" } }),
            ),
        ),
        (
            "/api/v1/namespaces/default/secrets",
            object(
                "v1",
                "Secret",
                "a",
                json!({ "stringData": { "k": "v" }, "type": "Opaque" }),
            ),
        ),
        (
            "/api/v1/namespaces/default/services",
            object(
                "v1",
                "Service",
                "a",
                json!({ "spec": { "selector": labels, "ports": [{ "port": 80, "targetPort": "http", "name": "x" }] } }),
            ),
        ),
        (
            "/api/v1/namespaces/default/pods",
            object("v1", "Pod", "a", json!({ "spec": template["spec"] })),
        ),
        (
            "/api/v1/namespaces/default/serviceaccounts",
            object("v1", "ServiceAccount", "a", json!({})),
        ),
        (
            "/api/v1/namespaces",
            object("v1", "Namespace", "a", json!({})),
        ),
        (
            "/api/v1/nodes",
            object(
                "v1",
                "Node",
                "a",
                json!({ "spec": { "taints": [{ "key": "k", "effect": "NoSchedule" }] } }),
            ),
        ),
        (
            "/apis/apps/v1/namespaces/default/deployments",
            object(
                "apps/v1",
                "Deployment",
                "a",
                json!({ "spec": { "replicas": 2, "selector": { "matchLabels": labels }, "template": template } }),
            ),
        ),
        (
            "/apis/coordination.k8s.io/v1/namespaces/default/leases",
            object(
                "coordination.k8s.io/v1",
                "Lease",
                "a",
                json!({ "spec": { "holderIdentity": "x", "leaseDurationSeconds": 5 } }),
            ),
        ),
        (
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
            object(
                "discovery.k8s.io/v1",
                "EndpointSlice",
                "a",
                json!({ "addressType": "IPv4", "endpoints": [{ "addresses": ["10.0.0.1"] }], "ports": [{ "port": 80, "name": "x" }] }),
            ),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            object(
                "rbac.authorization.k8s.io/v1",
                "ClusterRole",
                "a",
                json!({ "rules": [rule] }),
            ),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            object(
                "rbac.authorization.k8s.io/v1",
                "RoleBinding",
                "a",
                json!({ "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "a" }, "subjects": [{ "kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io" }] }),
            ),
        ),
        (
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            object(
                "admissionregistration.k8s.io/v1",
                "ValidatingAdmissionPolicy",
                "a",
                json!({ "spec": { "failurePolicy": "Fail", "matchConstraints": { "resourceRules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"] }] }, "validations": [{ "expression": "object.metadata.name != 'forbidden'" }] } }),
            ),
        ),
        (
            "/apis/example.com/v1/namespaces/default/wares",
            object(
                "example.com/v1",
                "Ware",
                "a",
                json!({ "spec": { "size": 5, "when": "2026-01-01T00:00:00Z", "parts": [{ "name": "p", "n": 1.5 }], "any": "x", "open": { "z": [1, { "y": null }] } } }),
            ),
        ),
        (
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            object(
                "authorization.k8s.io/v1",
                "SelfSubjectAccessReview",
                "",
                json!({ "spec": { "resourceAttributes": { "verb": "get", "resource": "pods" } } }),
            ),
        ),
        (
            "/api/v1/namespaces/default/serviceaccounts/a/token",
            object(
                "authentication.k8s.io/v1",
                "TokenRequest",
                "",
                json!({ "spec": { "audiences": [], "expirationSeconds": 600 } }),
            ),
        ),
    ]
}

/// Creates one of each.
pub(crate) async fn create(client: &Client) {
    let account = "/api/v1/namespaces/default/serviceaccounts/default";
    while client.json("GET", account, &Value::Null).await.status != 200 {
        tokio::task::yield_now().await; // pods need it
    }
    for (collection, object) in all() {
        let answer = client.json("POST", collection, &object).await;
        assert!(matches!(answer.status, 200 | 201), "{collection}: {answer}");
    }
    let kept = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "kept" }, "data": { "k": "v" } });
    assert_eq!(client.json("POST", KEPT, &kept).await.status, 201);
}

/// The server still does what servers do.
pub(crate) async fn check(client: &Client) {
    let answer = client
        .json("GET", &format!("{KEPT}/kept"), &Value::Null)
        .await;
    assert_eq!(answer.json()["data"]["k"], "v");
    let fresh = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "fresh" }, "data": { "k": "v" } });
    let answer = client.json("POST", KEPT, &fresh).await;
    assert_eq!(answer.status, 201, "{answer}");
    let answer = client
        .json("DELETE", &format!("{KEPT}/fresh"), &Value::Null)
        .await;
    assert_eq!(answer.status, 200, "{answer}");
}
