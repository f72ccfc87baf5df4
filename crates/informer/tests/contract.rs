//! The promises of `contract`, one test each, on a real API server. Those about merging and order that need a
//! controlled history are beside the code and in the simulation.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};
use tidegate_informer::{
    Client, ClientOptions, Event, Gvr, Handler, HandlerOptions, Informer, InformerFactory, Object,
    Phase, ResourceVersion, Selector, Source, from_fn,
};
use tidegate_testcluster::{Cluster, User};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

async fn cluster() -> &'static Cluster {
    Cluster::shared().await.expect("the test cluster starts")
}

async fn factory_of(user: User) -> InformerFactory {
    let path = Some(cluster().await.kubeconfig_of(user).to_owned());
    let source = Source::Kubeconfig {
        path,
        context: None,
        cluster: None,
        user: None,
    };
    let client = Client::connect(source, ClientOptions::default())
        .await
        .expect("a client");
    InformerFactory::new(client)
}

fn config_maps() -> Gvr {
    Gvr::new("", "v1", "configmaps")
}

/// ConfigMaps with the label `test=yes` of one new namespace, in sync.
async fn fresh(factory: &InformerFactory, prefix: &str) -> (String, Informer) {
    let namespace = cluster()
        .await
        .namespace(prefix)
        .await
        .expect("a namespace");
    let informer = factory
        .for_resource(config_maps())
        .namespace(&namespace)
        .labels("test=yes")
        .start();
    timeout(PATIENCE, informer.synced())
        .await
        .expect("in time")
        .expect("in sync");
    (namespace, informer)
}

/// Creates or changes ConfigMaps; answers the version of the last.
async fn write(namespace: &str, names: &[&str], value: &str) -> ResourceVersion {
    let documents: Vec<String> = names
        .iter()
        .map(|name| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{test: 'yes'}}}}\ndata: {{value: '{value}'}}\n")
        })
        .collect();
    let cluster = cluster().await;
    cluster
        .apply(&documents.join("---\n"))
        .await
        .expect("applied");
    let last = names.last().expect("a name");
    let version = cluster
        .kubectl(&[
            "get",
            "configmap",
            last,
            "-n",
            namespace,
            "-o",
            "jsonpath={.metadata.resourceVersion}",
        ])
        .await
        .expect("it is there");
    ResourceVersion::parse(version.stdout.trim()).expect("a version")
}

async fn remove(namespace: &str, name: &str) {
    cluster()
        .await
        .kubectl(&["delete", "configmap", name, "-n", namespace])
        .await
        .expect("deleted");
}

