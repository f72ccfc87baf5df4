//! Many watches, compressed watches, and servers that tell connections to go away.

use std::time::{Duration, Instant};

use http::Request;
use tidegate_client::{Client, ClientOptions, Compression, Purpose, Response};
use tidegate_testcluster::{Cluster, FaultProxy, Options, User};
use tokio::task::JoinSet;

use crate::{
    cluster::{JSON, client, cluster, read_until},
    credentials::from_file,
};

async fn through(cluster: &Cluster, options: ClientOptions) -> (FaultProxy, Client) {
    let proxy = FaultProxy::start(cluster.address()).await.expect("a proxy");
    let file = cluster
        .kubeconfig_via(User::Admin, proxy.address())
        .await
        .expect("a kubeconfig");
    (
        proxy,
        Client::connect(from_file(&file), options)
            .await
            .expect("a client"),
    )
}

async fn watch(client: &Client, namespace: &str) -> Response {
    let path = format!("/api/v1/namespaces/{namespace}/configmaps?watch=1&timeoutSeconds=600");
    let watch = client
        .get(&path, JSON, Purpose::Watch)
        .await
        .expect("a watch");
    assert_eq!(watch.status, 200);
    watch
}

/// Makes a config map and waits until each watch has told of it.
async fn all_hear(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    watches: Vec<Response>,
) -> Vec<Response> {
    let made = cluster
        .kubectl(&["-n", namespace, "create", "configmap", name])
        .await;
    made.expect("a config map");
    let mut hearing = JoinSet::new();
    for mut watch in watches {
        let wanted = format!("\"name\":\"{name}\"");
        hearing.spawn(async move {
            read_until(&mut watch, &wanted).await;
            watch
        });
    }
    hearing.join_all().await
}

#[tokio::test]
async fn hundreds_of_watches_share_few_connections_and_delay_no_call() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("many").await.expect("a namespace");
    let (proxy, client) = through(cluster, ClientOptions::default()).await;
    let began = Instant::now();
    let mut opening = JoinSet::new();
    for _ in 0..250 {
        let (client, namespace) = (client.clone(), namespace.clone());
        opening.spawn(async move { watch(&client, &namespace).await });
    }
    let watches = opening.join_all().await;
    println!(
        "250 watches opened in {:?} on {} connections",
        began.elapsed(),
        proxy.counters().connections
    );
    assert_eq!(proxy.counters().connections, 3); // 90 each

    let began = Instant::now();
    let list = client
        .get("/api/v1/namespaces", JSON, Purpose::List)
        .await
        .expect("a list");
    assert!(list.bytes(10_000_000).await.is_ok());
    println!("a list beside them took {:?}", began.elapsed());
    assert_eq!(proxy.counters().connections, 4);

    let watches = all_hear(cluster, &namespace, "news", watches).await;
    drop(watches);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let _again = watch(&client, &namespace).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let counters = proxy.counters();
    assert_eq!(
        (counters.connections, counters.open),
        (4, 3),
        "of the empty connections one is kept"
    );
}

#[tokio::test]
async fn a_compressed_watch_list_stays_readable() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("gzip").await.expect("a namespace");
    let filler = "The same words again. ".repeat(300);
    let map = |number: usize| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}, namespace: {namespace}}}\ndata: {{a: '{filler}'}}\n"
        )
    };
    cluster
        .apply(&(0..40).map(map).collect::<String>())
        .await
        .expect("config maps");
    let path = format!(
        "/api/v1/namespaces/{namespace}/configmaps?watch=1&sendInitialEvents=true\
         &resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=600"
    );
    let mut sizes = Vec::new();
    for compression in [Compression::Always, Compression::Never] {
        let (proxy, client) = through(
            cluster,
            ClientOptions {
                compression,
                ..ClientOptions::default()
            },
        )
        .await;
        let mut watch = client
            .get(&path, JSON, Purpose::Watch)
            .await
            .expect("a watch");
        let gzipped = watch
            .headers
            .get("content-encoding")
            .is_some_and(|value| value == "gzip");
        assert_eq!(gzipped, compression == Compression::Always);
        let initial = read_until(&mut watch, "k8s.io/initial-events-end").await;
        assert!(
            initial.matches("\"type\":\"ADDED\"").count() >= 40
                && initial.len() > 40 * filler.len()
        );
        for round in 0..5 {
            let name = format!("later-{compression:?}-{round}").to_lowercase();
            cluster
                .kubectl(&["-n", &namespace, "create", "configmap", &name])
                .await
                .expect("a config map");
            read_until(&mut watch, &format!("\"name\":\"{name}\"")).await;
        }
        sizes.push(proxy.counters().bytes_down);
    }
    println!(
        "watch-list: {} bytes compressed, {} plain",
        sizes[0], sizes[1]
    );
    assert!(sizes[0] * 3 < sizes[1]);
}

#[tokio::test]
async fn connections_told_to_go_away_keep_their_streams() {
    let options = Options {
        controller_manager: false,
        apiserver_arguments: vec!["--goaway-chance=0.02".to_owned()],
        ..Options::default()
    };
    let cluster = Cluster::start_with(options).await.expect("a cluster");
    let (proxy, client) = through(&cluster, ClientOptions::default()).await;
    let mut watches = Vec::new();
    for _ in 0..300 {
        watches.push(watch(&client, "default").await);
    }
    let with_watches = proxy.counters();
    println!("300 watches with GOAWAY: {with_watches:?}");
    for _ in 0..500 {
        let answer = client
            .get("/version", JSON, Purpose::Call)
            .await
            .expect("an answer");
        assert!(answer.bytes(10_000).await.is_ok());
    }
    let with_calls = proxy.counters();
    println!("500 calls more: {with_calls:?}");
    // Four for the watches and one for the calls would do. Of 800 requests, one in fifty is answered with GOAWAY: that
    // fewer than two are is one case in half a million.
    assert!(with_calls.connections > 5, "no GOAWAY came");
    all_hear(&cluster, "default", "news", watches).await;
    cluster.stop().await;
}

#[tokio::test]
async fn bulk_reading_is_fast() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("bulk").await.expect("a namespace");
    let client = client(from_file(cluster.kubeconfig())).await;
    let path = format!("/api/v1/namespaces/{namespace}/configmaps");
    let filler = "x".repeat(300_000);
    for number in 0..30 {
        let map = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{number}"}},"data":{{"a":"{filler}"}}}}"#
        );
        let request = Request::post(&path)
            .header("content-type", JSON)
            .body(map.into());
        let response = client
            .send(request.expect("a request"))
            .await
            .expect("an answer");
        assert_eq!(response.status, 201);
    }
    let began = Instant::now();
    let mut list = client
        .get(&path, JSON, Purpose::List)
        .await
        .expect("a list");
    let (mut bytes, mut chunks) = (0, 0);
    while let Some(chunk) = list.chunk().await {
        bytes += chunk.expect("no error").len();
        chunks += 1;
    }
    println!("{bytes} bytes in {chunks} chunks in {:?}", began.elapsed());
    assert!(bytes > 9_000_000);
}
