//! What each call does, as tables: a line does something, and says after the arrow what comes of it.

use crate::support::{Dir, body, put, run};
use std::time::Duration;
use tidegate_store::{Expected, HistoryLimits, OpenError, Options, Store, Write, WriteError};

/// Runs a script on a store in memory, on one on disk, and on one on disk that is opened anew before each line.
async fn check(script: &str) {
    check_with(&Options::default(), script).await;
}

async fn check_with(options: &Options, script: &str) {
    let lines: Vec<(&str, &str)> = script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.split_once(" ->").expect("an arrow"))
        .map(|(line, expected)| (line, expected.trim_start()))
        .collect();
    for kind in ["memory", "disk", "reopened"] {
        let dir = Dir::new();
        let open = || Store::open(dir.path(), options.clone()).expect("a store");
        let mut store = if kind == "memory" {
            Store::in_memory(options.clone())
        } else {
            open()
        };
        for (line, expected) in &lines {
            if kind == "reopened" {
                store.close().await.expect("closed");
                store = open();
            }
            assert_eq!(run(&store, line).await, *expected, "{line} ({kind})");
        }
    }
}

#[tokio::test]
async fn every_write_has_the_next_revision() {
    check(
        "state -> 0:
         put pods/a 1 -> 1
         put pods/b 2 -> 2
         put pods/a 3 -> 3
         state -> 3: pods/a=3@3/1 pods/b=2@2/2
         delete pods/a last -> 4
         get pods/a -> nothing
         state -> 4: pods/b=2@2/2
         put pods/a again -> 5
         get pods/a -> again@5/5",
    )
    .await;
}

#[tokio::test]
async fn preconditions_hold_or_nothing_happens() {
    check(
        "put pods/a 1 absent -> 1
         put pods/a 2 absent -> the key is not as expected: it is at revision 1
         put pods/a 2 7 -> the key is not as expected: it is at revision 1
         put pods/b 2 present -> the key is not as expected: there is nothing
         put pods/b 2 1 -> the key is not as expected: there is nothing
         put pods/a 2 1 -> 2
         put pods/a 3 present -> 3
         delete pods/a x 2 -> the key is not as expected: it is at revision 3
         delete pods/a x absent -> the key is not as expected: it is at revision 3
         delete pods/b x -> the key is not as expected: there is nothing
         delete pods/b x absent -> the key is not as expected: there is nothing
         delete pods/a x 3 -> 4
         delete pods/a x 3 -> the key is not as expected: there is nothing
         state -> 4:",
    )
    .await;
}

#[tokio::test]
async fn keys_have_a_collection_and_a_name() {
    check(
        "put pods 1 -> \"pods\" is no key
         put /a 1 -> \"/a\" is no key
         put pods/ 1 -> \"pods/\" is no key
         put pods/a/ 1 -> 1
         state -> 1: pods/a/=1@1/1",
    )
    .await;
}

#[tokio::test]
async fn ranges_are_in_the_order_of_bytes() {
    check(
        "put a/x 1 -> 1
         put a.b/x 1 -> 2
         put a-b/x 1 -> 3
         put ab/x 1 -> 4
         put a/n/1 1 -> 5
         put a/n/2 1 -> 6
         put a/nn/1 1 -> 7
         put a/ü 1 -> 8
         range  -> a-b/x a.b/x a/n/1 a/n/2 a/nn/1 a/x a/ü ab/x
         range a -> a-b/x a.b/x a/n/1 a/n/2 a/nn/1 a/x a/ü ab/x
         range a/ -> a/n/1 a/n/2 a/nn/1 a/x a/ü
         range a/n -> a/n/1 a/n/2 a/nn/1
         range a/n/ -> a/n/1 a/n/2
         range a/ a/n/2 -> a/nn/1 a/x a/ü
         range a/ a/n/11 -> a/n/2 a/nn/1 a/x a/ü
         range a/ a/zz -> a/ü
         range a/ b/ ->
         range a/ a.b/x -> a/n/1 a/n/2 a/nn/1 a/x a/ü
         range b/ ->
         range  a/n/2 -> a/nn/1 a/x a/ü ab/x
         count  -> 8
         count a/ -> 5
         count a/n -> 3
         count a -> 8
         count b/ -> 0",
    )
    .await;
}

