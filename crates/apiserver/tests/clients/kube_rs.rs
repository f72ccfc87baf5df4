//! kube-rs's watcher, in each of its ways to begin, with whole objects and with metadata only.

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, Config, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt, reflector,
        watcher::{self, Event, InitialListStrategy, watcher},
    },
};
use secrecy::ExposeSecret;
use serde_json::json;
use std::{collections::BTreeMap, pin::pin, time::Duration};
use tidegate_apiserver::{Options, Server};

const PATIENCE: Duration = Duration::from_secs(60);
const TURN: &str = "turn";

/// A server in memory, and a client of an administrator.
async fn server(options: Options) -> (Server, Api<ConfigMap>) {
    let server = Server::start(options).await.expect("a server");
    let text = server.admin_kubeconfig().expect("a kubeconfig");
    let kubeconfig = Kubeconfig::from_yaml(text.expose_secret()).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a configuration");
    let client = Client::try_from(config).expect("a client");
    (server, Api::namespaced(client, "default"))
}

async fn create(api: &Api<ConfigMap>, name: &str, app: &str) {
    let object = json!({
        "metadata": { "name": name, "labels": { "app": app }, "annotations": { TURN: "0" } },
        "data": { "key": "value" },
    });
    let object = serde_json::from_value(object).expect("a ConfigMap");
    let created = api.create(&PostParams::default(), &object).await;
    created.expect("created");
}

/// Server-side apply, as controllers write.
async fn apply(api: &Api<ConfigMap>, name: &str, app: &str, turn: &str) {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "labels": { "app": app }, "annotations": { TURN: turn } },
    });
    let force = PatchParams::apply("clients").force();
    let applied = api.patch(name, &force, &Patch::Apply(object)).await;
    applied.expect("applied");
}

/// What a follower knows, and what it was told since the last beginning.
#[derive(Debug, Default)]
struct Seen {
    beginnings: usize,
    pending: BTreeMap<String, String>,
    objects: BTreeMap<String, String>,
    told: Vec<String>,
}

impl Seen {
    fn take<K: ResourceExt>(&mut self, event: Event<K>) {
        let turn = |object: &K| object.annotations().get(TURN).cloned().unwrap_or_default();
        match event {
            Event::Init => self.pending.clear(),
            Event::InitApply(object) => {
                self.pending.insert(object.name_any(), turn(&object));
            }
            Event::InitDone => {
                self.objects = std::mem::take(&mut self.pending);
                self.beginnings += 1;
            }
            Event::Apply(object) => {
                self.told
                    .push(format!("{}={}", object.name_any(), turn(&object)));
                self.objects.insert(object.name_any(), turn(&object));
            }
            Event::Delete(object) => {
                self.told.push(format!("-{}", object.name_any()));
                self.objects.remove(&object.name_any());
            }
        }
    }

    /// Follows until something holds.
    async fn follow<K: ResourceExt>(
        &mut self,
        events: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin),
        what: &str,
        holds: impl Fn(&Self) -> bool,
    ) {
        let follow = async {
            while !holds(self) {
                // Errors are told, and the watcher begins again.
                if let Ok(event) = events.next().await.expect("a watcher never ends") {
                    self.take(event);
                }
            }
        };
        let ended = tokio::time::timeout(PATIENCE, follow).await;
        assert!(ended.is_ok(), "never: {what}: {self:?}");
    }
}

/// Everything that a watcher must get right, in one life.
async fn lives<K: ResourceExt>(
    server: &Server,
    api: &Api<ConfigMap>,
    events: impl Stream<Item = watcher::Result<Event<K>>>,
) {
    let mut events = pin!(events.default_backoff());
    let mut seen = Seen::default();
    for number in 0..25 {
        create(api, &format!("a{number:02}"), "a").await;
    }
    create(api, "other", "b").await;
    seen.follow(&mut events, "a beginning", |seen| seen.beginnings == 1)
        .await;
    assert_eq!(seen.objects.len(), 25, "{seen:?}");
    for turn in ["1", "2", "3"] {
        apply(api, "a03", "a", turn).await;
    }
    create(api, "new", "a").await;
    let deleted = api.delete("a01", &DeleteParams::default()).await;
    deleted.expect("deleted");
    // Out of what is selected, and into it.
    apply(api, "a04", "b", "1").await;
    apply(api, "other", "a", "1").await;
    apply(api, "a05", "b", "2").await;
    seen.follow(&mut events, "all changes", |seen| seen.told.len() == 8)
        .await;
    let expected = "a03=1 a03=2 a03=3 new=0 -a01 -a04 other=1 -a05";
    assert_eq!(seen.told.join(" "), expected);
    // A watch that ends is resumed where it was.
    server.fault_drop_watches();
    apply(api, "a06", "a", "1").await;
    seen.follow(&mut events, "a change after the end of a watch", |seen| {
        seen.told.len() == 9
    })
    .await;
    assert_eq!((seen.told[8].as_str(), seen.beginnings), ("a06=1", 1));
    is_told_again(server, api, &mut events, &mut seen).await;
}

