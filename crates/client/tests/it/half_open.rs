//! Connections that die without a word, and with one.

use std::time::{Duration, Instant};

use tidegate_client::{Client, ClientOptions, Purpose, Response};
use tidegate_testcluster::{FaultProxy, User};
use tokio::task::JoinSet;

use crate::{
    cluster::{JSON, cluster},
    credentials::from_file,
};

async fn behind_proxy() -> (FaultProxy, Client) {
    let cluster = cluster().await;
    let proxy = FaultProxy::start(cluster.address()).await.expect("a proxy");
    let file = cluster
        .kubeconfig_via(User::Admin, proxy.address())
        .await
        .expect("a kubeconfig");
    let options = ClientOptions {
        connect_timeout: Duration::from_secs(2),
        ..ClientOptions::default()
    };
    let client = Client::connect(from_file(&file), options)
        .await
        .expect("a client");
    (proxy, client)
}

/// Idle watches: nothing matches, so nothing comes but bookmarks.
async fn watches(client: &Client, count: usize) -> Vec<Response> {
    let path = "/api/v1/namespaces/none/configmaps?watch=1&timeoutSeconds=600";
    let mut watches = Vec::new();
    for _ in 0..count {
        let watch = client
            .get(path, JSON, Purpose::Watch)
            .await
            .expect("a watch");
        assert_eq!(watch.status, 200);
        watches.push(watch);
    }
    watches
}

/// How long it takes until all of them have failed.
async fn until_failed(watches: Vec<Response>) -> Duration {
    let began = Instant::now();
    let mut all = JoinSet::new();
    for mut watch in watches {
        all.spawn(async move {
            while let Some(chunk) = watch.chunk().await {
                if chunk.is_err() {
                    return true;
                }
            }
            false
        });
    }
    assert!(
        all.join_all().await.into_iter().all(|failed| failed),
        "a dead connection is not a proper end"
    );
    began.elapsed()
}

#[tokio::test]
async fn silence_ends_all_streams_in_ten_seconds() {
    let (proxy, client) = behind_proxy().await;
    let watches = watches(&client, 20).await;
    tokio::time::sleep(Duration::from_secs(12)).await; // idle but alive: pings are answered
    proxy.stall();
    let took = tokio::time::timeout(Duration::from_secs(20), until_failed(watches))
        .await
        .expect("an end");
    println!("silence noticed after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    let began = Instant::now();
    client
        .get("/version", JSON, Purpose::Watch)
        .await
        .expect_err("still silent");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "a new connection was tried, not the dead one"
    );
    proxy.resume();
    assert_eq!(
        client
            .get("/version", JSON, Purpose::Watch)
            .await
            .expect("an answer")
            .status,
        200
    );
}

#[tokio::test]
async fn a_reset_ends_all_streams_at_once() {
    let (proxy, client) = behind_proxy().await;
    let watches = watches(&client, 20).await;
    assert_eq!(
        client
            .get("/version", JSON, Purpose::Call)
            .await
            .expect("an answer")
            .status,
        200
    );
    proxy.cut();
    let took = until_failed(watches).await;
    println!("reset noticed after {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    for purpose in [Purpose::Watch, Purpose::Call, Purpose::List] {
        assert_eq!(
            client
                .get("/version", JSON, purpose)
                .await
                .expect("an answer")
                .status,
            200
        );
    }
}
