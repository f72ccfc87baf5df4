//! Good definitions: what they get by default, and the status that they come to.

use super::{cases, warnings};
use serde_json::{Value, json};
use tidegate_crd::{conditions, default, prepare_create, validate_create};

const NOW: &str = "2026-01-01T00:00:00Z";

/// Conditions by type, without their times: controllers set them in any order.
fn plain(status: &Value) -> Value {
    let mut status = status.clone();
    if let Some(conditions) = status["conditions"].as_array_mut() {
        conditions.sort_by_key(|condition| condition["type"].to_string());
        for condition in conditions {
            condition["lastTransitionTime"] = NOW.into();
        }
    }
    status
}

/// The fields that only the server sets.
fn ours(crd: &Value) -> Value {
    json!({ "spec": crd["spec"], "status": crd["status"], "generation": crd["metadata"]["generation"] })
}

/// Definitions in the order of their creation: `clash-kind` wants the names of `plain`.
const ORDER: [&str; 7] = [
    "plain",
    "cluster",
    "preserve",
    "two-versions",
    "clash-kind",
    "protected",
    "protected-not",
];

#[test]
fn definitions_get_the_defaults_and_the_status_of_kube_apiserver() {
    let cases = cases("good", "stored");
    let mut created: Vec<Value> = Vec::new();
    assert_eq!(cases.len(), ORDER.len());
    for name in ORDER {
        let (_, sent, answer) = cases
            .iter()
            .find(|(case, ..)| case == name)
            .expect("a case");
        let mut crd = sent.clone();
        default(&mut crd);
        prepare_create(&mut crd);
        assert_eq!(validate_create(&crd), [], "{name}");
        assert_eq!(ours(&crd), ours(&answer["created"]), "{name}");
        assert_eq!(
            tidegate_crd::warnings(&crd, None),
            warnings(answer),
            "{name}"
        );
        let others: Vec<&Value> = created.iter().collect();
        crd["status"] = conditions(&crd, &others, NOW);
        assert_eq!(plain(&crd["status"]), plain(&answer["later"]), "{name}");
        let again = conditions(&crd, &others, "2027-01-01T00:00:00Z");
        assert_eq!(
            again, crd["status"],
            "{name}: nothing changes the second time"
        );
        created.push(crd);
    }
}
