//! The cache, fed with words: what changes, what readers see, what indexes say.

use crate::{
    selector::Selector,
    testing::{cache, delete, relist, show, show_changes, upsert},
};
use std::sync::Arc;

/// The cache holds `before`; then `picture` is the full picture.
#[track_caller]
fn check_relist(before: &str, picture: &str, expected: &str) {
    let mut cache = cache();
    relist(&mut cache, before, "5");
    assert_eq!(show_changes(&relist(&mut cache, picture, "9")), expected);
    let held: Vec<String> = cache.current().iter().map(show).collect();
    let mut pictured: Vec<String> = picture
        .split_whitespace()
        .map(|word| word.replace("#2", ""))
        .collect();
    pictured.sort();
    assert_eq!(held, pictured);
    assert_eq!(
        cache
            .current()
            .resource_version()
            .map(ToString::to_string)
            .as_deref(),
        Some("9")
    );
}

#[test]
fn equal_versions_are_silent() {
    check_relist("a@1 b@4", "b@4 a@1", "");
}

#[test]
fn deletes_come_before_updates_and_adds() {
    check_relist(
        "a@1 b@4",
        "b@9 c@7",
        "deleted a@1 unseen, updated b@4 to b@9, added c@7",
    );
}

#[test]
fn recreated_objects_are_deleted_then_added() {
    check_relist("a@1 b@2", "a#2@8 b@2", "deleted a@1 unseen, added a@8");
}

#[test]
fn a_restored_server_may_show_older_versions() {
    check_relist("a@8", "a@3", "updated a@8 to a@3");
}

#[test]
fn a_full_picture_may_be_empty() {
    check_relist("a@1", "", "deleted a@1 unseen");
    check_relist("", "", "");
}

#[test]
fn missed_deletions_are_marked() {
    check_relist("a@1 b@2", "b@2", "deleted a@1 unseen");
    let mut cache = cache();
    relist(&mut cache, "a@1", "5");
    assert_eq!(show_changes(&delete(&mut cache, "a@6")), "deleted a@6");
}

#[test]
fn snapshots_are_whole() {
    let mut cache = cache();
    cache.begin_relist();
    let json = crate::testing::json("a@1");
    cache.stage(&tidegate_wire::parse_object(json.as_bytes()).expect("an object"));
    cache.publish();
    let half = cache.published().load_full();
    assert!(half.is_empty() && !half.is_synced());
    cache.finish_relist(None, &mut Vec::new());
    assert!(
        cache.published().load().is_empty(),
        "not before it is published"
    );
    cache.publish();
    assert_eq!(cache.published().load().len(), 1);
}

#[test]
fn an_unfinished_picture_changes_nothing() {
    let mut cache = cache();
    relist(&mut cache, "a@1", "5");
    cache.begin_relist();
    let json = crate::testing::json("b@7");
    cache.stage(&tidegate_wire::parse_object(json.as_bytes()).expect("an object"));
    cache.abort_relist();
    assert_eq!(
        cache.current().iter().map(show).collect::<Vec<_>>(),
        ["a@1"]
    );
    assert_eq!(show_changes(&relist(&mut cache, "a@1", "8")), "");
}

#[test]
fn objects_deleted_while_a_picture_is_sent_are_gone() {
    let mut cache = cache();
    relist(&mut cache, "a@1 b@2", "5");
    cache.begin_relist();
    for word in ["a@1", "b@2", "c@6"] {
        let json = crate::testing::json(word);
        cache.stage(&tidegate_wire::parse_object(json.as_bytes()).expect("an object"));
    }
    for word in ["a@7", "c@8"] {
        let json = crate::testing::json(word);
        cache.stage_deleted(&tidegate_wire::parse_object(json.as_bytes()).expect("an object"));
    }
    let mut changes = Vec::new();
    cache.finish_relist(None, &mut changes);
    assert_eq!(show_changes(&changes), "deleted a@1 unseen");
}

#[test]
fn watch_events_become_changes() {
    let mut cache = cache();
    assert_eq!(show_changes(&upsert(&mut cache, "a@1")), "added a@1");
    assert_eq!(show_changes(&upsert(&mut cache, "a@1")), "");
    assert_eq!(
        show_changes(&upsert(&mut cache, "a@2")),
        "updated a@1 to a@2"
    );
    assert_eq!(
        show_changes(&upsert(&mut cache, "a#2@3")),
        "deleted a@2 unseen, added a@3"
    );
    assert_eq!(show_changes(&delete(&mut cache, "a#2@4")), "deleted a@4");
    assert_eq!(show_changes(&delete(&mut cache, "a#2@5")), "");
    assert_eq!(
        cache
            .current()
            .resource_version()
            .map(ToString::to_string)
            .as_deref(),
        Some("5")
    );
}

