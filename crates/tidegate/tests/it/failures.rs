//! What goes wrong at a real API server, and what the user is told: forbidden, missing, refused, away.

use crate::process::{Running, finish, tidegate};
use std::time::Duration;
use tidegate_testcluster::{Cluster, User};

async fn cluster() -> &'static Cluster {
    Cluster::shared().await.expect("a cluster")
}

#[tokio::test]
async fn nothing_that_may_be_watched_is_an_error() {
    let cluster = cluster().await;
    let finished = finish(&mut tidegate(
        cluster.kubeconfig_of(User::Nobody),
        &["watch", "pods", "svc"],
    ));
    assert_eq!(finished.code, Some(1), "{finished:?}");
    for resource in ["pods", "services"] {
        let words = format!(
            "Error from server (Forbidden): {resource} is forbidden: User \"nobody\" cannot"
        );
        assert_eq!(finished.stderr.matches(&words).count(), 1, "{finished:?}");
    }
    assert_eq!(finished.stderr.lines().count(), 2, "{finished:?}");
}

#[tokio::test]
async fn one_forbidden_resource_does_not_hold_up_the_others() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("forbidden").await.expect("a namespace");
    // The role `view` shows no Secrets.
    let watch = Running::start(&mut tidegate(
        cluster.kubeconfig_of(User::Viewer),
        &["watch", "secrets,configmaps", "-n", &namespace],
    ));
    assert!(
        watch
            .complaint("Forbidden")
            .contains("secrets is forbidden: User \"viewer\" cannot")
    );
    watch.line_with("SYNCED   configmaps");

    let arguments = [
        "watch",
        "secrets,configmaps",
        "-n",
        &namespace,
        "--until-synced",
        "-o",
        "name",
    ];
    let finished = finish(&mut tidegate(
        cluster.kubeconfig_of(User::Viewer),
        &arguments,
    ));
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(
        finished.stdout, "configmap/kube-root-ca.crt\n",
        "the others are shown whole"
    );
    assert!(
        finished.stderr.contains("secrets is forbidden"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn unknown_names() {
    let cluster = cluster().await;
    let finished = finish(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "pods", "foo"],
    ));
    assert_eq!(finished.code, Some(1));
    assert!(
        finished
            .stderr
            .starts_with("error: the server doesn't have a resource type \"foo\""),
        "{finished:?}"
    );
    let finished = finish(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "foos.bar.example.com", "--until-synced"],
    ));
    assert_eq!(finished.code, Some(1));
    let words =
        "error: the server doesn't have a resource type \"foos\" in group \"bar.example.com\"\n";
    assert_eq!(finished.stderr, words);
    let finished = finish(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "tokenreviews"],
    ));
    assert_eq!(finished.code, Some(1));
    assert!(
        finished
            .stderr
            .starts_with("Error from server (MethodNotAllowed): "),
        "{finished:?}"
    );
}

#[tokio::test]
async fn a_qualified_name_is_waited_for() {
    let cluster = cluster().await;
    let watch = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "buoys.awaited.example.com", "-A", "-o", "json"],
    ));
    watch.complaint("note: the server doesn't have a resource type \"buoys\" in group \"awaited.example.com\" yet; waiting for it");
    cluster
        .apply(&crate::everything::crd("buoys.awaited.example.com", "Buoy"))
        .await
        .expect("applied");
    watch.complaint("note: buoys.awaited.example.com is served now");
    watch.event("the mark", |event| event["event"] == "SYNCED");
    cluster.apply("{apiVersion: awaited.example.com/v1, kind: Buoy, metadata: {name: b, namespace: default}}").await.expect("applied");
    watch.event("the object", |event| {
        event["object"]["metadata"]["name"] == "b"
    });
}

#[tokio::test]
async fn selectors_that_a_kind_does_not_know() {
    let cluster = cluster().await;
    let arguments = [
        "watch",
        "services",
        "--field-selector",
        "status.phase=Running",
    ];
    let finished = finish(&mut tidegate(cluster.kubeconfig(), &arguments));
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        finished.stderr,
        "Error from server (BadRequest): field label not supported: status.phase\n"
    );
    let finished = finish(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "pods", "-l", "a in b"],
    ));
    assert_eq!(finished.code, Some(1));
    assert!(
        finished
            .stderr
            .starts_with("Error from server (BadRequest): "),
        "{finished:?}"
    );
}

#[tokio::test]
async fn wrong_credentials_and_contexts() {
    let cluster = cluster().await;
    let server = ["--server", cluster.server(), "--insecure-skip-tls-verify"];
    let arguments = [&["watch", "pods", "--token", "wrong"], &server[..]].concat();
    let finished = finish(&mut tidegate(cluster.kubeconfig(), &arguments));
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        finished.stderr,
        "error: You must be logged in to the server (Unauthorized)\n"
    );
    let arguments = [
        &[
            "watch",
            "namespaces",
            "--until-synced",
            "--token",
            cluster.token(),
        ],
        &server[..],
    ]
    .concat();
    assert_eq!(
        finish(&mut tidegate(cluster.kubeconfig(), &arguments)).code,
        Some(0)
    );
    let finished = finish(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "pods", "--context", "nope"],
    ));
    assert_eq!(finished.code, Some(1));
    assert!(
        finished.stderr.starts_with(
            "Error in configuration: context was not found for specified context: nope"
        ),
        "{finished:?}"
    );
    let arguments = [
        "watch",
        "pods",
        "--server",
        &cluster.server().replace("127.0.0.1", "localhost"),
        "--as",
        "jane",
        "--as-group",
        "crew",
    ];
    let finished = finish(&mut tidegate(cluster.kubeconfig(), &arguments));
    assert!(
        finished.stderr.contains("User \"jane\" cannot"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn an_api_server_that_restarts_is_one_message() {
    let cluster = Cluster::start().await.expect("a cluster of its own");
    let watch = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "cm,svc,secrets,deploy,ns", "-A", "-o", "json"],
    ));
    for _ in 0..5 {
        watch.event("a mark", |event| event["event"] == "SYNCED");
    }
    cluster.apiserver().kill().await.expect("killed");
    watch.complaint("warning: the server cannot be reached");
    tokio::time::sleep(Duration::from_secs(3)).await;
    cluster.apiserver().start().await.expect("started");
    cluster
        .kubectl(&["create", "configmap", "after", "-n", "default"])
        .await
        .expect("created");
    let next = watch.complaint("");
    assert_eq!(
        next, "note: the server answers again",
        "one message for all five"
    );
    watch.event("the new object", |event| {
        event["object"]["metadata"]["name"] == "after"
    });
}