#[tokio::test]
async fn the_past_can_be_read_until_it_is_compacted() {
    check(
        "put pods/a 1 -> 1
         put pods/a 2 -> 2
         put pods/b 3 -> 3
         delete pods/a gone -> 4
         put pods/a 5 -> 5
         at 0 -> 0:
         at 1 -> 1: pods/a=1@1/1
         at 2 -> 2: pods/a=2@2/1
         at 3 -> 3: pods/a=2@2/1 pods/b=3@3/3
         at 4 -> 4: pods/b=3@3/3
         at 5 -> 5: pods/a=5@5/5 pods/b=3@3/3
         at 6 -> the newest revision is 5
         compact 6 -> the newest revision is 5
         compact 3 -> done
         at 2 -> the history begins at revision 3
         at 3 -> 3: pods/a=2@2/1 pods/b=3@3/3
         compact 2 -> the history begins at revision 3
         compact 3 -> done
         compact 5 -> done
         at 4 -> the history begins at revision 5
         at 5 -> 5: pods/a=5@5/5 pods/b=3@3/3",
    )
    .await;
}

#[tokio::test]
async fn feeds_give_the_events_of_their_collection() {
    check(
        "put pods/a 1 -> 1
         put nodes/a n -> 2
         put pods/a 2 -> 3
         delete pods/a last -> 4
         put pods/a 5 -> 5
         watch pods 0 -> +pods/a@1=1< ~pods/a@3=2<1 -pods/a@4=last<2 +pods/a@5=5<
         watch pods 1 -> ~pods/a@3=2<1 -pods/a@4=last<2 +pods/a@5=5<
         watch pods 2 -> ~pods/a@3=2<1 -pods/a@4=last<2 +pods/a@5=5<
         watch pods 4 -> +pods/a@5=5<
         watch pods 5 ->
         watch pods 6 -> the newest revision is 5
         watch nodes 0 -> +nodes/a@2=n<
         watch other 0 ->
         compact 3 -> done
         watch pods 2 -> the history begins at revision 3
         watch pods 3 -> -pods/a@4=last<2 +pods/a@5=5<",
    )
    .await;
}

#[tokio::test]
async fn a_value_names_its_own_revision() {
    check(
        "put pods/a #: -> 1
         get pods/a -> 1:@1/1
         put pods/a v#/end -> 2
         get pods/a -> v2/end@2/1
         delete pods/a gone# -> 3
         watch pods 1 -> ~pods/a@2=v2/end<1: -pods/a@3=gone3<v2/end
         put pods/a x 9 -> the key is not as expected: there is nothing
         put pods/a x# -> 4
         get pods/a -> x4@4/4",
    )
    .await;
}

#[tokio::test]
async fn history_stays_within_its_limits() {
    let mut options = Options::default();
    options.history.max_events = 2;
    let script = "put pods/a 1 -> 1
         put pods/a 2 -> 2
         put pods/b 3 -> 3
         put pods/b 4 -> 4
         at 1 -> the history begins at revision 2
         at 2 -> 2: pods/a=2@2/1
         watch pods 1 -> the history begins at revision 2
         watch pods 2 -> +pods/b@3=3< ~pods/b@4=4<3";
    check_with(&options, script).await;
    options.history = HistoryLimits {
        max_bytes: 0,
        ..HistoryLimits::default()
    };
    let script = "put pods/a 1 -> 1
         put pods/a 2 -> 2
         watch pods 2 ->
         watch pods 1 -> the history begins at revision 2";
    check_with(&options, script).await;
}

