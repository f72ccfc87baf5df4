//! Defaults of the small groups.

use super::{Defaults, Given, set, set_missing};
use crate::view::{list, text};
use serde_json::{Value, json};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) const ALL: &[Defaults] = &[
    Defaults::constants(
        "admissionregistration.v1.MatchResources",
        &[
            ("matchPolicy", Given::Text("Equivalent")),
            ("namespaceSelector", Given::Empty),
            ("objectSelector", Given::Empty),
        ],
    ),
    Defaults::constants(
        "admissionregistration.v1.ValidatingAdmissionPolicySpec",
        &[("failurePolicy", Given::Text("Fail"))],
    ),
    Defaults::constants(
        "admissionregistration.v1.NamedRuleWithOperations",
        &[("scope", Given::Text("*"))],
    ),
    Defaults::constants(
        "authentication.v1.TokenRequestSpec",
        &[("expirationSeconds", Given::Int(3600))],
    ),
    Defaults::constants(
        "autoscaling.v1.HorizontalPodAutoscalerSpec",
        &[
            ("minReplicas", Given::Int(1)),
            ("targetCPUUtilizationPercentage", Given::Int(80)),
        ],
    ),
    Defaults {
        of: "autoscaling.v2.HorizontalPodAutoscalerSpec",
        set: &[("minReplicas", Given::Int(1))],
        then: Some(autoscaler),
    },
    Defaults::constants(
        "discovery.v1.EndpointPort",
        &[("name", Given::Text("")), ("protocol", Given::Text("TCP"))],
    ),
    Defaults::constants(
        "networking.v1.NetworkPolicyPort",
        &[("protocol", Given::Text("TCP"))],
    ),
    Defaults::function("networking.v1.NetworkPolicySpec", |spec| {
        if list(&spec["policyTypes"]).is_empty() {
            let egress = !list(&spec["egress"]).is_empty();
            spec["policyTypes"] = if egress {
                json!(["Ingress", "Egress"])
            } else {
                json!(["Ingress"])
            };
        }
    }),
    Defaults::constants(
        "networking.v1.IngressClassParametersReference",
        &[("scope", Given::Text("Cluster"))],
    ),
    Defaults::constants("rbac.v1.RoleRef", &[("apiGroup", Given::Text(RBAC))]),
    Defaults::function("rbac.v1.Subject", |subject| {
        if matches!(text(subject, "kind"), "User" | "Group") {
            set(subject, "apiGroup", false, || RBAC.into());
        }
    }),
    Defaults::constants(
        "scheduling.v1.PriorityClass",
        &[("preemptionPolicy", Given::Text("PreemptLowerPriority"))],
    ),
    Defaults::constants(
        "storage.v1.StorageClass",
        &[
            ("reclaimPolicy", Given::Text("Delete")),
            ("volumeBindingMode", Given::Text("Immediate")),
        ],
    ),
];

fn autoscaler(spec: &mut Value) {
    if list(&spec["metrics"]).is_empty() {
        let target = json!({ "type": "Utilization", "averageUtilization": 80 });
        spec["metrics"] =
            json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]);
    }
    let behavior = &mut spec["behavior"];
    if behavior.is_null() {
        spec.as_object_mut()
            .and_then(|spec| spec.remove("behavior"));
        return;
    }
    let policy =
        |kind: &str, value: i64| json!({ "type": kind, "value": value, "periodSeconds": 15 });
    let up = json!({
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [policy("Pods", 4), policy("Percent", 100)],
    });
    let down = json!({ "selectPolicy": "Max", "policies": [policy("Percent", 100)] });
    for (name, rules) in [("scaleUp", up), ("scaleDown", down)] {
        set_missing(behavior, name, || json!({}));
        for field in ["stabilizationWindowSeconds", "selectPolicy", "policies"] {
            if let Some(default) = rules.get(field) {
                set_missing(&mut behavior[name], field, || default.clone());
            }
        }
    }
}
