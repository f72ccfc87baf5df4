//! What the server tells of itself at `/metrics`, and to whom.

use crate::{COLLECTION, config_map, eventually, http::Client, http::Protocol, server};
use serde_json::Value;

const WATCHES: &str = r#"apiserver_longrunning_requests{component="apiserver",verb="WATCH"}"#;

/// The value of a series, by its name and labels.
async fn figure(client: &Client, series: &str) -> Option<f64> {
    let answer = client.json("GET", "/metrics", &Value::Null).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(
        answer.content_type,
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = String::from_utf8(answer.body.to_vec()).expect("a text");
    let line = text.lines().find_map(|line| line.strip_prefix(series))?;
    Some(line.trim().parse().expect("a number"))
}

/// How many watches run.
pub(crate) async fn watches(client: &Client) -> Option<f64> {
    figure(client, WATCHES).await
}

/// The series of requests about config maps.
fn requests(code: u16, scope: &str, verb: &str) -> String {
    format!(
        "apiserver_request_total{{code=\"{code}\",component=\"apiserver\",dry_run=\"\",group=\"\",\
         resource=\"configmaps\",scope=\"{scope}\",subresource=\"\",verb=\"{verb}\",version=\"v1\"}}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_objects_and_watches_are_counted() {
    let server = server(|_| ()).await;
    let client = Client::new(&server, Protocol::Http2);
    for name in ["a", "b", "b"] {
        client.json("POST", COLLECTION, &config_map(name, 1)).await;
    }
    client.json("GET", COLLECTION, &Value::Null).await;
    let objects = r#"apiserver_resource_objects{group="",resource="configmaps"}"#;
    for (series, expected) in [
        (requests(201, "resource", "POST"), 2.0),
        (requests(409, "resource", "POST"), 1.0),
        (requests(200, "namespace", "LIST"), 1.0),
        (objects.to_owned(), 2.0),
        (WATCHES.to_owned(), 0.0),
    ] {
        assert_eq!(figure(&client, &series).await, Some(expected), "{series}");
    }
    let path = format!("{COLLECTION}?watch=1");
    let watch = client.open("GET", &path, "", "").await.expect("a watch");
    assert_eq!(figure(&client, WATCHES).await, Some(1.0));
    drop(watch);
    eventually("the watch is counted no more", async || {
        figure(&client, WATCHES).await == Some(0.0)
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_those_who_may_see_them() {
    let server = server(|_| ()).await;
    let mut client = Client::new(&server, Protocol::Http1);
    client.token = "nobody".to_owned();
    let answer = client.json("GET", "/metrics", &Value::Null).await;
    assert_eq!(answer.status, 401, "{answer}");
    let admin = Client::new(&server, Protocol::Http1);
    let account = serde_json::json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "scraper" },
    });
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    admin.json("POST", accounts, &account).await;
    let path = format!("{accounts}/scraper/token");
    let request = serde_json::json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {},
    });
    let token = admin.json("POST", &path, &request).await.json();
    client.token = token["status"]["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let answer = client.json("GET", "/metrics", &Value::Null).await;
    assert_eq!(answer.status, 403, "{answer}");
    let binding = serde_json::json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": { "name": "scraper" },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:monitoring",
        },
        "subjects": [{ "kind": "ServiceAccount", "namespace": "default", "name": "scraper" }],
    });
    let bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    admin.json("POST", bindings, &binding).await;
    assert!(figure(&client, WATCHES).await.is_some());
    server.stop().await;
}