#[tokio::test]
async fn a_compaction_is_not_lost_with_a_file_that_has_no_writes() {
    let mut options = Options::default();
    options.files.segment_bytes = 100;
    check_with(
        &options,
        "put pods/a 1 -> 1
         put pods/a 2 -> 2
         compact 1 -> done
         compact 2 -> done
         put pods/a 3 -> 3
         at 1 -> the history begins at revision 2
         at 2 -> 2: pods/a=2@2/1
         state -> 3: pods/a=3@3/1",
    )
    .await;
}

#[tokio::test]
async fn values_have_a_limit() {
    let options = Options {
        max_value_bytes: 3,
        ..Options::default()
    };
    check_with(
        &options,
        "put pods/a 1234 -> the value has 4 bytes; the limit is 3
         put pods/a 123 -> 1
         put pods/a 123# -> 2
         get pods/a -> 1232@2/1",
    )
    .await;
}

#[tokio::test]
async fn a_write_returns_what_is_stored() {
    let store = Store::in_memory(Options::default());
    let (key, expected) = ("pods/a", Expected::Any);
    let write = |text| Write::Put {
        key,
        expected,
        body: body(text),
    };
    store.write(write("1")).await.expect("written");
    let put = store.write(write("v#")).await.expect("written");
    assert_eq!(Some(&put.entry), store.snapshot().get(key));
    assert_eq!(
        (
            put.revision,
            &put.entry.value[..],
            put.entry.created_revision
        ),
        (2, &b"v2"[..], 1)
    );
    let body = body("bye#");
    let delete = Write::Delete {
        key,
        expected,
        body,
    };
    let deleted = store.write(delete).await.expect("deleted");
    assert_eq!((deleted.revision, deleted.entry.revision), (3, 3));
    assert_eq!(
        (&deleted.entry.value[..], deleted.entry.created_revision),
        (&b"bye3"[..], 1)
    );
}

#[tokio::test]
async fn one_store_has_a_directory() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), Options::default()).expect("a store");
    let second = Store::open(dir.path(), Options::default());
    assert!(
        matches!(second, Err(OpenError::Locked { .. })),
        "{second:?}"
    );
    // Those who still read don't hold the directory.
    let (snapshot, feed) = (store.snapshot(), store.watch("pods", 0));
    drop(store);
    let store = Store::open(dir.path(), Options::default()).expect("free again");
    store.close().await.expect("closed");
    Store::open(dir.path(), Options::default()).expect("free again, as it is closed");
    assert_eq!(snapshot.revision(), feed.expect("a feed").progress());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_files() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let dir = Dir::new();
    let path = dir.path().join("deep/down");
    let store = Store::open(&path, Options::default()).expect("a store");
    put(&store, "secrets/a", Expected::Any, "1")
        .await
        .expect("written");
    let mode = |path: &std::path::Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        (mode(&path), mode(&dir.path().join("deep"))),
        (0o700, 0o700)
    );
    for item in fs::read_dir(&path).expect("a directory") {
        assert_eq!(mode(&item.expect("an item").path()), 0o600);
    }
}

#[tokio::test]
async fn a_closed_store_can_be_read() {
    for memory in [true, false] {
        let dir = Dir::new();
        let store = if memory {
            Store::in_memory(Options::default())
        } else {
            Store::open(dir.path(), Options::default()).expect("a store")
        };
        put(&store, "pods/a", Expected::Any, "1")
            .await
            .expect("written");
        let mut feed = store.watch("pods", 0).expect("a feed");
        store.close().await.expect("closed");
        let refused = put(&store, "pods/a", Expected::Any, "2").await;
        assert!(matches!(refused, Err(WriteError::Closed)), "{refused:?}");
        assert_eq!(run(&store, "state").await, "1: pods/a=1@1/1");
        assert_eq!(feed.next().await.expect("what there was").len(), 1);
        let ended = tokio::time::timeout(Duration::from_secs(10), feed.next())
            .await
            .expect("no waiting");
        assert_eq!(
            ended.expect_err("the end").to_string(),
            "the store is closed"
        );
        store.close().await.expect("closed twice");
    }
}
