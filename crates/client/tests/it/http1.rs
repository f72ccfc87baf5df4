//! Requests, bodies and connections over plain HTTP/1.1.

use std::{
    io::{self, Write as _},
    time::{Duration, Instant},
};

use bytes::Bytes;
use flate2::{Compression as Level, write::GzEncoder};
use http::{Request, StatusCode, header};
use tidegate_client::{Advice, Client, ClientError, ClientOptions, Compression, Purpose, Source};
use tokio::{net::TcpListener, sync::mpsc};

use crate::server::{Server, answer, stream, with};

const JSON: &str = "application/json";

fn member(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory").into()
}

async fn text(client: &Client, path: &str) -> Result<String, ClientError> {
    let body = client
        .get(path, JSON, Purpose::Call)
        .await?
        .bytes(10_000)
        .await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_request_carries_path_accept_and_agent() {
    let server = Server::start(async |request: Request<_>| {
        let headers = request.headers();
        let shown = |name| {
            headers
                .get(name)
                .map(|value| value.to_str().expect("text"))
                .unwrap_or("-")
        };
        let encoding = shown(header::ACCEPT_ENCODING);
        let agent = shown(header::USER_AGENT).starts_with("tidegate/");
        answer(
            200,
            format!(
                "{} {} {encoding} {agent} {}",
                request.uri(),
                shown(header::ACCEPT),
                shown(header::HOST)
            ),
        )
    })
    .await;
    let host = server.url.trim_start_matches("http://").to_owned();
    let client = server.client().await;
    assert_eq!(client.default_namespace(), "default");
    let path = "/api/v1/pods?watch=1&fieldSelector=a%3Db";
    assert_eq!(
        text(&client, path).await.expect("text"),
        format!("{path} {JSON} - true {host}")
    );

    let always = ClientOptions {
        compression: Compression::Always,
        ..ClientOptions::default()
    };
    let client = server.client_with(always).await;
    assert_eq!(
        text(&client, "/").await.expect("text"),
        format!("/ {JSON} gzip true {host}")
    );
}

#[tokio::test]
async fn complete_answers_leave_the_connection_to_the_next_request() {
    let server =
        Server::start(async |request: Request<_>| answer(200, request.uri().path().to_owned()))
            .await;
    let client = server.client().await;
    for _ in 0..5 {
        assert_eq!(text(&client, "/a").await.expect("text"), "/a");
    }
    assert_eq!(server.connections(), 1);
    let unread = client
        .get("/b", JSON, Purpose::Call)
        .await
        .expect("an answer");
    assert_eq!(text(&client, "/c").await.expect("text"), "/c");
    drop(unread);
    let watch = client
        .get("/w", JSON, Purpose::Watch)
        .await
        .expect("an answer");
    assert_eq!(watch.bytes(10).await.expect("bytes"), "/w");
    assert_eq!((server.connections(), server.requests()), (3, 8));
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not_noticed_by_the_caller() {
    let server = Server::start(async |_| with(answer(200, "x"), "connection", "close")).await;
    let client = server.client().await;
    for _ in 0..20 {
        assert_eq!(text(&client, "/").await.expect("text"), "x");
    }
    assert_eq!(server.requests(), 20);
}

#[tokio::test]
async fn statuses_are_answers() {
    let server = Server::start(async |request: Request<_>| {
        let status = request.uri().path()[1..].parse().expect("a status");
        with(
            with(answer(status, "elsewhere"), "location", "/200"),
            "retry-after",
            "7",
        )
    })
    .await;
    let client = server.client().await;
    for status in [302, 401, 404, 410, 429, 500, 503] {
        let response = client
            .get(&format!("/{status}"), JSON, Purpose::List)
            .await
            .expect("an answer");
        assert_eq!(response.status, status);
        assert_eq!(response.retry_after(), Some(Duration::from_secs(7)));
    }
    assert_eq!(server.requests(), 7); // neither redirects nor repeats
}

#[tokio::test]
async fn bodies_are_bounded() {
    let server = Server::start(async |_| answer(200, vec![b'a'; 1000])).await;
    let client = server.client().await;
    for (limit, fits) in [(1000, true), (999, false), (0, false)] {
        let body = client
            .get("/", JSON, Purpose::Call)
            .await
            .expect("an answer")
            .bytes(limit)
            .await;
        match body {
            Ok(bytes) => assert!(fits && bytes.len() == 1000),
            Err(error) => {
                assert!(!fits && matches!(error, ClientError::TooLarge { .. }));
                assert_eq!(error.advice(), Advice::GiveUp);
            }
        }
    }
}

#[tokio::test]
async fn each_compressed_flush_arrives_at_once() {
    let (gate, gated) = mpsc::unbounded_channel::<()>();
    let gated = std::sync::Arc::new(tokio::sync::Mutex::new(gated));
    let server = Server::start(move |_| {
        let gated = std::sync::Arc::clone(&gated);
        async move {
            let (response, pieces) = stream(200);
            tokio::spawn(async move {
                for number in 0.. {
                    if gated.lock().await.recv().await.is_none() {
                        break;
                    }
                    pieces
                        .send(Ok(member(&format!("event {number}\n"))))
                        .expect("a reader");
                }
            });
            with(response, "content-encoding", "gzip")
        }
    })
    .await;
    let client = server.client().await;
    let mut watch = client
        .get("/", JSON, Purpose::Watch)
        .await
        .expect("an answer");
    for number in 0..200 {
        gate.send(()).expect("a receiver");
        let chunk = tokio::time::timeout(Duration::from_secs(5), watch.chunk())
            .await
            .expect("in time");
        assert_eq!(
            chunk.expect("more").expect("no error"),
            format!("event {number}\n")
        );
    }
    drop(gate);
    assert!(watch.chunk().await.is_none());
    assert!(watch.chunk().await.is_none());
}

#[tokio::test]
async fn damaged_bodies_are_errors() {
    let server = Server::start(async |request: Request<_>| match request.uri().path() {
        "/truncated" => with(
            answer(200, member("hello, hello").slice(..15)),
            "content-encoding",
            "gzip",
        ),
        "/liar" => with(answer(200, "{}"), "content-encoding", "gzip"),
        "/unknown" => with(answer(200, "{}"), "content-encoding", "br"),
        "/empty" => with(answer(200, ""), "content-encoding", "gzip"),
        _ => {
            let (response, pieces) = stream(200);
            pieces.send(Ok("half".into())).expect("a reader");
            pieces
                .send(Err(io::Error::other("broken")))
                .expect("a reader");
            with(response, "content-length", "1000")
        }
    })
    .await;
    let client = server.client().await;
    let shown = async |path| {
        text(&client, path)
            .await
            .map_err(|error| (error.advice(), error.to_string()))
    };
    let damaged = "the compressed answer is damaged: ";
    let retry = |reason: &str| Err((Advice::Retry, format!("{damaged}{reason}")));
    assert_eq!(shown("/truncated").await, retry("it ends inside a member"));
    assert_eq!(
        shown("/liar").await,
        retry("a member does not start with a gzip header")
    );
    let unknown = "the answer has the unknown content encoding \"br\"".to_owned();
    assert_eq!(shown("/unknown").await, Err((Advice::GiveUp, unknown)));
    assert_eq!(shown("/empty").await.as_deref(), Ok(""));
    let (advice, broken) = shown("/broken").await.expect_err("half a body");
    assert!(
        advice == Advice::Retry && broken.starts_with("the connection broke: "),
        "{broken}"
    );
}

#[tokio::test]
async fn silence_has_limits() {
    let silent = Server::start(async |_| std::future::pending().await).await;
    let options = ClientOptions {
        response_timeout: Duration::from_millis(200),
        ..ClientOptions::default()
    };
    let error = silent
        .client_with(options)
        .await
        .get("/", JSON, Purpose::Call)
        .await
        .expect_err("no answer");
    assert!(
        matches!(error, ClientError::ResponseTimeout { .. }),
        "{error}"
    );

    let mute = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", mute.local_addr().expect("an address"));
    let options = ClientOptions {
        connect_timeout: Duration::from_millis(200),
        ..ClientOptions::default()
    };
    let client = Client::connect(Source::Url(url), options)
        .await
        .expect("a client");
    let began = Instant::now();
    let error = client
        .get("/", JSON, Purpose::Watch)
        .await
        .expect_err("no handshake");
    assert!(
        matches!(error, ClientError::ConnectTimeout { .. }),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn absent_servers_and_impossible_requests() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let client = Client::connect(Source::Url(url), ClientOptions::default())
        .await
        .expect("a client");
    let error = client
        .get("/", JSON, Purpose::List)
        .await
        .expect_err("nobody listens");
    assert!(
        matches!(error, ClientError::Connect { .. }) && error.advice() == Advice::Retry,
        "{error}"
    );
    for (path, accept) in [("pods", JSON), ("/a b", JSON), ("/", "a\nb")] {
        let error = client
            .get(path, accept, Purpose::List)
            .await
            .expect_err("impossible");
        assert!(
            matches!(error, ClientError::Request { .. }) && error.advice() == Advice::GiveUp,
            "{error}"
        );
    }
}

#[tokio::test]
async fn other_methods_carry_bodies() {
    use http_body_util::BodyExt as _;
    let server = Server::start(async |request: Request<hyper::body::Incoming>| {
        let line = format!("{} {} ", request.method(), request.uri());
        let body = request
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        answer(201, [line.as_bytes(), &body].concat())
    })
    .await;
    let request = Request::post("https://elsewhere/api/v1/x?y")
        .body(Bytes::from_static(b"{}"))
        .expect("a request");
    let response = server
        .client()
        .await
        .send(request)
        .await
        .expect("an answer");
    assert_eq!(response.status, StatusCode::CREATED);
    assert_eq!(
        response.bytes(100).await.expect("bytes"),
        "POST /api/v1/x?y {}"
    );
}

/// What cannot be seen from outside without breaking a network: the kernel probes the peer of an idle
/// connection within five seconds.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn idle_connections_are_probed_by_the_kernel() {
    let server = Server::start(async |_| {
        let (response, pieces) = stream(200);
        tokio::spawn(async move { pieces.closed().await });
        response
    })
    .await;
    let client = server.client().await;
    let _watch = client
        .get("/", JSON, Purpose::Watch)
        .await
        .expect("an answer");
    tokio::time::sleep(Duration::from_millis(500)).await; // what was sent is acknowledged by then
    let port: u16 = server
        .url
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("a port");
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel's table");
    let peer = format!("0100007F:{port:04X}"); // 127.0.0.1, remote
    let timer = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|fields| fields[2] == peer)
        .map(|fields| fields[5].to_owned());
    let timer = timer.expect("the connection");
    let (kind, ticks) = timer.split_once(':').expect("a timer");
    let ticks = u64::from_str_radix(ticks, 16).expect("a number");
    assert_eq!(kind, "02", "keepalive");
    assert!(ticks <= 500, "{ticks} hundredths of a second");
}
