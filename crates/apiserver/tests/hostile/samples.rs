//! Real objects of many kinds, to be mutated, and one that nothing may harm.

use crate::http::Client;
use serde_json::{Value, json};

/// Nobody else writes here.
const KEPT: &str = "/api/v1/namespaces/kube-node-lease/configmaps";

/// A collection and a good object of it, in each line.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let lines = include_str!("samples.jsonl").lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a sample"))
        .collect()
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
