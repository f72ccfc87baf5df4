//! Pods and their nodes: bindings, and logs that come from a kubelet.
//!
//! The words of refusals are in the corpus of the differential test; here is what needs a kubelet, or a race.

#[path = "../support/http.rs"]
mod http;
mod kubelet;

use crate::{
    http::{Answer, Client, Protocol},
    kubelet::{Kubelet, LONG},
};
use http_body_util::BodyExt;
use hyper::{Response, body::Incoming};
use serde_json::{Value, json};
use std::time::Duration;
use tidegate_apiserver::{
    Options,
    test::{Server, start_with},
};
use tokio::{task::JoinSet, time::timeout};

/// How long something may take that takes a moment on an idle machine.
const PATIENCE: Duration = Duration::from_secs(30);

const PODS: &str = "/api/v1/namespaces/default/pods";

/// A server with a pod of these containers.
async fn server(change: impl FnOnce(&mut Options), containers: &[&str]) -> (Server, Client) {
    let mut options = Options {
        controllers: false,
        ..Options::default()
    };
    change(&mut options);
    let server = start_with(options).await.expect("a server");
    let client = Client::new(&server, Protocol::Http1);
    let account = json!({ "metadata": { "name": "default" } });
    created(
        &client,
        "/api/v1/namespaces/default/serviceaccounts",
        &account,
    )
    .await;
    let containers: Vec<Value> = containers
        .iter()
        .map(|name| json!({ "name": name, "image": "i" }))
        .collect();
    let pod = json!({ "metadata": { "name": "a" }, "spec": { "containers": containers } });
    created(&client, PODS, &pod).await;
    (server, client)
}

async fn created(client: &Client, path: &str, object: &Value) {
    let answer = client.json("POST", path, object).await;
    assert_eq!(answer.status, 201, "{answer}");
}

fn binding(node: &str) -> Value {
    json!({ "metadata": { "name": "a" }, "target": { "kind": "Node", "name": node } })
}

/// The pod's node is where the kubelet is.
async fn place(client: &Client, kubelet: &Kubelet) {
    created(
        client,
        "/api/v1/nodes",
        &json!({ "metadata": { "name": "n" } }),
    )
    .await;
    let status = json!({ "status": {
        "addresses": [{ "type": "InternalIP", "address": kubelet.address.ip().to_string() }],
        "daemonEndpoints": { "kubeletEndpoint": { "Port": kubelet.address.port() } },
    } });
    let patch = "application/merge-patch+json";
    let path = "/api/v1/nodes/n/status";
    let answer = client.send("PATCH", path, patch, status.to_string()).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{answer}");
    created(client, &format!("{PODS}/a/binding"), &binding("n")).await;
}

async fn log(client: &Client, query: &str) -> Answer {
    let path = format!("{PODS}/a/log{query}");
    client.send("GET", &path, "", "").await.expect("an answer")
}

async fn follow(client: &Client) -> Response<Incoming> {
    let path = format!("{PODS}/a/log?follow=true");
    client.open("GET", &path, "", "").await.expect("an answer")
}