#[test]
fn snapshots_never_change() {
    let mut cache = cache();
    upsert(&mut cache, "a@1");
    cache.publish();
    let before = cache.published().load_full();
    upsert(&mut cache, "a@2");
    upsert(&mut cache, "b@3");
    cache.publish();
    assert_eq!(before.iter().map(show).collect::<Vec<_>>(), ["a@1"]);
    assert_eq!(
        cache
            .published()
            .load()
            .iter()
            .map(show)
            .collect::<Vec<_>>(),
        ["a@2", "b@3"]
    );
}

#[test]
fn snapshots_list_by_namespace_and_by_label() {
    let mut cache = cache();
    for (namespace, name) in [("a", "x"), ("a", "y"), ("a-b", "x"), ("b", "x")] {
        let json = format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}","uid":"u","resourceVersion":"1","labels":{{"name":"{name}"}}}}}}"#
        );
        let mut changes = Vec::new();
        cache.upsert(
            &tidegate_wire::parse_object(json.as_bytes()).expect("an object"),
            &mut changes,
        );
    }
    let snapshot = cache.current();
    let keys = |objects: Vec<&crate::Object>| {
        objects
            .iter()
            .map(|object| object.key().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(snapshot.namespace("a").collect()), ["a/x", "a/y"]);
    assert_eq!(
        keys(snapshot.namespace("nope").collect()),
        Vec::<String>::new()
    );
    assert_eq!(
        keys(snapshot.select(&Selector::label("name", "x")).collect()),
        ["a-b/x", "a/x", "b/x"]
    );
    assert!(snapshot.get(Some("a"), "y").is_some() && snapshot.get(None, "y").is_none());
}

#[test]
fn indexes_can_come_late() {
    let mut cache = cache();
    upsert(&mut cache, "a@1");
    let by_version = |object: &crate::Object| {
        object
            .labels()
            .get("version")
            .map(str::to_owned)
            .into_iter()
            .collect()
    };
    cache.add_index("version", Arc::new(by_version));
    upsert(&mut cache, "b@1");
    upsert(&mut cache, "c@2");
    let filed = |cache: &crate::cache::Cache, value: &str| {
        cache
            .current()
            .by_index("version", value)
            .map(show)
            .collect::<Vec<_>>()
    };
    assert_eq!(filed(&cache, "1"), ["a@1", "b@1"]);
    upsert(&mut cache, "a@2");
    assert_eq!(
        (filed(&cache, "1"), filed(&cache, "2")),
        (
            vec!["b@1".to_owned()],
            vec!["a@2".to_owned(), "c@2".to_owned()]
        )
    );
    delete(&mut cache, "b@7");
    assert_eq!(
        cache.current().index_values("version").collect::<Vec<_>>(),
        ["2"]
    );
    relist(&mut cache, "d@4", "9");
    assert_eq!(
        cache.current().index_values("version").collect::<Vec<_>>(),
        ["4"]
    );
    cache.clear(&mut Vec::new());
    assert_eq!(cache.current().index_values("version").count(), 0);
    assert_eq!(cache.current().by_index("nope", "x").count(), 0);
}

#[test]
fn an_index_function_that_panics_harms_only_its_entry() {
    let mut cache = cache();
    cache.add_index(
        "picky",
        Arc::new(|object| {
            assert!(object.name() != "bad", "on purpose");
            vec!["all".to_owned()]
        }),
    );
    upsert(&mut cache, "bad@1");
    upsert(&mut cache, "good@2");
    assert_eq!(
        cache
            .current()
            .by_index("picky", "all")
            .map(show)
            .collect::<Vec<_>>(),
        ["good@2"]
    );
    assert_eq!(cache.current().len(), 2);
}

#[test]
fn stored_bytes_are_counted_both_ways() {
    let mut cache = cache();
    relist(&mut cache, "a@1 b@2", "5");
    let both = cache.current().stored_bytes();
    upsert(&mut cache, "c@6");
    assert!(cache.current().stored_bytes() > both);
    for word in ["a@7", "b@8", "c@9"] {
        delete(&mut cache, word);
    }
    assert_eq!(cache.current().stored_bytes(), 0);
}
