//! `tidegate watch` on it.

use crate::{
    api::{CONFIG_MAPS, config_map},
    folder::Folder,
    process::{Running, Up},
};
use http::Method;
use serde_json::{Value, json};

/// The next event about the config map.
fn event(watch: &Running) -> (String, Value) {
    let line = watch.says("\"name\":\"boat\"");
    let event: Value = serde_json::from_str(&line).expect("one JSON object a line");
    (
        event["event"].as_str().unwrap_or_default().to_owned(),
        event["object"]["data"].clone(),
    )
}

#[test]
fn changes_are_seen_over_a_restart() {
    let folder = Folder::new();
    let listen = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        free.local_addr().expect("an address").to_string()
    };
    let mut up = Up::on(&folder, &["--listen", &listen]);
    let kubeconfig = up.kubeconfig.display().to_string();
    let watch = Running::start(&[
        "watch",
        "configmaps",
        "-n",
        "default",
        "-o",
        "json",
        "--kubeconfig",
        &kubeconfig,
    ]);
    watch.says("SYNCED");
    up.api().create("boat");
    assert_eq!(event(&watch), ("ADDED".to_owned(), json!({ "k": "1" })));
    // A client certificate of before is still good, and nothing is told twice.
    up.running.signal("KILL");
    assert_eq!(up.running.wait(), None);
    up = Up::on(&folder, &["--listen", &listen]);
    let path = format!("{CONFIG_MAPS}/boat");
    up.api().send(&Method::PUT, &path, &config_map("boat", "2"));
    assert_eq!(event(&watch), ("MODIFIED".to_owned(), json!({ "k": "2" })));
    up.api().send(&Method::DELETE, &path, &Value::Null);
    assert_eq!(event(&watch), ("DELETED".to_owned(), json!({ "k": "2" })));
}
