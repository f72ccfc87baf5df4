//! Health checks of a `Backend` from outside: what is refused, what is probed, and what the admin listener says of it.

use crate::{
    folder::Folder,
    objects::{
        BACKENDS, GATEWAYS, ROUTES, backend, create, gateway, programmed, route, until_answer, up,
    },
    origin::{self, Origin},
    process::{finish, until},
};
use http::Method;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};

/// Where nobody listens.
fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// How the endpoints of `Backend` `a` do, as `/config` tells it.
fn told(admin: SocketAddr) -> Option<Vec<Option<bool>>> {
    let (_, text) = origin::get(admin, "/config").ok()?;
    let config: Value = serde_json::from_str(&text).ok()?;
    let endpoints = config["clusters"]["backend:default/a"]["endpoints"].as_array()?;
    let healthy = endpoints.iter().map(|one| one["healthy"].as_bool());
    Some(healthy.collect())
}

#[test]
fn endpoints_that_fail_are_named_and_not_asked() {
    let folder = Folder::new();
    let up = up(&folder, "127.43.14.0/24");
    let api = up.api();
    let (good, bad) = (Origin::start("good"), closed());
    let mut checked = backend("a", good.address());
    checked["spec"]["endpoints"] = [good.address(), bad]
        .iter()
        .map(|one| json!({ "host": one.ip().to_string(), "port": one.port() }))
        .collect();
    checked["spec"]["healthCheck"] = json!({ "path": "/well", "interval": "100ms" });
    create(&api, GATEWAYS, &gateway("web", 8080));
    create(&api, BACKENDS, &checked);
    create(&api, ROUTES, &route("r", "web", "/", "a"));
    let at = programmed(&api, "web");
    let admin = up.admin.expect("a gateway");
    until("verdicts", || {
        (told(admin)? == [Some(true), Some(false)]).then_some(())
    });
    let (_, figures) = origin::get(admin, "/metrics").expect("figures");
    for (address, healthy) in [(good.address(), 1), (bad, 0)] {
        let series = format!(
            "tidegate_endpoint_healthy{{cluster=\"backend:default/a\",endpoint=\"{address}\"}} {healthy}"
        );
        assert!(figures.contains(&series), "{series} is not in\n{figures}");
    }
    let (admin, kubeconfig) = (admin.to_string(), up.kubeconfig.display().to_string());
    let listed = finish(&["routes", "--kubeconfig", &kubeconfig, "--admin", &admin]);
    let lines: Vec<&str> = listed.stdout.lines().collect();
    let [_, rule, fault] = lines[..] else {
        panic!("{listed:?}");
    };
    assert!(rule.contains("  1/2 healthy  "), "{rule}");
    let words = format!("    {bad} of backend:default/a: ");
    assert!(
        fault.starts_with(&words) && fault.len() > words.len(),
        "{fault}"
    );
    let explained = finish(&["explain", &format!("http://{at}/"), "--admin", &admin]);
    for line in [
        format!("  {} healthy\n", good.address()),
        format!("  {bad} failing: {}\n", &fault[words.len()..]),
    ] {
        assert!(
            explained.stdout.contains(&line),
            "{line}{}",
            explained.stdout
        );
    }
    until_answer(at, "/", "200 good");
    for _ in 0..10 {
        assert!(origin::get(at, "/").is_ok_and(|(status, _)| status == 200));
    }
    up.end();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = Folder::new();
    let up = up(&folder, "127.43.15.0/24");
    let api = up.api();
    let check = |change: Value, words: &str| {
        let mut object = backend("a", closed());
        let fields = change.as_object().expect("fields").clone();
        object["spec"]
            .as_object_mut()
            .expect("a spec")
            .extend(fields);
        let (status, answer) = api.send(&Method::POST, BACKENDS, &object);
        assert_eq!(status, 422, "{answer}");
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{message}");
    };
    check(json!({ "healthCheck": {} }), "a probe by HTTP needs a path");
    check(
        json!({ "healthCheck": { "type": "TCP", "path": "/" } }),
        "path and host go with type HTTP",
    );
    check(
        json!({ "protocol": "HTTP2", "proxyProtocol": "v2" }),
        "proxyProtocol can't go with protocol HTTP2",
    );
    for delay in ["19ms", "61s", "1h"] {
        check(
            json!({ "hedging": { "delay": delay } }),
            "must be between 20ms and 1m",
        );
    }
    up.end();
}