/// The next bytes of an answer; none at its end.
async fn piece(response: &mut Response<Incoming>) -> String {
    let next = timeout(PATIENCE, response.body_mut().frame()).await;
    let Some(frame) = next.expect("something in time") else {
        return String::new();
    };
    let data = frame.expect("a frame").into_data().expect("data");
    String::from_utf8(data.to_vec()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_bindings_wins() {
    let (server, client) = server(|_| {}, &["c"]).await;
    let mut all = JoinSet::new();
    for number in 0..16 {
        let client = client.clone();
        all.spawn(async move {
            let node = format!("n{number}");
            let path = format!("{PODS}/a/binding");
            let answer = client.json("POST", &path, &binding(&node)).await;
            (node, answer.status)
        });
    }
    let answers = all.join_all().await;
    let won: Vec<&str> = answers
        .iter()
        .filter(|(_, status)| *status == 201)
        .map(|(node, _)| node.as_str())
        .collect();
    let refused = answers.iter().filter(|(_, status)| *status == 409).count();
    assert_eq!((won.len(), refused), (1, 15), "{answers:?}");
    let pod = client.json("GET", &format!("{PODS}/a"), &Value::Null).await;
    assert_eq!(pod.json()["spec"]["nodeName"], won[0]);
    server.stop().await;
}

/// As kube-scheduler sends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_binding_comes_in_protobuf() {
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).expect("a short one");
        [&[number << 3 | 2, length], bytes].concat()
    }
    let (server, client) = server(|_| {}, &["c"]).await;
    let types = [field(1, b"v1"), field(2, b"Binding")].concat();
    let target = [field(1, b"Node"), field(3, b"n")].concat();
    let object = [field(1, &field(1, b"a")), field(2, &target)].concat();
    let body = [b"k8s\0".to_vec(), field(1, &types), field(2, &object)].concat();
    let media_type = "application/vnd.kubernetes.protobuf";
    let path = format!("{PODS}/a/binding");
    let answer = client.send("POST", &path, media_type, body).await;
    assert_eq!(answer.expect("an answer").status, 201);
    let pod = client.json("GET", &format!("{PODS}/a"), &Value::Null).await;
    assert_eq!(pod.json()["spec"]["nodeName"], "n");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_a_kubelets() {
    let names = [
        "plain", "missing", "bad", "broken", "moved", "long", "cut", "garbage",
    ];
    let (server, client) = server(|_| {}, &names).await;
    let kubelet = Kubelet::start().await;
    place(&client, &kubelet).await;
    let answer = log(&client, "?container=plain&tailLines=3&timestamps=true&x=y").await;
    assert_eq!(
        (answer.status, answer.content_type.as_str(), &*answer.body),
        (200, "text/plain", &b"log of plain\n"[..])
    );
    let asked = kubelet.asked.lock().expect("no panic").pop().expect("one");
    assert_eq!(
        asked,
        format!(
            "GET /containerLogs/default/a/plain?tailLines=3&timestamps=true HTTP/1.1\r\nhost: {}\r\n\
             user-agent: tidegate\r\n\r\n",
            kubelet.address
        )
    );
    let long = log(&client, "?container=long").await;
    assert_eq!((long.status, long.body.len()), (200, LONG));
    // What has come is what there is, as with kube-apiserver.
    let cut = log(&client, "?container=cut").await;
    assert_eq!((cut.status, &*cut.body), (200, &b"half"[..]));
    let at = format!("Get \"https://{}/containerLogs/default/a", kubelet.address);
    for (name, status, reason, message) in [
        (
            "missing",
            404,
            json!("NotFound"),
            "the server could not find the requested resource ( pods/log a)".to_owned(),
        ),
        (
            "bad",
            400,
            json!("BadRequest"),
            "previous terminated container not found".to_owned(),
        ),
        (
            "broken",
            500,
            json!("InternalError"),
            format!("Internal error occurred: {}", "x".repeat(50_000)),
        ),
        (
            "moved",
            500,
            Value::Null,
            format!("{at}/moved\": redirects forbidden"),
        ),
        (
            "garbage",
            500,
            Value::Null,
            format!("{at}/garbage\": invalid HTTP version parsed"),
        ),
    ] {
        let answer = log(&client, &format!("?container={name}")).await;
        let body = answer.json();
        let told = (answer.status, &body["reason"], body["message"].as_str());
        assert_eq!(told, (status, &reason, Some(message.as_str())), "{name}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_followed() {
    let (server, client) = server(|options| options.limits.watches = 5, &["c"]).await;
    let mut kubelet = Kubelet::start().await;
    place(&client, &kubelet).await;
    let client = Client::new(&server, Protocol::Http2);
    let mut followed = follow(&client).await;
    assert_eq!(piece(&mut followed).await, "first\n");
    kubelet.lines.send("second\n").expect("a follower");
    assert_eq!(piece(&mut followed).await, "second\n");
    // It has a place like a watch: of five, one user gets four.
    let mut others = Vec::new();
    for _ in 0..3 {
        let mut other = follow(&client).await;
        assert_eq!(piece(&mut other).await, "first\n");
        others.push(other);
    }
    assert_eq!(follow(&client).await.status(), 429);
    // A client that goes takes the connection to the kubelet with it.
    drop(others.pop());
    let gone = timeout(PATIENCE, kubelet.gone.recv()).await;
    assert_eq!(gone, Ok(Some(())));
    // So does the server, which waits for nobody's log.
    let stopping = tokio::spawn(server.stop());
    assert_eq!(piece(&mut followed).await, "");
    timeout(PATIENCE, stopping)
        .await
        .expect("an end in time")
        .expect("a clean one");
}
