//! Failures of the gateway's own, as clients of gRPC want to be told them.

use http::HeaderValue;
use tidegate_routing::Action;

use crate::{
    h2_support::{ask, connect, request},
    support::{Origin, World, answer, free_address, rule, status},
};

/// A world in which each path fails in another way.
async fn world() -> World {
    let mut world = World::new();
    world.route("/none", &[], |_, _| {});
    world.route("/gone", &[free_address()], |_, _| {});
    world.route("/busy", &[free_address()], |_, cluster| {
        cluster.limits.requests = Some(0)
    });
    let bad = Origin::always("HTTP/1.1 200 X\r\ncontent-length: 1, 2\r\n\r\n").await;
    world.route("/bad", &[bad.address], |_, _| {});
    let own = Origin::always(&answer(503, "", "its own")).await;
    world.route("/own", &[own.address], |_, _| {});
    let fails = Action::Fail {
        status: 500,
        reason: "a test".into(),
    };
    world.attach("/fails", rule("fails", fails));
    world
}

#[tokio::test]
async fn failures_are_trailers_of_grpc() {
    let mut world = world().await;
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    // What a call is told, and what anybody else is.
    for (path, grpc, message, http) in [
        ("/none", "14", "no endpoint is available", "503"),
        ("/gone", "14", "no connection to the backend", "502"),
        ("/busy", "14", "too many requests are under way", "503"),
        ("/bad", "14", "the backend's answer is malformed", "502"),
        ("/fails", "2", "the route can't be served", "500"),
        ("/elsewhere", "12", "no route matches", "404"),
        ("/%00", "13", "bad request: path", "400"),
    ] {
        for kind in ["application/grpc", "application/grpc+proto"] {
            let mut call = request("POST", path);
            let kind = HeaderValue::from_static(kind);
            call.headers_mut().insert("content-type", kind);
            let got = ask(&sender, call, b"12345", None).await.expect("an answer");
            assert_eq!(got.line, "200", "{path}");
            assert_eq!(got.field("grpc-status"), Some(grpc), "{path}");
            assert_eq!(got.field("grpc-message"), Some(message), "{path}");
            assert_eq!(
                got.field("content-type"),
                Some("application/grpc"),
                "{path}"
            );
            assert_eq!(got.field("content-length"), None, "{path}");
            assert!(got.body.is_empty() && got.trailers.is_none(), "{got:?}");
        }
        for kind in ["application/grpc-web", "application/json"] {
            let mut other = request("POST", path);
            let kind = HeaderValue::from_static(kind);
            other.headers_mut().insert("content-type", kind);
            let got = ask(&sender, other, b"12345", None)
                .await
                .expect("an answer");
            assert_eq!(
                (got.line.as_str(), got.field("grpc-status")),
                (http, None),
                "{path}"
            );
        }
    }
}

/// What a backend answers is its own affair, and HTTP/1 has no gRPC.
#[tokio::test]
async fn others_failures_stay_what_they_are() {
    let mut world = world().await;
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    let mut call = request("POST", "/own");
    let kind = HeaderValue::from_static("application/grpc");
    call.headers_mut().insert("content-type", kind);
    let got = ask(&sender, call, b"12345", None).await.expect("an answer");
    assert_eq!((got.line.as_str(), got.field("grpc-status")), ("503", None));
    let fields = "content-type: application/grpc\r\n";
    let got = crate::support::get(world.address, "/none", fields).await;
    assert_eq!(status(&got), 503);
}
