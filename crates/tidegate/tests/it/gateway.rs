//! `tidegate gateway` on a real API server: two of them, and the leader dies.

use crate::process::{Running, tidegate};
use serde_json::Value;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tidegate_testcluster::Cluster;

const PATIENCE: Duration = Duration::from_secs(60);
/// A Lease holds for 15 seconds and is tried for every two; the rest is for a busy machine.
const SUCCESSION: Duration = Duration::from_secs(30);

/// Answers 200 to everything, for as long as the process lives.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut head = [0; 4096];
                while stream.read(&mut head).is_ok_and(|read| read > 0) {
                    // Whoever has gone away wants no answer.
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                }
            });
        }
    });
    address
}

/// The first line of an answer, or what went wrong.
fn ask(at: SocketAddr, path: &str) -> String {
    let asked = || -> io::Result<String> {
        let mut stream = TcpStream::connect(at)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.lines().next().unwrap_or_default().to_owned())
    };
    asked().unwrap_or_else(|error| error.to_string())
}

fn serves(at: SocketAddr, path: &str) -> bool {
    ask(at, path) == "HTTP/1.1 200 OK"
}

/// Where the gateway with this pool serves the one Gateway.
fn place(third: u8) -> Option<SocketAddr> {
    (1..255)
        .map(|last| SocketAddr::from(([127, 44, third, last], 8080)))
        .find(|at| serves(*at, "/a"))
}

fn start(cluster: &Cluster, third: u8) -> Running {
    let pool = format!("127.44.{third}.0/24");
    let arguments = [
        "gateway",
        "--address-pool",
        &pool,
        "--admin",
        "127.0.0.1:0",
        "--workers",
        "1",
        "--allow-local-backends",
        "--access-log",
        "off",
    ];
    Running::start(&mut tidegate(cluster.kubeconfig(), &arguments))
}

async fn install_definitions(cluster: &Cluster) {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in [
        crates.join("manifests/gateway-api"),
        crates.join("../compile/crds"),
    ] {
        let folder = folder.display().to_string();
        let arguments = ["apply", "--server-side", "-f", &folder];
        cluster.kubectl(&arguments).await.expect("applied");
    }
    let arguments = [
        "wait",
        "--for=condition=Established",
        "crd",
        "--all",
        "--timeout=60s",
    ];
    cluster.kubectl(&arguments).await.expect("established");
}

fn route(name: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: {name}}}, spec: {{
            parentRefs: [{{name: web}}],
            rules: [{{matches: [{{path: {{type: PathPrefix, value: /{name}}}}}],
                backendRefs: [{{group: tidegate.dev, kind: Backend, name: a}}]}}]}}}}"
    )
}

async fn get(cluster: &Cluster, what: &str) -> Value {
    let arguments = ["get", what, "-o", "json"];
    let output = cluster.kubectl(&arguments).await.expect("an object");
    serde_json::from_str(&output.stdout).expect("JSON")
}

/// Waits until a Gateway's status has an address of this pool and a route's says that it is accepted.
async fn until_written(cluster: &Cluster, third: u8, name: &str) {
    let deadline = Instant::now() + PATIENCE;
    let prefix = format!("127.44.{third}.");
    loop {
        let gateway = get(cluster, "gateway/web").await;
        let address = gateway["status"]["addresses"][0]["value"].as_str();
        let route = get(cluster, &format!("httproute/{name}")).await;
        let conditions = route["status"]["parents"][0]["conditions"].as_array();
        let accepted = conditions.into_iter().flatten();
        let mut accepted =
            accepted.filter(|one| one["type"] == "Accepted" && one["status"] == "True");
        if address.is_some_and(|text| text.starts_with(&prefix)) && accepted.next().is_some() {
            return;
        }
        assert!(Instant::now() < deadline, "{prefix}: {gateway} {route}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[track_caller]
fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} in time");
        thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn when_the_leader_dies_another_writes_status_and_traffic_goes_on() {
    let cluster = Cluster::start().await.expect("a cluster of its own");
    install_definitions(&cluster).await;
    let leader = start(&cluster, 1);
    leader.complaint("leading");
    let follower = start(&cluster, 2);
    follower.complaint("ready");
    let backend = origin();
    let objects = format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{name: web}}, spec: {{
            gatewayClassName: tidegate, listeners: [{{name: http, protocol: HTTP, port: 8080}}]}}}}
---
{{apiVersion: tidegate.dev/v1alpha1, kind: Backend, metadata: {{name: a}}, spec: {{
    endpoints: [{{host: {}, port: {}}}]}}}}
---
{}",
        backend.ip(),
        backend.port(),
        route("a")
    );
    cluster.apply(&objects).await.expect("applied");
    until_written(&cluster, 1, "a").await;
    until("address of the leader", || place(1));
    let at = until("address of the follower", || place(2));

    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let asking = thread::spawn(move || {
        let (mut asked, mut failed) = (0, Vec::new());
        while !told.load(Ordering::Relaxed) {
            let answer = ask(at, "/a");
            asked += 1;
            if answer != "HTTP/1.1 200 OK" {
                failed.push(answer);
            }
        }
        (asked, failed)
    });
    leader.signal("KILL");
    let killed = Instant::now();
    // Who leads is of no matter to traffic.
    cluster.apply(&route("b")).await.expect("applied");
    until("new route", || serves(at, "/b").then_some(()));
    let served = killed.elapsed();
    until_written(&cluster, 2, "b").await;
    let written = killed.elapsed();
    stop.store(true, Ordering::Relaxed);
    let (asked, failed) = asking.join().expect("no panic");
    assert!(
        asked > 50 && failed.is_empty(),
        "{} of {asked}: {failed:?}",
        failed.len()
    );
    assert!(
        written < SUCCESSION,
        "served after {served:?}, written after {written:?}"
    );
    follower.complaint("leading");
}
