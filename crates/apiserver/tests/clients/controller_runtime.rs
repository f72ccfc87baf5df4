//! controller-runtime, as operators use it: a program in Go that installs a definition, becomes the leader, caches,
//! indexes and reconciles, and fails if something is not as it made it.

use super::go::program;
use secrecy::ExposeSecret;
use std::time::Duration;
use tidegate_apiserver::{Options, Server};
use tokio::{process::Command, time::timeout};

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(300);

async fn check(streams: bool) {
    let name = format!(
        "tidegate-controller-runtime-{streams}-{}",
        std::process::id()
    );
    let kubeconfig = std::env::temp_dir().join(name);
    let server = Server::start(Options::default()).await.expect("a server");
    let text = server.admin_kubeconfig().expect("a kubeconfig");
    std::fs::write(&kubeconfig, text.expose_secret()).expect("written");
    let run = Command::new(program("manager").await)
        .arg(&kubeconfig)
        .env("KUBE_FEATURE_WatchListClient", streams.to_string())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, run).await.expect("it ends in time");
    let output = output.expect("it starts");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    server.stop().await;
    std::fs::remove_file(kubeconfig).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_whose_cache_lists() {
    check(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_whose_cache_streams() {
    check(true).await;
}
