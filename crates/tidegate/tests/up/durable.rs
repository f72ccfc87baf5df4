//! What was acknowledged is there after `kill -9`.

use crate::{
    api::{Api, CONFIG_MAPS, config_map},
    folder::Folder,
    process::Up,
};
use http::Method;
use std::{
    collections::BTreeSet,
    path::Path,
    sync::mpsc::{Sender, channel},
    thread,
};

/// How often the server is killed.
const ROUNDS: usize = 5;
/// How many writers there are.
const WRITERS: usize = 4;

/// Creates objects until the server is gone, and tells each that was acknowledged.
fn write(kubeconfig: &Path, prefix: &str, told: &Sender<String>) {
    let api = Api::of(kubeconfig);
    for number in 0.. {
        let name = format!("{prefix}-{number}");
        match api.try_send(&Method::POST, CONFIG_MAPS, &config_map(&name, "1")) {
            Some((201, _)) => told.send(name).expect("someone listens"),
            _ => return,
        }
    }
}

#[test]
fn acknowledged_writes_survive_kill_9() {
    let folder = Folder::new();
    let mut all = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut up = Up::on(&folder, &[]);
        let (told, acknowledged) = channel();
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (kubeconfig, told) = (up.kubeconfig.clone(), told.clone());
                scope.spawn(move || write(&kubeconfig, &format!("r{round}-w{writer}"), &told));
            }
            drop(told);
            // In the midst of it, at another moment each time.
            let enough = 50 + 17 * round;
            all.extend(acknowledged.iter().take(enough));
            up.running.signal("KILL");
            all.extend(acknowledged.iter());
        });
        assert_eq!(up.running.wait(), None);
    }
    assert!(all.len() >= ROUNDS * 50, "{}", all.len());
    let up = Up::on(&folder, &[]);
    let (_, list) = up.api().get(CONFIG_MAPS);
    let items = list["items"].as_array().expect("items");
    let name = |item: &serde_json::Value| {
        let name = item["metadata"]["name"].as_str();
        name.unwrap_or_default().to_owned()
    };
    let found: BTreeSet<String> = items.iter().map(name).collect();
    let lost: Vec<_> = all.difference(&found).collect();
    assert!(lost.is_empty(), "lost {lost:?} of {}", all.len());
    for item in items.iter().filter(|item| name(item) != "kube-root-ca.crt") {
        assert_eq!(item["data"]["k"], "1", "half there: {item}");
    }
}
