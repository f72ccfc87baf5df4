//! The webhook against a real HTTP server in this process that fails on demand, and across
//! "restarts" of the sender that share a spill file.

use super::{Webhook, WebhookOptions};
use crate::watch::{
    event::{
        EventKind, WatchEvent,
        testing::{event, pods},
    },
    hook::signature::Signer,
    intake::{CHANNEL, Entrance},
    metrics::Metrics,
    report::Reporter,
};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc};

type Plan = Box<dyn FnMut(&Value) -> (u16, &'static str) + Send>;

/// A receiver that answers as planned and remembers what it took.
#[derive(Clone)]
struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<(HeaderMap, Bytes, u16)>>>,
}

impl Receiver {
    async fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::serve(listener, plan)
    }

    fn serve(listener: TcpListener, plan: Plan) -> Self {
        let receiver = Self {
            address: listener.local_addr().expect("an address"),
            seen: Arc::default(),
        };
        let (seen, plan) = (Arc::clone(&receiver.seen), Arc::new(Mutex::new(plan)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, plan) = (Arc::clone(&seen), Arc::clone(&plan));
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let (seen, plan) = (Arc::clone(&seen), Arc::clone(&plan));
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.expect("a body").to_bytes();
                        let event: Value = serde_json::from_slice(&body).expect("JSON");
                        let (status, retry_after) = plan.lock().expect("unpoisoned")(&event);
                        seen.lock()
                            .expect("unpoisoned")
                            .push((parts.headers, body, status));
                        let mut response = Response::new(Full::new(Bytes::from_static(b"said so")));
                        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                        if !retry_after.is_empty() {
                            response
                                .headers_mut()
                                .insert("retry-after", retry_after.parse().expect("a header"));
                        }
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        receiver
    }

    /// Names of the objects in requests that were answered with 2xx, in order.
    fn taken(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("unpoisoned");
        seen.iter()
            .filter(|(_, _, status)| *status < 300)
            .map(|(_, body, _)| describe(body))
            .collect()
    }

    fn attempts(&self) -> usize {
        self.seen.lock().expect("unpoisoned").len()
    }
}

/// `web@3`: name and resourceVersion.
fn describe(body: &[u8]) -> String {
    let event: Value = serde_json::from_slice(body).expect("JSON");
    let metadata = &event["data"]["object"]["metadata"];
    format!(
        "{}@{}",
        metadata["name"].as_str().expect("a name"),
        metadata["resourceVersion"].as_str().expect("a version")
    )
}

fn change(name: &str, version: u32) -> WatchEvent {
    let object = json!({"metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": version.to_string()}});
    event(EventKind::Modified, &pods(), &object)
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("tidegate-webhook-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(folder: &Folder, address: SocketAddr) -> WebhookOptions {
    WebhookOptions {
        url: format!("http://{address}/hook?token=secret")
            .parse()
            .expect("a URL"),
        signer: None,
        spill: folder.0.join("events.spill"),
        spill_max_bytes: 1 << 20,
        timeout: Duration::from_secs(2),
        concurrency: 4,
        drain: Duration::from_secs(20),
    }
}

/// Sends the events and waits until the webhook has ended.
async fn run(options: WebhookOptions, events: Vec<WatchEvent>) {
    let entrance = Entrance {
        filter: None,
        changes_only: false,
        report: Reporter::default(),
        metrics: Arc::new(Metrics::default()),
    };
    let webhook = Webhook::open(
        options,
        entrance.report.clone(),
        Arc::clone(&entrance.metrics),
    )
    .expect("opens");
    let (sender, receiver) = mpsc::channel(CHANNEL);
    let feed = async move {
        for event in events {
            let _ = sender.send(event).await;
        }
    };
    let intake = entrance.intake(receiver, "webhook");
    tokio::join!(feed, webhook.run("https://cluster:6443", intake));
}

#[tokio::test]
async fn delivers_signed_cloud_events() {
    let folder = Folder::new("signed");
    let receiver = Receiver::start(Box::new(|_| (204, ""))).await;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let signer = Signer::new(secret).expect("a secret");
    run(
        WebhookOptions {
            signer: Some(signer),
            ..options(&folder, receiver.address)
        },
        vec![change("web", 1)],
    )
    .await;
    let seen = receiver.seen.lock().expect("unpoisoned");
    let (headers, body, _) = seen.first().expect("one request");
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    let event: Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(event["type"], "dev.tidegate.resource.modified");
    assert_eq!(event["source"], "https://cluster:6443/v1/pods");
    assert_eq!(event["subject"], "/api/v1/namespaces/n/pods/web");
    assert_eq!(event["id"], header("webhook-id"));
    assert!(header("content-type").starts_with("application/cloudevents+json"));
    let timestamp = header("webhook-timestamp").parse().expect("seconds");
    let expected =
        Signer::new(secret)
            .expect("a secret")
            .sign(&header("webhook-id"), timestamp, body);
    assert_eq!(header("webhook-signature"), expected);
}

