//! What a gateway tells of requests: a line, figures, a span; and what it doesn't tell.

use crate::{
    folder::Folder,
    objects::{BACKENDS, GATEWAYS, ROUTES, ask, backend, create, gateway, route, up},
    origin::{self, Recorder},
    process::{Running, finish, until},
};
use serde_json::Value;
use std::{fs, net::SocketAddr};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A figure of the admin listener.
fn figure(admin: SocketAddr, series: &str) -> u64 {
    let (_, text) = origin::get(admin, "/metrics").expect("figures");
    let lines = text.lines().find_map(|line| line.strip_prefix(series));
    lines.map_or(0, |value| value.trim().parse().expect("a number"))
}

fn admin(gateway: &Running) -> SocketAddr {
    let line = gateway.complains("the admin listener is up");
    let address = line.rsplit_once("address=").expect("an address").1;
    address.parse().expect("an address")
}

#[track_caller]
fn check_line(line: &str) {
    assert!(!line.contains("hush"), "{line}");
    let told: Value = serde_json::from_str(line).expect("JSON");
    for (field, expected) in [
        ("method", "GET"),
        ("host", "h"),
        ("path", "/seen"),
        ("client", "192.0.2.7"),
        ("route", "default/r"),
        ("listener", "default/web/http"),
        ("trace_id", TRACE),
    ] {
        assert_eq!(told[field], expected, "{field}: {line}");
    }
    assert_eq!((&told["status"], &told["tries"]), (&200.into(), &1.into()));
}

#[test]
fn a_request_leaves_a_line_a_count_and_a_span() {
    let folder = Folder::new();
    let server = up(&folder, "127.43.9.0/24");
    let api = server.api();
    let (origin, collector) = (Recorder::start(), Recorder::start());
    create(&api, BACKENDS, &backend("a", origin.address()));
    create(&api, GATEWAYS, &gateway("web", 8080));
    create(&api, ROUTES, &route("r", "web", "/", "a"));
    let mut gateway = Running::start(&[
        "gateway",
        "--kubeconfig",
        &server.kubeconfig.display().to_string(),
        "--address-pool",
        "127.43.10.0/24",
        "--admin",
        "127.0.0.1:0",
        "--allow-local-backends",
        "--otlp-endpoint",
        &format!("http://{}", collector.address()),
        "--trusted-hops",
        "1",
    ]);
    let admin = admin(&gateway);
    gateway.complains("ready");
    let at = until("an address", || {
        (1..255)
            .map(|last| SocketAddr::from(([127, 43, 10, last], 8080)))
            .find(|at| ask(*at, "/").starts_with("200"))
    });
    let series = "tidegate_route_requests_total{route=\"default/r\",class=\"2xx\"}";
    let before = figure(admin, series);
    let fields = format!(
        "host: h\nauthorization: Bearer hush\ncookie: session=hush\nx-forwarded-for: 192.0.2.7\n\
         traceparent: 00-{TRACE}-{PARENT}-01"
    );
    let (status, _) = origin::get_fields(at, "/seen?token=hush", &fields).expect("an answer");
    assert_eq!(status, 200);
    assert_eq!(figure(admin, series), before + 1);

    check_line(&gateway.says("/seen"));

    let forwarded = origin.heard("/seen");
    let context = forwarded
        .lines()
        .find_map(|line| line.strip_prefix("traceparent: "));
    let context = context.expect("a traceparent");
    assert!(
        context.starts_with(&format!("00-{TRACE}-")) && !context.contains(PARENT),
        "{context}"
    );
    let span = collector.heard(TRACE);
    let id = context.split('-').nth(2).expect("a span");
    assert!(
        span.contains(id) && span.contains(PARENT) && !span.contains("hush"),
        "{span}"
    );

    // The last lines are written when it ends.
    assert!(ask(at, "/last").starts_with("200"));
    gateway.signal("TERM");
    assert_eq!(gateway.wait(), Some(0));
    gateway.says("/last");
    server.end();
}

#[test]
fn up_writes_its_log_into_a_file() {
    let folder = Folder::new();
    let (log, data) = (folder.text("log"), folder.text("data"));
    let up = crate::process::Up::with_gateway(&[
        "--data-dir",
        &data,
        "--address-pool",
        "127.43.11.0/24",
        "--admin",
        "127.0.0.1:0",
        "--access-log",
        "text",
        "--access-log-file",
        &log,
        "--access-log-fields",
        "status,path,reason",
    ]);
    let api = up.api();
    create(&api, GATEWAYS, &gateway("web", 8080));
    let at = crate::objects::programmed(&api, "web");
    let (status, _) = origin::get(at, "/x?y").expect("an answer");
    assert_eq!(status, 404);
    up.end();
    let lines = fs::read_to_string(&log).expect("a log");
    assert_eq!(lines, "status=404 path=/x reason=no_route\n");
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    for (arguments, words) in [
        (
            &["gateway", "--access-log", "xml"][..],
            "invalid value 'xml'",
        ),
        (
            &["gateway", "--access-log-fields", "cookie"],
            "the fields are time, ",
        ),
        (&["gateway", "--otlp-one-in", "5"], "--otlp-endpoint"),
        (&["gateway", "--access-log-one-in", "0"], "0 is not in"),
        (
            &["up", "--no-gateway", "--access-log", "json"],
            "cannot be used with",
        ),
    ] {
        let finished = finish(arguments);
        assert_eq!(finished.code, Some(1), "{arguments:?}");
        assert!(
            finished.stderr.contains(words),
            "{arguments:?}: {finished:?}"
        );
    }
}
