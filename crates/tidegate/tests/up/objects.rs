//! Gateways, routes and backends as JSON, and what becomes of them.

use crate::{
    api::Api,
    folder::Folder,
    origin,
    process::{PATIENCE, Up, until},
};
use http::Method;
use serde_json::{Value, json};
use std::{net::SocketAddr, thread, time::Instant};

pub(crate) const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways";
pub(crate) const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";
pub(crate) const BACKENDS: &str = "/apis/tidegate.dev/v1alpha1/namespaces/default/backends";

pub(crate) fn create(api: &Api, collection: &str, object: &Value) {
    let (status, answer) = api.send(&Method::POST, collection, object);
    assert_eq!(status, 201, "{answer}");
}

pub(crate) fn gateway(name: &str, port: u16) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": { "name": name },
        "spec": {
            "gatewayClassName": "tidegate",
            "listeners": [{ "name": "http", "protocol": "HTTP", "port": port }],
        },
    })
}

pub(crate) fn backend(name: &str, address: SocketAddr) -> Value {
    json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "Backend",
        "metadata": { "name": name },
        "spec": { "endpoints": [{ "host": address.ip().to_string(), "port": address.port() }] },
    })
}

pub(crate) fn route(name: &str, gateway: &str, path: &str, backend: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": { "name": name },
        "spec": {
            "parentRefs": [{ "name": gateway }],
            "rules": [{
                "matches": [{ "path": { "type": "PathPrefix", "value": path } }],
                "backendRefs": [{ "group": "tidegate.dev", "kind": "Backend", "name": backend }],
            }],
        },
    })
}

/// `status` and body of a request to a Gateway, as words.
pub(crate) fn ask(at: SocketAddr, path: &str) -> String {
    origin::get(at, path).map_or_else(
        |error| error.to_string(),
        |(status, body)| format!("{status} {body}"),
    )
}

#[track_caller]
pub(crate) fn until_answer(at: SocketAddr, path: &str, expected: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = ask(at, path);
        if found.starts_with(expected) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{path} of {at}: {found}, not {expected}"
        );
        thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// The address of a Gateway that is programmed.
pub(crate) fn programmed(api: &Api, name: &str) -> SocketAddr {
    until(&format!("gateway {name}"), || {
        let (_, object) = api.get(&format!("{GATEWAYS}/{name}"));
        let conditions = object["status"]["conditions"].as_array()?;
        conditions
            .iter()
            .find(|one| one["type"] == "Programmed" && one["status"] == "True")?;
        let ip = object["status"]["addresses"][0]["value"].as_str()?;
        let port = object["spec"]["listeners"][0]["port"].as_u64()?;
        format!("{ip}:{port}").parse().ok()
    })
}

/// A condition of a route's first parent, as `Status Reason`.
pub(crate) fn condition(route: &Value, name: &str) -> Option<String> {
    let all = route["status"]["parents"][0]["conditions"].as_array()?;
    let one = all.iter().find(|one| one["type"] == name)?;
    let word = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
    Some(format!("{} {}", word("status"), word("reason")))
}

/// `tidegate up` with its gateway, on a pool that no other test uses.
pub(crate) fn up(folder: &Folder, pool: &str) -> Up {
    let data = folder.text("data");
    Up::with_gateway(&[
        "--data-dir",
        &data,
        "--address-pool",
        pool,
        "--admin",
        "127.0.0.1:0",
        "--gateway-workers",
        "2",
    ])
}
