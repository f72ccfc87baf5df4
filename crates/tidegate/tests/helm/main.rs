//! Helm against `tidegate up`: a chart is installed, upgraded, rolled back and removed.
//!
//! Helm is built from Go modules, which takes minutes the first time; therefore `make helm` runs this, and `make test`
//! doesn't.

mod helm;

use self::helm::Helm;
use serde_json::{Value, json};

/// What the chart makes, in the namespace `harbor`.
const KINDS: &[&str] = &[
    "api/v1/namespaces/harbor/serviceaccounts",
    "api/v1/namespaces/harbor/configmaps",
    "api/v1/namespaces/harbor/services",
    "apis/apps/v1/namespaces/harbor/deployments",
    "apis/autoscaling/v2/namespaces/harbor/horizontalpodautoscalers",
    "apis/networking.k8s.io/v1/namespaces/harbor/ingresses",
    "apis/helm.example.org/v1/namespaces/harbor/boats",
];

/// The kinds of which there is an object `pier`.
fn there(helm: &Helm) -> Vec<&'static str> {
    let kinds = KINDS.iter().copied();
    kinds
        .filter(|kind| helm.get(&format!("/{kind}/pier")).is_some())
        .collect()
}

fn field(helm: &Helm, path: &str, pointer: &str) -> Value {
    let object = helm.get(path).expect("an object");
    object.pointer(pointer).cloned().unwrap_or_default()
}

#[test]
#[ignore = "builds Helm: run by `make helm`"]
fn a_chart_lives_and_dies() {
    let helm = Helm::start();
    let deployment = "/apis/apps/v1/namespaces/harbor/deployments/pier";
    let config = "/api/v1/namespaces/harbor/configmaps/pier";

    let printed = helm.run(&["install", "pier", "CHART", "--create-namespace"]);
    assert!(
        printed.contains("STATUS: deployed") && printed.contains("ahoy, pier!"),
        "{printed}"
    );
    assert!(printed.contains("There are ingresses."), "{printed}");
    assert_eq!(there(&helm), KINDS);
    assert_eq!(field(&helm, deployment, "/spec/replicas"), json!(2));
    let boat = "/apis/helm.example.org/v1/namespaces/harbor/boats/pier";
    assert_eq!(
        field(&helm, boat, "/spec"),
        json!({ "berth": "A1", "oars": 2 })
    );

    let upgrade = [
        "upgrade",
        "pier",
        "CHART",
        "--set",
        "replicas=3,greeting=hi,ingress=false,image=example/harbor:2",
    ];
    let printed = helm.run(&upgrade);
    assert!(printed.contains("REVISION: 2"), "{printed}");
    assert_eq!(field(&helm, deployment, "/spec/replicas"), json!(3));
    assert_eq!(
        field(&helm, deployment, "/spec/template/spec/containers/0/image"),
        json!("example/harbor:2")
    );
    assert_eq!(field(&helm, config, "/data/greeting"), json!("hi"));
    assert_eq!(there(&helm).len(), KINDS.len() - 1, "the ingress is gone");

    let printed = helm.fail(&["upgrade", "pier", "CHART", "--set", "replicas=-1"]);
    assert!(
        printed.contains("spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        "{printed}"
    );
    assert_eq!(field(&helm, deployment, "/spec/replicas"), json!(3));

    let printed = helm.run(&["rollback", "pier", "1"]);
    assert!(printed.contains("Rollback was a success"), "{printed}");
    assert_eq!(field(&helm, deployment, "/spec/replicas"), json!(2));
    assert_eq!(field(&helm, config, "/data/greeting"), json!("ahoy"));
    assert_eq!(there(&helm), KINDS);

    let history: Value =
        serde_json::from_str(&helm.run(&["history", "pier", "-o", "json"])).expect("JSON");
    let states: Vec<&str> = history
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["status"].as_str())
        .collect();
    assert_eq!(states, ["superseded", "superseded", "failed", "deployed"]);

    let printed = helm.run(&["uninstall", "pier"]);
    assert!(
        printed.contains("release \"pier\" uninstalled"),
        "{printed}"
    );
    assert_eq!(there(&helm), [""; 0]);
    let crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.helm.example.org";
    assert!(helm.get(crd).is_some(), "Helm leaves definitions");
}
