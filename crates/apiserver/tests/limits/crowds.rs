//! Too much of something.

use crate::{
    COLLECTION, config_map, eventually,
    http::{Client, Protocol},
    is_well, raw, room_for, server,
};
use hyper::{Response, body::Incoming};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tidegate_apiserver::{Limits, Options, test::start_with};
use tokio::{io::AsyncWriteExt, task::JoinSet};

const WATCH: &str = "/api/v1/configmaps?watch=1&timeoutSeconds=60";

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_long_are_refused() {
    let server = server(|limits| limits.body_bytes = 100_000).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = Client::new(&server, protocol);
        for (bytes, status) in [
            (1_000, 201),
            (99_000, 201),
            (100_000, 413),
            (5_000_000, 413),
        ] {
            let name = format!("{bytes}-{protocol:?}").to_lowercase();
            let answer = client
                .json("POST", COLLECTION, &config_map(&name, bytes))
                .await;
            assert_eq!(answer.status, status, "{bytes} bytes: {answer}");
            if status == 413 {
                let body = answer.json();
                assert_eq!(
                    (&body["reason"], &body["code"]),
                    (&"RequestEntityTooLarge".into(), &413.into())
                );
            }
        }
    }
    // A length that is not so, and no end: the server need not read it to refuse it.
    let more = "Content-Type: application/json\r\nContent-Length: 99999999999\r\n";
    let request = raw::head(&server, &format!("POST {COLLECTION}"), more) + &"x".repeat(200_000);
    let answer = raw::exchange(&server, request.as_bytes(), Duration::from_secs(20)).await;
    assert!(
        answer.as_ref().is_some_and(|it| it.contains(" 413 ")),
        "{answer:?}"
    );
    is_well(&server).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_that_are_too_many_are_refused_until_others_end() {
    let server = server(|limits| limits.watches = room_for(5)).await;
    let client = Client::new(&server, Protocol::Http2);
    let open = async || client.open("GET", WATCH, "", "").await.expect("an answer");
    let mut watches = Vec::new();
    for _ in 0..5 {
        let watch = open().await;
        assert_eq!(watch.status(), 200);
        watches.push(watch);
    }
    let refused = open().await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"1".parse().expect("a value"))
    );
    is_well(&server).await;
    watches.pop();
    eventually("there is room again", async || open().await.status() == 200).await;
    server.stop().await;
}

