//! What one client can do to a server that others need: nothing that lasts.
//!
//! And what the server tells of it. Each test has a server of its own with small limits. Memory is that of this process, clients included.
#![expect(clippy::print_stdout, reason = "figures, shown with --nocapture")]

mod crowds;
mod figures;
mod garbage;
#[path = "../support/http.rs"]
mod http;
mod raw;
mod sockets;
mod unread;

use http::{Client, Protocol};
use serde_json::{Value, json};
use std::time::Duration;
use tidegate_apiserver::{
    Limits, Options,
    test::{Server, start_with},
};
use tokio::time::{Instant, sleep};

/// How long something may take that takes a moment on an idle machine.
const PATIENCE: Duration = Duration::from_secs(30);

const COLLECTION: &str = "/api/v1/namespaces/default/configmaps";

async fn server(change: impl FnOnce(&mut Limits)) -> Server {
    let mut options = Options {
        controllers: false,
        ..Options::default()
    };
    options.store.history.max_bytes = 4 << 20;
    change(&mut options.limits);
    start_with(options).await.expect("a server")
}

/// Of so many places one user gets this many, and no more.
fn room_for(one_user: usize) -> usize {
    one_user + one_user.div_ceil(4)
}

/// A ConfigMap of so many bytes.
fn config_map(name: &str, bytes: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name },
        "data": { "padding": "x".repeat(bytes) },
    })
}

/// The server answers others, as ever.
async fn is_well(server: &Server) {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = Client::new(server, protocol);
        let answer = client.json("GET", COLLECTION, &Value::Null).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if holds().await {
            return began.elapsed();
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// Memory of this process, in MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("it is Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|text| text.parse::<u64>().ok())
        .expect("a number")
        / 1024
}