#[tokio::test]
async fn failures_are_retried_with_the_same_id_and_in_order() {
    let folder = Folder::new("retry");
    let mut answers = [(503, ""), (429, "1"), (500, "0")].into_iter();
    let receiver = Receiver::start(Box::new(move |_| answers.next().unwrap_or((200, "")))).await;
    let events: Vec<WatchEvent> = (1..=5).map(|version| change("web", version)).collect();
    run(options(&folder, receiver.address), events).await;
    assert_eq!(
        receiver.taken(),
        ["web@1", "web@2", "web@3", "web@4", "web@5"]
    );
    let seen = receiver.seen.lock().expect("unpoisoned");
    let ids: Vec<&str> = seen
        .iter()
        .map(|(headers, _, _)| headers["webhook-id"].to_str().expect("text"))
        .collect();
    assert!(ids[..4].iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(seen.len(), 8);
}

#[tokio::test]
async fn refused_events_are_buried_with_the_reason() {
    let folder = Folder::new("refused");
    let receiver = Receiver::start(Box::new(|event| {
        if event["data"]["object"]["metadata"]["name"] == "bad" {
            (422, "")
        } else {
            (200, "")
        }
    }))
    .await;
    run(
        options(&folder, receiver.address),
        vec![change("bad", 1), change("bad", 2), change("good", 1)],
    )
    .await;
    assert_eq!(receiver.taken(), ["good@1"]);
    let letters = fs::read_to_string(folder.0.join("events.spill.refused")).expect("dead letters");
    let letters: Vec<Value> = letters
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(letters.len(), 2);
    assert_eq!(
        letters[0]["reason"],
        "HTTP 422 Unprocessable Entity: said so"
    );
    assert_eq!(
        letters[0]["event"]["data"]["object"]["metadata"]["name"],
        "bad"
    );
    assert_eq!(
        fs::metadata(folder.0.join("events.spill"))
            .expect("there")
            .len(),
        8,
        "nothing waits"
    );
}

#[tokio::test]
async fn what_one_run_cannot_deliver_the_next_one_does() {
    let folder = Folder::new("restart");
    // A port where nobody listens, until the second run.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let events = (1..=3)
        .flat_map(|version| [change("a", version), change("b", version)])
        .collect();
    run(
        WebhookOptions {
            drain: Duration::from_millis(300),
            ..options(&folder, address)
        },
        events,
    )
    .await;

    // kill -9 leaves half a frame behind.
    let file = folder.0.join("events.spill");
    let mut bytes = fs::read(&file).expect("read");
    bytes.extend_from_slice(b"\xf5TG\x1e\xff\x00\x00");
    fs::write(&file, bytes).expect("written");

    let listener = TcpListener::bind(address).await.expect("the same port");
    let receiver = Receiver::serve(listener, Box::new(|_| (200, "")));
    run(options(&folder, address), vec![change("a", 4)]).await;
    let taken = receiver.taken();
    let of = |name: &str| {
        taken
            .iter()
            .filter(|text| text.starts_with(name))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(of("a"), ["a@1", "a@2", "a@3", "a@4"]);
    assert_eq!(of("b"), ["b@1", "b@2", "b@3"]);
}

#[tokio::test]
async fn a_full_spill_file_holds_events_back_instead_of_losing_them() {
    let folder = Folder::new("full");
    let mut failures = 2;
    let receiver = Receiver::start(Box::new(move |_| {
        failures -= 1;
        if failures >= 0 { (503, "0") } else { (200, "") }
    }))
    .await;
    let events: Vec<WatchEvent> = (1..=40).map(|version| change("web", version)).collect();
    run(
        WebhookOptions {
            spill_max_bytes: 2_000,
            ..options(&folder, receiver.address)
        },
        events,
    )
    .await;
    let expected: Vec<String> = (1..=40).map(|version| format!("web@{version}")).collect();
    assert_eq!(receiver.taken(), expected);
    assert_eq!(receiver.attempts(), 42);
}

#[tokio::test]
async fn a_silent_receiver_is_given_up_and_tried_again() {
    let folder = Folder::new("silent");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let short = WebhookOptions {
        timeout: Duration::from_millis(50),
        drain: Duration::from_millis(400),
        ..options(&folder, address)
    };
    run(short, vec![change("web", 1)]).await;
    drop(listener);
    let (_, recovery) =
        crate::watch::hook::spill::Spill::open(&folder.0.join("events.spill"), 1 << 20)
            .expect("opens");
    assert_eq!(recovery.pending.len(), 1);
}

#[test]
fn unusable_urls_are_refused() {
    let folder = Folder::new("urls");
    for (url, words) in [
        ("ftp://host/", "http://"),
        ("/path", "no host"),
        ("http://user:pass@host/", "not supported"),
    ] {
        let address = "127.0.0.1:1".parse().expect("an address");
        let options = WebhookOptions {
            url: url.parse().expect("a URI"),
            ..options(&folder, address)
        };
        let error =
            Webhook::open(options, Reporter::default(), Arc::default()).expect_err("refused");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.to_string().contains("pass@"), "{error}");
    }
}
