//! Rows of the small groups' kinds.

use super::{
    Cells, Row,
    words::{plain, selector_text},
};
use crate::view::{int, is_true, list, text};
use serde_json::Value;

pub(super) const ALL: &[(&str, Cells)] = &[
    ("coordination.v1.Lease", |row| {
        vec![
            row.name(),
            text(row.spec(), "holderIdentity").into(),
            row.age(),
        ]
    }),
    ("policy.v1.PodDisruptionBudget", |row| {
        let spec = row.spec();
        let bound = |name: &str| match &spec[name] {
            Value::Null => Value::from("N/A"),
            value => plain(value).into(),
        };
        let allowed = int(row.status(), "disruptionsAllowed");
        vec![
            row.name(),
            bound("minAvailable"),
            bound("maxUnavailable"),
            allowed.into(),
            row.age(),
        ]
    }),
    ("rbac.v1.RoleBinding", binding),
    ("rbac.v1.ClusterRoleBinding", binding),
    ("scheduling.v1.PriorityClass", |row| {
        let class = row.object;
        let (value, default) = (int(class, "value"), is_true(class, "globalDefault"));
        vec![
            row.name(),
            value.into(),
            default.into(),
            row.age(),
            text(class, "preemptionPolicy").into(),
        ]
    }),
    ("storage.v1.StorageClass", |row| {
        let class = row.object;
        vec![
            row.name(),
            text(class, "provisioner").into(),
            class["reclaimPolicy"].as_str().unwrap_or("Delete").into(),
            class["volumeBindingMode"]
                .as_str()
                .unwrap_or("Immediate")
                .into(),
            is_true(class, "allowVolumeExpansion").into(),
            row.age(),
        ]
    }),
    (
        "admissionregistration.v1.ValidatingAdmissionPolicy",
        |row| {
            let kind = &row.spec()["paramKind"];
            let param = match kind {
                Value::Null => "<unset>".to_owned(),
                kind => format!("{}/{}", text(kind, "apiVersion"), text(kind, "kind")),
            };
            vec![
                row.name(),
                list(&row.spec()["validations"]).len().into(),
                param.into(),
                row.age(),
            ]
        },
    ),
    (
        "admissionregistration.v1.ValidatingAdmissionPolicyBinding",
        |row| {
            vec![
                row.name(),
                text(row.spec(), "policyName").into(),
                param(&row.spec()["paramRef"]).into(),
                row.age(),
            ]
        },
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
        definition,
    ),
];

fn binding(row: &Row<'_>) -> Vec<Value> {
    let role = &row.object["roleRef"];
    let subjects = |kind: &str| {
        let all = list(&row.object["subjects"])
            .iter()
            .filter(|subject| text(subject, "kind") == kind);
        let names = all.map(|subject| match kind {
            "ServiceAccount" => format!("{}/{}", text(subject, "namespace"), text(subject, "name")),
            _ => text(subject, "name").to_owned(),
        });
        Value::from(names.collect::<Vec<_>>().join(", "))
    };
    vec![
        row.name(),
        format!("{}/{}", text(role, "kind"), text(role, "name")).into(),
        row.age(),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}

fn param(reference: &Value) -> String {
    match (text(reference, "namespace"), text(reference, "name")) {
        ("", "") if reference["selector"].is_object() => selector_text(&reference["selector"]),
        (_, "") => "<unset>".to_owned(),
        ("", name) => format!("*/{name}"),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}

/// The versions that are served, in order.
fn versions(spec: &Value) -> Vec<String> {
    let served = list(&spec["versions"])
        .iter()
        .filter(|version| is_true(version, "served"));
    let words = served.map(|version| {
        let storage = if is_true(version, "storage") {
            "(storage)"
        } else {
            ""
        };
        format!("{}{storage}", text(version, "name"))
    });
    let mut words: Vec<String> = words.collect();
    words.sort_unstable();
    words
}

fn definition(row: &Row<'_>) -> Vec<Value> {
    let (spec, names) = (row.spec(), &row.spec()["names"]);
    let join = |all: Vec<String>| Value::from(all.join(","));
    let conditions = list(&row.status()["conditions"]).iter();
    let mut established = conditions.filter(|condition| text(condition, "type") == "Established");
    vec![
        row.name(),
        text(spec, "scope").into(),
        join(versions(spec)),
        row.meta()["creationTimestamp"].clone(),
        text(spec, "group").into(),
        text(names, "kind").into(),
        join(list(&names["shortNames"]).iter().map(plain).collect()),
        established
            .any(|condition| text(condition, "status") == "True")
            .into(),
    ]
}
