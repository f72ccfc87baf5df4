//! Stories of a queue: what is wanted when, and what is sent.

use super::{Next, Outcome, Queue, Target};
use std::time::{Duration, Instant};
use tidegate_compile::{Kind, ObjectKey, StatusUpdate};

/// Each is another text, unless the version ends with `=`.
fn update(name: &str, version: &str) -> StatusUpdate {
    let owned = if version.ends_with('=') {
        "same"
    } else {
        version
    };
    StatusUpdate {
        kind: Kind::HttpRoute,
        key: ObjectKey::new("n", name),
        uid: "u".into(),
        resource_version: version.into(),
        generation: 1,
        status: "null".into(),
        owned: owned.into(),
    }
}

fn target(name: &str) -> Target {
    (Kind::HttpRoute, ObjectKey::new("n", name))
}

/// Steps, each at a millisecond: `want NAME@VERSION`, `next NAME@VERSION` or `next -`, `done NAME@VERSION`,
/// `outdated NAME`, `later NAME SECONDS|-`, `refused NAME`, `drain NAMES|-`.
#[track_caller]
fn check(story: &str) {
    let zero = Instant::now();
    let mut queue = Queue::new();
    for step in story.split(';').map(str::trim) {
        let words: Vec<&str> = step.split_whitespace().collect();
        let now = zero + Duration::from_millis(words[0].parse().expect("milliseconds"));
        let (name, version) = words[2].split_once('@').unwrap_or((words[2], ""));
        let mut done = |outcome| queue.done(&target(name), outcome, now);
        match words[1] {
            "want" => queue.want(update(name, version), now),
            "done" => done(Outcome::Written {
                version: version.to_owned(),
            }),
            "outdated" => done(Outcome::Outdated),
            "refused" => done(Outcome::Refused),
            "later" => done(Outcome::Later {
                wait: words[3].parse().ok().map(Duration::from_secs),
            }),
            "drain" => {
                let mut names: Vec<String> = queue
                    .drain()
                    .iter()
                    .map(|(_, key)| key.name.to_string())
                    .collect();
                names.sort();
                let found = if names.is_empty() {
                    "-".to_owned()
                } else {
                    names.join(",")
                };
                assert_eq!(found, name, "{step} in {story}");
            }
            _ => {
                let sent = match queue.next(now) {
                    Next::Send(sent) => format!("{}@{}", sent.key.name, sent.resource_version),
                    Next::Wait(_) => "-".to_owned(),
                };
                assert_eq!(sent, words[2], "{step} in {story}");
            }
        }
    }
}

#[test]
fn the_newest_waits_and_one_is_under_way() {
    check("0 want a@1; 0 want a@2; 0 next a@2; 0 next -");
    check("0 want a@1; 0 next a@1; 1 want a@2; 999 next -; 1000 done a@5; 1000 next a@2");
    check("0 want a@1; 0 want b@1; 0 next a@1; 0 next b@1; 0 next -");
}

#[test]
fn writes_of_one_object_are_spaced() {
    check("0 want a@1; 0 next a@1; 5 done a@2; 6 want a@2; 6 next -; 49 next -; 50 next a@2");
    // Ever more, while it goes on.
    check(
        "0 want a@1; 0 next a@1; 0 done a@2; 50 want a@2; 50 next a@2; 50 done a@3; 100 want a@3; 100 next a@3; \
         100 done a@4; 150 want a@4; 150 next a@4; 150 done a@5; 200 want a@5; 200 next a@5; 200 done a@6; \
         250 want a@6; 250 next a@6; 250 done a@7; 300 want a@7; 300 next -; 349 next -; 350 next a@7; 350 done a@8; \
         5000 want a@8; 5000 next a@8; 5000 done a@9; 5050 want a@9; 5050 next a@9",
    );
}

#[test]
fn own_writes_do_not_outdate_what_was_computed_before_them() {
    check(
        "0 want a@1; 0 next a@1; 1 done a@2; 60 want a@1; 60 next a@2; 61 done a@3; 120 want a@2; 120 next a@3",
    );
    check(
        "0 want a@1; 0 next a@1; 1 done a@2; 60 want a@7; 60 next a@7; 61 done a@8; 120 want a@1; 120 next a@1",
    );
}

#[test]
fn what_met_a_newer_version_is_dropped() {
    check("0 want a@1; 0 next a@1; 1 outdated a; 9999 next -");
    check("0 want a@1; 0 next a@1; 1 want a@2; 2 outdated a; 50 next a@2");
}

#[test]
fn what_someone_undoes_is_written_ever_more_seldom() {
    check(
        "0 want a@1=; 0 next a@1=; 0 done a@2; 10 want a@3=; 499 next -; 500 next a@3=; 500 done a@4; \
         510 want a@5=; 1499 next -; 1500 next a@5=; 1500 done a@6; 1600 want a@7; 1600 next a@7",
    );
}

#[test]
fn failures_are_tried_again() {
    check(
        "0 want a@1; 0 next a@1; 0 refused a; 499 next -; 500 next a@1; 500 refused a; 1499 next -; 1500 next a@1",
    );
    check("0 want a@1; 0 next a@1; 0 refused a; 1 want a@2; 500 next a@2");
    // All wait when the server asks for it.
    check(
        "0 want a@1; 0 next a@1; 0 later a 3; 1 want b@1; 2999 next -; 3000 next b@1; 3000 next a@1",
    );
    check("0 want a@1; 0 next a@1; 0 later a -; 1 want b@1; 1 next b@1; 500 next a@1");
}

#[test]
fn all_can_be_dropped() {
    check("0 drain -; 0 want a@1; 0 want b@1; 0 drain a,b; 0 next -; 0 want a@2; 0 next a@2");
}

#[test]
fn no_more_than_the_rate_and_so_many_at_once() {
    let zero = Instant::now();
    let mut queue = Queue::new();
    for at in 0..1000 {
        queue.want(update(&format!("r{at}"), "1"), zero);
    }
    let mut sent = 0;
    for millis in 0..1000 {
        let now = zero + Duration::from_millis(millis);
        let mut running = Vec::new();
        while let Next::Send(one) = queue.next(now) {
            running.push((one.kind, one.key.clone()));
        }
        assert!(running.len() <= super::RUNNING_MAX);
        sent += running.len();
        for target in running {
            let version = "2".to_owned();
            queue.done(&target, Outcome::Written { version }, now);
        }
    }
    assert!((290..=300).contains(&sent), "{sent} in a second");
}
