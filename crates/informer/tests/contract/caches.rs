//! Promises about caches and informers.

use crate::support::{
    PATIENCE, cluster, config_maps, eventually, factory_of, fresh, reach, recorder, value_of, write,
};
use std::sync::Arc;
use tidegate_informer::{
    FactoryOptions, FailureKind, Gvr, InformerFactory, Object, Phase, ResourceVersion, Selector,
    Transform,
};
use tidegate_testcluster::{Server, User, on_both};
use tokio::time::timeout;

on_both! {
    one_watch_for_equal_targets,
    reached_reads_your_own_writes,
    managed_fields_are_dropped,
    metadata_only_has_nothing_else,
    one_failing_resource_harms_no_other,
    selectors_are_the_servers,
    transforms_change_what_is_cached,
    shutdown_ends_everything_but_reading,
}

async fn one_watch_for_equal_targets(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "equal").await;
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

async fn reached_reads_your_own_writes(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "writes").await;
    for value in ["one", "two", "three"] {
        let version = write(server, &namespace, &["mine"], value).await;
        reach(&informer, &version).await;
        assert_eq!(
            value_of(&informer.get(Some(&namespace), "mine").expect("it is there")),
            value
        );
    }
}

async fn managed_fields_are_dropped(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "managed").await;
    reach(&informer, &write(server, &namespace, &["mine"], "x").await).await;
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

    let options = FactoryOptions {
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

async fn metadata_only_has_nothing_else(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, _informer) = fresh(server, &factory, "meta").await;
    let version = write(server, &namespace, &["mine"], "secret").await;
    for streaming_lists in [true, false] {
        let options = FactoryOptions {
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

async fn one_failing_resource_harms_no_other(server: Server) {
    let factory = factory_of(server, User::Viewer).await;
    let namespace = cluster(server)
        .await
        .namespace("failing")
        .await
        .expect("a namespace");
    let secrets = factory.for_resource(Gvr::new("", "v1", "secrets")).start();
    let nothing = factory_of(server, User::Admin)
        .await
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
    assert_eq!(failure.kind, FailureKind::Forbidden);
    assert!(
        failure
            .message
            .contains("secrets is forbidden: User \"viewer\""),
        "{}",
        failure.message
    );
    let status = timeout(PATIENCE, nothing.settled()).await.expect("in time");
    assert_eq!((status.phase, status.synced), (Phase::Absent, false));
    reach(&good, &write(server, &namespace, &["fine"], "1").await).await;
}

async fn selectors_are_the_servers(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "select").await;
    let one = factory
        .for_resource(config_maps())
        .namespace(&namespace)
        .fields("metadata.name=a")
        .start();
    timeout(PATIENCE, one.synced())
        .await
        .expect("in time")
        .expect("in sync");
    let version = write(server, &namespace, &["a", "b"], "1").await;
    reach(&informer, &version).await;
    eventually("the field selector's object", || one.snapshot().len() == 1).await;
    let selector: Selector = "test in (yes), !other".parse().expect("a selector");
    assert_eq!(informer.snapshot().select(&selector).count(), 2);

    // An object that leaves the selector is deleted, one that enters it is added.
    let (handler, told) = recorder();
    let registration = informer.add_handler(handler);
    let cluster = cluster(server).await;
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

async fn transforms_change_what_is_cached(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let namespace = cluster(server)
        .await
        .namespace("transform")
        .await
        .expect("a namespace");
    let transform: Transform = Arc::new(|object| {
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
    reach(
        &informer,
        &write(server, &namespace, &["bad", "good"], "1").await,
    )
    .await;
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

async fn shutdown_ends_everything_but_reading(server: Server) {
    let factory = factory_of(server, User::Admin).await;
    let (namespace, informer) = fresh(server, &factory, "shutdown").await;
    reach(&informer, &write(server, &namespace, &["a"], "1").await).await;
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
