//! Writers: read, then write on what was read, whatever others do meanwhile.

use crate::{
    Shared,
    history::{Kind, Write},
    http::{Answer, Client},
    random::Random,
};
use serde_json::{Value, json};
use std::sync::{Arc, atomic::Ordering};

/// Few, so that writers meet.
const OBJECTS: usize = 5;
pub(crate) const NAMESPACES: [&str; 2] = ["default", "kube-public"];
pub(crate) const MERGE: &str = "application/merge-patch+json";

/// The version of an object.
pub(crate) fn version(object: &Value) -> u64 {
    let version = object["metadata"]["resourceVersion"].as_str();
    version
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no version: {object}"))
}

pub(crate) async fn write_on(client: Client, mut random: Random, shared: Arc<Shared>) {
    let mut count = 0_u64;
    while !shared.ended.load(Ordering::SeqCst) {
        count += 1;
        let namespace = *random.pick(&NAMESPACES);
        let name = format!("o{}", random.below(OBJECTS));
        let collection = format!("/api/v1/namespaces/{namespace}/configmaps");
        let path = format!("{collection}/{name}");
        let key = format!("{namespace}/{name}");
        let value = format!("{}", random.number());
        let colour = *random.pick(&["red", "blue"]);
        let read = client.json("GET", &path, &Value::Null).await;
        if read.status == 404 {
            let object = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": { "name": name, "labels": { "colour": colour, "test": "yes" } },
                "data": { "value": value },
            });
            let answer = client.json("POST", &collection, &object).await;
            note(&shared, &key, Kind::Create, None, &answer);
            continue;
        }
        assert_eq!(read.status, 200, "{read:?}");
        let mut object = read.json();
        let based = version(&object);
        if random.percent(30) {
            tokio::task::yield_now().await;
        }
        match random.below(10) {
            0 => {
                let options = json!({ "preconditions": { "resourceVersion": based.to_string() } });
                let answer = client.json("DELETE", &path, &options).await;
                note(&shared, &key, Kind::Delete, Some(based), &answer);
            }
            1..3 => {
                let patch = json!({
                    "metadata": { "labels": { "colour": colour } },
                    "data": { "value": value },
                });
                let answer = client.send("PATCH", &path, MERGE, patch.to_string()).await;
                note(
                    &shared,
                    &key,
                    Kind::Patch,
                    None,
                    &answer.expect("an answer"),
                );
            }
            _ => {
                object["data"]["value"] = value.as_str().into();
                object["metadata"]["labels"]["colour"] = colour.into();
                let answer = client.json("PUT", &path, &object).await;
                note(&shared, &key, Kind::Update, Some(based), &answer);
            }
        }
        if count.is_multiple_of(16) {
            stale(&client, &shared, &path, &object, &value).await;
        }
    }
}

/// Writes on a version that is surely old, after a write of one's own.
async fn stale(client: &Client, shared: &Shared, path: &str, old: &Value, value: &str) {
    let patch = json!({ "data": { "value": format!("fresh {value}") } });
    let answer = client.send("PATCH", path, MERGE, patch.to_string()).await;
    let answer = answer.expect("an answer");
    let key = old["metadata"]["namespace"].as_str().unwrap_or_default();
    let key = format!(
        "{key}/{}",
        old["metadata"]["name"].as_str().unwrap_or_default()
    );
    note(shared, &key, Kind::Patch, None, &answer);
    if answer.status != 200 {
        return;
    }
    let mut object = old.clone();
    object["data"]["value"] = "stale".into();
    let answer = client.json("PUT", path, &object).await;
    // It may be deleted by now, and then be another object of that name.
    assert!(
        matches!(answer.status, 404 | 409),
        "an update on an old version was accepted: {answer:?}"
    );
    shared.conflicts.fetch_add(1, Ordering::SeqCst);
}

fn note(shared: &Shared, key: &str, kind: Kind, based: Option<u64>, answer: &Answer) {
    match answer.status {
        200 | 201 => {
            let object = answer.json();
            // A deletion is answered with a Status: its version is known to those who watch.
            let version = (kind != Kind::Delete).then(|| version(&object));
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let colour = text(&object["metadata"]["labels"]["colour"]);
            let value = text(&object["data"]["value"]);
            let write = Write {
                key: key.to_owned(),
                kind,
                based,
                version,
                value,
                colour,
            };
            shared.writes.lock().expect("no panic").push(write);
        }
        409 if kind == Kind::Create || kind == Kind::Patch => {}
        409 => {
            shared.conflicts.fetch_add(1, Ordering::SeqCst);
        }
        404 => {}
        _ => panic!("{kind:?} of {key}: {answer:?}"),
    }
}