/// As many watches as a client gets.
async fn watches_of(client: &Client) -> Vec<Response<Incoming>> {
    let mut held = Vec::new();
    loop {
        let watch = client.open("GET", WATCH, "", "").await.expect("an answer");
        match watch.status().as_u16() {
            200 => held.push(watch),
            status => {
                assert_eq!(status, 429);
                return held;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_leaves_places_for_others() {
    let file = std::env::temp_dir().join(format!("tidegate-users-{}", std::process::id()));
    let users = "second-token,second,2,system:masters\nthird-token,third,3,system:masters\n";
    std::fs::write(&file, users).expect("written");
    let mut options = Options {
        controllers: false,
        token_auth_file: Some(file.clone()),
        ..Options::default()
    };
    options.limits.watches = 50;
    let server = start_with(options).await.expect("a server");
    std::fs::remove_file(file).expect("removed");
    let first = Client::new(&server, Protocol::Http2);
    let mut second = Client::new(&server, Protocol::Http1);
    let mut third = first.clone();
    "second-token".clone_into(&mut second.token);
    "third-token".clone_into(&mut third.token);
    let held = watches_of(&first).await;
    assert_eq!(held.len(), 40);
    // More connections of the same user get no more.
    let again = Client::new(&server, Protocol::Http2);
    assert_eq!(watches_of(&again).await.len(), 0);
    let others = (watches_of(&second).await, watches_of(&third).await);
    assert_eq!((others.0.len(), others.1.len()), (8, 1));
    // A user who has let go gets places again, and so do others.
    drop(held);
    eventually("there is room again", async || {
        watches_of(&third).await.len() >= 20
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_too_many_at_once_are_refused() {
    let few = |limits: &mut Limits| {
        limits.reading = room_for(4);
        limits.writing = room_for(3);
    };
    let server = server(few).await;
    server.fault_delay(Duration::from_millis(1500));
    for (method, room) in [("GET", 4), ("POST", 3)] {
        let client = Client::new(&server, Protocol::Http2);
        let mut all = JoinSet::new();
        for number in 0..20 {
            let client = client.clone();
            all.spawn(async move {
                let body = if method == "POST" {
                    config_map(&format!("c{number}"), 1)
                } else {
                    Value::Null
                };
                client.json(method, COLLECTION, &body).await
            });
        }
        let answers = all.join_all().await;
        let refused: Vec<_> = answers.iter().filter(|it| it.status == 429).collect();
        assert_eq!(answers.len() - refused.len(), room, "{method}: {answers:?}");
        for answer in refused {
            assert_eq!(answer.json()["reason"], "TooManyRequests");
        }
    }
    server.fault_delay(Duration::ZERO);
    is_well(&server).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_never_finish_are_cut_off() {
    let server = server(|limits| {
        limits.handshake_time = Duration::from_millis(700);
        limits.head_time = Duration::from_millis(700);
        limits.body_time = Duration::from_millis(700);
        limits.writing = room_for(10);
    })
    .await;
    // Half a greeting.
    let mut half_open = Vec::new();
    for _ in 0..100 {
        let mut socket = tokio::net::TcpStream::connect(server.address())
            .await
            .expect("connected");
        socket.write_all(&[22, 3, 1, 2]).await.expect("sent");
        half_open.push(socket);
    }
    is_well(&server).await;
    for mut socket in half_open {
        let began = Instant::now();
        let mut byte = [0];
        let read = tokio::io::AsyncReadExt::read(&mut socket, &mut byte);
        let ended = tokio::time::timeout(Duration::from_secs(15), read).await;
        assert!(ended.is_ok(), "still there after {:?}", began.elapsed());
    }
    // Half a head, and half a body: ten of these hold all places of writers, for a while.
    let more = "Content-Type: application/json\r\nContent-Length: 1000\r\n";
    let request = raw::head(&server, &format!("POST {COLLECTION}"), more);
    for (cut, status) in [(request.len() - 4, ""), (request.len(), " 504 ")] {
        let mut all = JoinSet::new();
        for _ in 0..10 {
            let (server_bytes, stream) = (request[..cut].to_owned(), raw::connect(&server).await);
            let mut stream = stream.expect("connected");
            all.spawn(async move {
                stream
                    .write_all(server_bytes.as_bytes())
                    .await
                    .expect("sent");
                let mut answer = vec![0; 4000];
                let read = tokio::io::AsyncReadExt::read(&mut stream, &mut answer);
                let read = tokio::time::timeout(Duration::from_secs(15), read).await;
                let length = read.expect("it ends").unwrap_or_default();
                String::from_utf8_lossy(&answer[..length]).into_owned()
            });
        }
        for answer in all.join_all().await {
            assert!(answer.contains(status), "{cut}: {answer}");
        }
    }
    let client = Client::new(&server, Protocol::Http1);
    let answer = client
        .json("POST", COLLECTION, &config_map("after", 1))
        .await;
    assert_eq!(answer.status, 201, "{answer}");
    server.stop().await;
}

/// Each owner was compared with each other: for minutes, and on a thread that others need.
#[tokio::test(flavor = "multi_thread")]
async fn objects_with_many_owners_hold_nobody_up() {
    const MANY: usize = 20_000;
    let server = server(|_| {}).await;
    let client = Client::new(&server, Protocol::Http2);
    let owner = |number: usize| json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": number.to_string() });
    let mut object = config_map("owned", 10);
    object["metadata"]["ownerReferences"] = (0..MANY).chain([0]).map(owner).collect();
    let answer = client.json("POST", COLLECTION, &object).await;
    assert_eq!(answer.status, 201, "{answer}");
    let owners = &answer.json()["metadata"]["ownerReferences"];
    assert_eq!(owners.as_array().map(Vec::len), Some(MANY), "each once");
    server.stop().await;
}

/// Each waited for the next one, and the server looked at them for ever and at nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn owners_in_a_circle_are_deleted() {
    const CIRCLE: usize = 50;
    let server = start_with(Options::default()).await.expect("a server");
    let client = Client::new(&server, Protocol::Http2);
    let mut uids = Vec::new();
    for number in 0..CIRCLE {
        let object = config_map(&format!("circle-{number}"), 10);
        let answer = client.json("POST", COLLECTION, &object).await;
        uids.push(answer.json()["metadata"]["uid"].clone());
    }
    for number in 0..CIRCLE {
        let next = (number + 1) % CIRCLE;
        let owner = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "name": format!("circle-{next}"), "uid": uids[next],
            "blockOwnerDeletion": true,
        });
        let patch = json!({ "metadata": { "ownerReferences": [owner] } }).to_string();
        let path = format!("{COLLECTION}/circle-{number}");
        let merge = "application/merge-patch+json";
        let answer = client.send("PATCH", &path, merge, patch).await;
        assert_eq!(answer.expect("an answer").status, 200);
    }
    let path = format!("{COLLECTION}/circle-0?propagationPolicy=Foreground");
    client.json("DELETE", &path, &Value::Null).await;
    eventually("they are gone", async || {
        let answer = client.json("GET", COLLECTION, &Value::Null).await;
        !String::from_utf8_lossy(&answer.body).contains("circle-")
    })
    .await;
    server.stop().await;
}