/// A watcher that comes back too late, after its place was forgotten, begins anew, and then knows all.
async fn is_told_again<K: ResourceExt>(
    server: &Server,
    api: &Api<ConfigMap>,
    events: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin),
    seen: &mut Seen,
) {
    for attempt in 1..=20 {
        let turn = format!("again-{attempt}");
        server.fault_drop_watches();
        // Nobody polls the watcher here, so that it comes back after this.
        apply(api, "a07", "a", &turn).await;
        apply(api, "a08", "a", &turn).await;
        server.compact().await.expect("compacted");
        seen.follow(events, "the last change", |seen| {
            ["a07", "a08"]
                .iter()
                .all(|name| seen.objects[*name] == turn)
        })
        .await;
        if seen.beginnings > 1 {
            return;
        }
    }
    panic!("it never had to begin anew: {seen:?}");
}

fn config(strategy: InitialListStrategy) -> watcher::Config {
    watcher::Config {
        initial_list_strategy: strategy,
        // Pages, where it lists.
        page_size: Some(10),
        ..watcher::Config::default().labels("app=a")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_lists() {
    let (server, api) = server(Options::default()).await;
    let events = watcher(api.clone(), config(InitialListStrategy::ListWatch));
    lives(&server, &api, events).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_streams() {
    let (server, api) = server(Options::default()).await;
    let mut config = config(InitialListStrategy::StreamingList);
    config.page_size = None;
    let events = watcher(api.clone(), config);
    lives(&server, &api, events).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_of_metadata() {
    for strategy in [
        InitialListStrategy::ListWatch,
        InitialListStrategy::StreamingList,
    ] {
        let (server, api) = server(Options::default()).await;
        let metadata: Api<PartialObjectMeta<ConfigMap>> =
            Api::namespaced(api.clone().into_client(), "default");
        let events = watcher(metadata, config(strategy));
        lives(&server, &api, events).await;
        server.stop().await;
    }
}

/// A cache goes on with a server that was stopped and started again on the same data.
#[tokio::test(flavor = "multi_thread")]
async fn a_reflector_survives_a_restart() {
    let dir = std::env::temp_dir().join(format!("tidegate-kube-rs-{}", std::process::id()));
    let options = Options {
        data_dir: Some(dir.clone()),
        ..Options::default()
    };
    let (first, api) = server(options.clone()).await;
    create(&api, "a", "a").await;
    create(&api, "gone", "a").await;
    let (reader, writer) = reflector::store();
    let events = watcher(api.clone(), config(InitialListStrategy::ListWatch));
    let reflected = events.default_backoff().reflect(writer);
    let task = tokio::spawn(reflected.for_each(|_event| std::future::ready(())));
    reader.wait_until_ready().await.expect("a cache");
    let turn_of = |name: &str| {
        let known = reader.state();
        let object = known.iter().find(|object| object.name_any() == name)?;
        object.annotations().get(TURN).cloned()
    };
    assert_eq!(turn_of("gone").as_deref(), Some("0"));
    let listen = first.address();
    first.stop().await;
    let (second, _) = server(Options { listen, ..options }).await;
    apply(&api, "a", "a", "1").await;
    let deleted = api.delete("gone", &DeleteParams::default()).await;
    deleted.expect("deleted");
    let began = std::time::Instant::now();
    while turn_of("a").as_deref() != Some("1") || turn_of("gone").is_some() {
        assert!(began.elapsed() < PATIENCE, "the cache is behind");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    task.abort();
    second.stop().await;
    std::fs::remove_dir_all(dir).expect("removed");
}
