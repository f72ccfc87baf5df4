//! Commands, webhooks and metrics of the whole command, through `kill -9` and a receiver that is down.

use crate::{
    process::{PATIENCE, Running, tidegate},
    receiver::Receiver,
};
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};
use tidegate_testcluster::Cluster;

async fn cluster() -> &'static Cluster {
    Cluster::shared().await.expect("a cluster")
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("tidegate-hooks-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("made");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `name=value` of each event's ConfigMap.
fn values(events: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events
        .iter()
        .map(|event| &event["data"]["object"])
        .map(|object| {
            format!(
                "{}={}",
                text(&object["metadata"]["name"]),
                text(&object["data"]["key"])
            )
        })
        .collect()
}

/// Even numbers change ConfigMap `a`, odd ones `b`.
async fn change(cluster: &Cluster, namespace: &str, number: usize) {
    let name = ["a", "b"][number % 2];
    let yaml = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: {namespace}}}, data: {{key: '{number}'}}}}"
    );
    cluster.apply(&yaml).await.expect("applied");
}

/// What is on standard output need not be in the spill file yet.
async fn wait_for_spilled(spill: &Path, events: usize) {
    let deadline = Instant::now() + PATIENCE;
    let count = |bytes: &[u8]| {
        bytes
            .windows(11)
            .filter(|window| window == b"specversion")
            .count()
    };
    while count(&fs::read(spill).expect("there")) < events {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn nothing_is_lost_while_the_receiver_is_down_and_tidegate_is_killed() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("webhook").await.expect("a namespace");
    let folder = Folder::new("kill");
    let spill = folder.0.join("events.spill");
    let address = Receiver::reserve();
    let url = format!("http://{address}/hook");
    let spill_text = spill.display().to_string();
    let hook = ["--webhook", &url, "--webhook-spill", &spill_text];
    let arguments = [
        &[
            "watch",
            "cm",
            "-n",
            &namespace,
            "--watch-only",
            "-o",
            "json",
        ],
        &hook[..],
    ]
    .concat();
    let start = || Running::start(&mut tidegate(cluster.kubeconfig(), &arguments));

    let mut watch = start();
    watch.event("the mark", |event| event["event"] == "SYNCED");
    for number in 0..10 {
        change(cluster, &namespace, number).await;
        // Each is seen before the next, or they would be merged.
        let key = Value::from(number.to_string());
        watch.event("the change", |event| event["object"]["data"]["key"] == key);
    }
    wait_for_spilled(&spill, 10).await;
    watch.signal("KILL");
    watch.wait();

    let receiver = Receiver::start(address);
    let watch = start();
    watch.complaint("events of an earlier run are sent first");
    watch.event("the mark", |event| event["event"] == "SYNCED");
    change(cluster, &namespace, 10).await;
    let taken = receiver.wait("eleven events", |taken| taken.len() >= 11);
    let of = |name: &str| {
        values(&taken)
            .into_iter()
            .filter(|value| value.starts_with(name))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("a"), ["a=0", "a=2", "a=4", "a=6", "a=8", "a=10"]);
    assert_eq!(of("b"), ["b=1", "b=3", "b=5", "b=7", "b=9"]);
    assert_eq!(taken[0]["specversion"], "1.0");
    assert_eq!(
        taken[0]["source"],
        format!("{}/v1/configmaps", cluster.server())
    );
}

#[tokio::test]
async fn commands_run_for_each_event() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("exec").await.expect("a namespace");
    let folder = Folder::new("exec");
    let log = folder.0.join("log");
    let command = format!(
        "echo $TIDEGATE_EVENT $TIDEGATE_GVR $TIDEGATE_NAMESPACE $TIDEGATE_NAME >> {}; echo noise",
        log.display()
    );
    cluster
        .kubectl(&["create", "configmap", "mine", "-n", &namespace])
        .await
        .expect("created");
    let arguments = [
        "watch",
        "cm",
        "-n",
        &namespace,
        "-l",
        "!none",
        "--on-event",
        &command,
        "--until-synced",
        "-o",
        "json",
    ];
    let finished = crate::process::finish(&mut tidegate(cluster.kubeconfig(), &arguments));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        !finished.stdout.contains("noise"),
        "a command's output does not mix with ours"
    );
    let mut lines: Vec<String> = fs::read_to_string(&log)
        .expect("the commands ran")
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort_unstable();
    let expected = [
        format!("ADDED v1/configmaps {namespace} kube-root-ca.crt"),
        format!("ADDED v1/configmaps {namespace} mine"),
    ];
    assert_eq!(lines, expected, "the end waits for the commands");
}

#[tokio::test]
async fn metrics_are_served() {
    let cluster = cluster().await;
    let watch = Running::start(&mut tidegate(
        cluster.kubeconfig(),
        &["watch", "ns", "--metrics", "127.0.0.1:0"],
    ));
    let note = watch.complaint("metrics at http://");
    watch.line_with("SYNCED");
    let address = note
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.strip_suffix("/metrics"))
        .expect("an address");
    let get = |path: &str| {
        let mut stream = TcpStream::connect(address).expect("connected");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        text
    };
    // The gauge follows the event, on another thread.
    let synced = "tidegate_watch_resource_synced{gvr=\"v1/namespaces\"} 1";
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut page = get("/metrics");
    while !page.contains(synced) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
        page = get("/metrics");
    }
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(
        page.contains(
            "tidegate_watch_events_total{sink=\"output\",gvr=\"v1/namespaces\",event=\"SYNCED\"} 1"
        ),
        "{page}"
    );
    assert!(page.contains(synced), "{page}");
    assert!(get("/").starts_with("HTTP/1.1 404"));
}