async fn reach(informer: &Informer, version: &ResourceVersion) {
    timeout(PATIENCE, informer.reached(version))
        .await
        .expect("in time")
        .expect("reached");
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// A handler that writes down what it is told.
fn recorder() -> (impl Handler, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let book = Arc::clone(&told);
    let handler = from_fn(move |event| {
        let line = match &event {
            Event::Added { object, initial } => format!(
                "added {}{}",
                object.name(),
                if *initial { " initially" } else { "" }
            ),
            Event::Updated { old, new } if old.same(new) => format!("resync {}", new.name()),
            Event::Updated { new, .. } => format!("updated {} to {}", new.name(), value_of(new)),
            Event::Deleted { object, .. } => format!("deleted {}", object.name()),
            Event::Synced => "synced".to_owned(),
        };
        book.lock().expect("no panic").push(line);
    });
    (handler, told)
}

fn value_of(object: &Object) -> String {
    object
        .pointer("/data/value")
        .expect("it decodes")
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_watch_for_equal_targets() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "equal").await;
    let start = || {
        factory
            .for_resource(config_maps())
            .namespace(&namespace)
            .labels("test=yes")
            .start()
    };
    let again = start();
    let other = factory
        .for_resource(config_maps())
        .namespace(&namespace)
        .start();
    assert_eq!(factory.informers().len(), 2);
    assert_eq!(factory.metrics().informers.len(), 2);
    drop(informer);
    assert!(again.has_synced(), "another user keeps it running");
    let stream = again.stream();
    drop(again);
    assert_eq!(factory.informers().len(), 2, "a stream keeps it running");
    drop((stream, other));
    assert_eq!(factory.informers().len(), 0);
    timeout(PATIENCE, start().synced())
        .await
        .expect("in time")
        .expect("it starts anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn reached_reads_your_own_writes() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "writes").await;
    for value in ["one", "two", "three"] {
        let version = write(&namespace, &["mine"], value).await;
        reach(&informer, &version).await;
        assert_eq!(
            value_of(&informer.get(Some(&namespace), "mine").expect("it is there")),
            value
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_fields_are_dropped() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "managed").await;
    reach(&informer, &write(&namespace, &["mine"], "x").await).await;
    let check = |object: Object| {
        let json: serde_json::Value = object.get().expect("it decodes");
        assert_eq!(
            (&json["apiVersion"], &json["kind"]),
            (&"v1".into(), &"ConfigMap".into())
        );
        assert!(json["metadata"].get("managedFields").is_none(), "{json}");
        assert_eq!(json["metadata"]["uid"], object.uid().to_string());
    };
    check(informer.get(Some(&namespace), "mine").expect("watched"));

    let options = tidegate_informer::FactoryOptions {
        streaming_lists: false,
        page_limit: 1,
        ..Default::default()
    };
    let lists = InformerFactory::with_options(factory.client().clone(), options);
    let listed = lists
        .for_resource(config_maps())
        .namespace(&namespace)
        .start();
    timeout(PATIENCE, listed.synced())
        .await
        .expect("in time")
        .expect("in sync");
    check(listed.get(Some(&namespace), "mine").expect("listed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_only_has_nothing_else() {
    let factory = factory_of(User::Admin).await;
    let (namespace, _informer) = fresh(&factory, "meta").await;
    let version = write(&namespace, &["mine"], "secret").await;
    for streaming_lists in [true, false] {
        let options = tidegate_informer::FactoryOptions {
            streaming_lists,
            ..Default::default()
        };
        let factory = InformerFactory::with_options(factory.client().clone(), options);
        let informer = factory
            .for_resource(config_maps())
            .namespace(&namespace)
            .labels("test=yes")
            .metadata_only()
            .start();
        timeout(PATIENCE, informer.synced())
            .await
            .expect("in time")
            .expect("in sync");
        reach(&informer, &version).await;
        let object = informer.get(Some(&namespace), "mine").expect("it is there");
        let json: serde_json::Value = object.get().expect("it decodes");
        assert_eq!(json["kind"], "PartialObjectMetadata");
        assert!(json.get("data").is_none(), "{json}");
        assert_eq!(object.labels().get("test"), Some("yes"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_handlers_are_told_everything() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "late").await;
    let (early, early_told) = recorder();
    let early = informer.add_handler(early);
    reach(&informer, &write(&namespace, &["a", "b"], "1").await).await;
    let (late, late_told) = recorder();
    let late = informer.add_handler(late);
    assert!(timeout(PATIENCE, late.synced()).await.expect("in time"));
    assert_eq!(
        *late_told.lock().expect("no panic"),
        ["added a initially", "added b initially", "synced"]
    );
    write(&namespace, &["b"], "2").await;
    remove(&namespace, "a").await;
    eventually("both handlers heard of the deletion", || {
        early.delivered() == 5 && late.delivered() == 5
    })
    .await;
    assert_eq!(
        late_told.lock().expect("no panic")[3..],
        ["updated b to 2", "deleted a"]
    );
    assert_eq!(
        *early_told.lock().expect("no panic"),
        [
            "synced",
            "added a",
            "added b",
            "updated b to 2",
            "deleted a"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn synced_comes_after_the_first_picture() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "synced").await;
    reach(&informer, &write(&namespace, &["a"], "1").await).await;
    let (go, wait) = mpsc::channel::<()>();
    let registration = informer.add_handler(from_fn(move |event| {
        if matches!(event, Event::Added { .. }) {
            let _closed = wait.recv();
        }
    }));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!registration.has_synced(), "delivered is not processed");
    go.send(()).expect("the handler waits");
    assert!(
        timeout(PATIENCE, registration.synced())
            .await
            .expect("in time")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_is_called_one_at_a_time() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "serial").await;
    let (inside, overlaps) = (AtomicBool::new(false), Arc::new(AtomicU32::new(0)));
    let seen = Arc::clone(&overlaps);
    let registration = informer.add_handler(from_fn(move |_| {
        if inside.swap(true, Ordering::SeqCst) {
            seen.fetch_add(1, Ordering::SeqCst);
        }
        std::thread::sleep(Duration::from_millis(5));
        inside.store(false, Ordering::SeqCst);
    }));
    let names: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    write(&namespace, &names, "1").await;
    write(&namespace, &names, "2").await;
    eventually("the handler has caught up", || {
        registration.delivered() > 20 && registration.depth() == 0
    })
    .await;
    assert_eq!(overlaps.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_handler_stalls_nobody() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "stuck").await;
    let (go, wait) = mpsc::channel::<()>();
    let stuck = informer.add_handler(from_fn(move |_| {
        let _closed = wait.recv();
    }));
    let (quick, told) = recorder();
    let _quick = informer.add_handler(quick);
    for value in ["1", "2", "3"] {
        reach(&informer, &write(&namespace, &["a"], value).await).await;
    }
    eventually("the quick handler heard all", || {
        told.lock().expect("no panic").len() == 4
    })
    .await;
    assert_eq!(stuck.depth(), 1, "one pending change for one key");
    drop(go);
    eventually("the stuck handler goes on", || stuck.depth() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_handler_is_contained() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "panic").await;
    let (handler, told) = recorder();
    let mut handler = handler;
    let registration = informer.add_handler(from_fn(move |event: Event| match event {
        Event::Added { object, .. } if object.name() == "bad" => panic!("on purpose"),
        Event::Added { object, initial } => handler.on_add(&object, initial),
        _ => {}
    }));
    write(&namespace, &["bad", "good"], "1").await;
    eventually("the good one was told", || {
        told.lock().expect("no panic").len() == 1
    })
    .await;
    assert_eq!(
        (
            registration.panics(),
            told.lock().expect("no panic")[0].as_str()
        ),
        (1, "added good")
    );
    assert_eq!(informer.snapshot().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_waits_for_the_running_call() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "removal").await;
    let (entered, is_entered) = mpsc::channel::<()>();
    let (finished, calls) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let (done, count) = (Arc::clone(&finished), Arc::clone(&calls));
    let registration = informer.add_handler(from_fn(move |event| {
        if matches!(event, Event::Added { .. }) {
            count.fetch_add(1, Ordering::SeqCst);
            entered.send(()).expect("the test waits");
            std::thread::sleep(Duration::from_millis(300));
            done.store(true, Ordering::SeqCst);
        }
    }));
    write(&namespace, &["a", "b", "c"], "1").await;
    tokio::task::spawn_blocking(move || is_entered.recv().expect("called"))
        .await
        .expect("joined");
    timeout(PATIENCE, registration.remove())
        .await
        .expect("in time");
    assert!(
        finished.load(Ordering::SeqCst),
        "the running call has ended"
    );
    let calls_then = calls.load(Ordering::SeqCst);
    write(&namespace, &["a", "b"], "2").await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(
        calls.load(Ordering::SeqCst),
        calls_then,
        "no call comes after it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn resync_shows_everything_again() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "resync").await;
    reach(&informer, &write(&namespace, &["a", "b"], "1").await).await;
    let (plain, plain_told) = recorder();
    let _plain = informer.add_handler(plain);
    let (handler, told) = recorder();
    let options = HandlerOptions {
        resync: Some(Duration::from_secs(1)),
        ..HandlerOptions::default()
    };
    let _registration = informer.add_handler_with(handler, options);
    eventually("a second resync", || {
        told.lock().expect("no panic").len() >= 7
    })
    .await;
    let told = told.lock().expect("no panic").clone();
    assert_eq!(told[3..7], ["resync a", "resync b", "resync a", "resync b"]);
    assert_eq!(
        plain_told.lock().expect("no panic").len(),
        3,
        "only those who asked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failing_resource_harms_no_other() {
    let factory = factory_of(User::Viewer).await;
    let namespace = cluster()
        .await
        .namespace("failing")
        .await
        .expect("a namespace");
    let secrets = factory.for_resource(Gvr::new("", "v1", "secrets")).start();
    let nothing = factory
        .for_resource(Gvr::new("nope.example.com", "v1", "nothings"))
        .start();
    let good = factory
        .for_resource(config_maps())
        .namespace(&namespace)
        .start();
    timeout(PATIENCE, good.synced())
        .await
        .expect("in time")
        .expect("in sync");
    let status = timeout(PATIENCE, secrets.settled()).await.expect("in time");
    let failure = status.failure.expect("it says why");
    assert_eq!(failure.kind, tidegate_informer::FailureKind::Forbidden);
    assert!(
        failure
            .message
            .contains("secrets is forbidden: User \"viewer\""),
        "{}",
        failure.message
    );
    let status = timeout(PATIENCE, nothing.settled()).await.expect("in time");
    assert_eq!((status.phase, status.synced), (Phase::Absent, false));
    reach(&good, &write(&namespace, &["fine"], "1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn selectors_are_the_servers() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "select").await;
    let one = factory
        .for_resource(config_maps())
        .namespace(&namespace)
        .fields("metadata.name=a")
        .start();
    timeout(PATIENCE, one.synced())
        .await
        .expect("in time")
        .expect("in sync");
    let version = write(&namespace, &["a", "b"], "1").await;
    reach(&informer, &version).await;
    eventually("the field selector's object", || one.snapshot().len() == 1).await;
    let selector: Selector = "test in (yes), !other".parse().expect("a selector");
    assert_eq!(informer.snapshot().select(&selector).count(), 2);

    // An object that leaves the selector is deleted, one that enters it is added.
    let (handler, told) = recorder();
    let registration = informer.add_handler(handler);
    let cluster = cluster().await;
    cluster
        .kubectl(&["label", "configmap", "a", "-n", &namespace, "test-"])
        .await
        .expect("labelled");
    eventually("it left", || informer.snapshot().len() == 1).await;
    cluster
        .kubectl(&["label", "configmap", "a", "-n", &namespace, "test=yes"])
        .await
        .expect("labelled");
    eventually("it came back", || registration.delivered() == 5).await;
    assert_eq!(
        told.lock().expect("no panic")[3..],
        ["deleted a", "added a"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn transforms_change_what_is_cached() {
    let factory = factory_of(User::Admin).await;
    let namespace = cluster()
        .await
        .namespace("transform")
        .await
        .expect("a namespace");
    let transform: tidegate_informer::Transform = Arc::new(|object| {
        assert!(object["metadata"]["name"] != "bad", "on purpose");
        object["data"] = serde_json::json!({"value": "stripped"});
        object["metadata"]["labels"]["extra"] = "label".into();
        object["metadata"]["name"] = "changed".into();
    });
    let informer = factory
        .for_resource(config_maps())
        .namespace(&namespace)
        .labels("test=yes")
        .transform(transform)
        .start();
    timeout(PATIENCE, informer.synced())
        .await
        .expect("in time")
        .expect("in sync");
    reach(&informer, &write(&namespace, &["bad", "good"], "1").await).await;
    let good = informer
        .get(Some(&namespace), "good")
        .expect("identity is not changed");
    assert_eq!(
        (value_of(&good).as_str(), good.labels().get("extra")),
        ("stripped", Some("label"))
    );
    assert_eq!(
        value_of(
            &informer
                .get(Some(&namespace), "bad")
                .expect("kept as it came")
        ),
        "1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_everything_but_reading() {
    let factory = factory_of(User::Admin).await;
    let (namespace, informer) = fresh(&factory, "shutdown").await;
    reach(&informer, &write(&namespace, &["a"], "1").await).await;
    let mut stream = informer.stream();
    factory.shutdown();
    assert!(
        timeout(PATIENCE, stream.next())
            .await
            .expect("in time")
            .is_none(),
        "the stream ends"
    );
    assert_eq!(informer.status().phase, Phase::Stopped);
    assert_eq!(informer.snapshot().len(), 1);
    assert!(
        timeout(
            PATIENCE,
            informer.reached(&ResourceVersion::parse("999999999").expect("a version"))
        )
        .await
        .expect("in time")
        .is_err()
    );
}
