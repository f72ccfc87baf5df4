//! What a handler is told, for sequences of changes that it was too slow to hear one by one.

use super::Queue;
use crate::{
    cache::Cache,
    event::Change,
    testing::{cache, delete, relist, show_event, upsert},
};
use std::sync::Arc;

/// Words: `a@1` upserts, `-a@2` deletes.
fn push(cache: &mut Cache, queue: &mut Queue, words: &str) {
    for word in words.split_whitespace() {
        let changes: Vec<Change> = match word.strip_prefix('-') {
            Some(word) => delete(cache, word),
            None => upsert(cache, word),
        };
        changes.iter().for_each(|change| queue.push(change));
    }
}

fn drain(queue: &mut Queue) -> String {
    std::iter::from_fn(|| queue.pop())
        .map(|event| show_event(&event))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The handler knows what `before` made; then `changes` come; then it hears `told`.
#[track_caller]
fn check(before: &str, changes: &str, told: &str) {
    let (mut cache, mut queue) = (cache(), Queue::default());
    push(&mut cache, &mut queue, before);
    queue.mark_synced();
    drain(&mut queue);
    push(&mut cache, &mut queue, changes);
    assert_eq!(drain(&mut queue), told);
    assert!(queue.is_idle() && queue.depth() == 0);
}

#[test]
fn events_of_a_key_are_in_order() {
    check("", "a@1", "added a@1");
    check("", "a@1 a@2 a@3", "added a@3");
    check("", "a@1 -a@2", "");
    check("", "a@1 -a@2 a#2@3", "added a@3");
    check("a@1", "a@2 a@3", "updated a@1 to a@3");
    check("a@1", "a@2 -a@3", "deleted a@3");
    check("a@1", "-a@2", "deleted a@2");
    check("a@1", "-a@2 a#2@3", "deleted a@2, added a@3");
    check("a@1", "-a@2 a#2@3 a#2@4", "deleted a@2, added a@4");
    check("a@1", "-a@2 a#2@3 -a#2@4", "deleted a@2");
    check("a@1", "-a@2 a#2@3 -a#2@4 a#3@5", "deleted a@2, added a@5");
}

#[test]
fn a_missed_deletion_shows_as_another_uid() {
    check("a@1", "a#2@3", "deleted a@1 unseen, added a@3");
    check("a@1", "a@2 a#2@3", "deleted a@2 unseen, added a@3");
}

#[test]
fn keys_keep_their_place_in_line() {
    check("", "a@1 b@2 c@3 a@4", "added a@4, added b@2, added c@3");
    check("a@1", "b@2 a@3 b@4", "added b@4, updated a@1 to a@3");
    check("", "a@1 b@2 -a@3 a#2@4", "added a@4, added b@2");
}

#[test]
fn events_between_the_halves_of_a_recreation_are_merged() {
    let (mut cache, mut queue) = (cache(), Queue::default());
    push(&mut cache, &mut queue, "a@1");
    queue.mark_synced();
    drain(&mut queue);
    push(&mut cache, &mut queue, "-a@2 a#2@3");
    assert_eq!(
        queue.pop().map(|event| show_event(&event)).as_deref(),
        Some("deleted a@2")
    );
    push(&mut cache, &mut queue, "-a#2@4");
    assert_eq!(drain(&mut queue), "");
}

#[test]
fn what_is_told_before_synced_is_initial() {
    let (mut cache, mut queue) = (cache(), Queue::default());
    push(&mut cache, &mut queue, "a@1 b@2");
    queue.mark_synced();
    push(&mut cache, &mut queue, "b@3 c@4");
    queue.mark_synced();
    assert_eq!(
        drain(&mut queue),
        "added a@1 initially, added b@3 initially, synced, added c@4"
    );
}

#[test]
fn a_replay_comes_before_later_changes() {
    let (mut cache, mut queue) = (cache(), Queue::default());
    let words: Vec<String> = (0..300).map(|number| format!("k{number:03}@1")).collect();
    relist(&mut cache, &words.join(" "), "5");
    queue.start_first(Arc::new(cache.current().clone()));
    queue.mark_synced();
    push(&mut cache, &mut queue, "k007@6 -k008@7 new@8");
    let told = drain(&mut queue);
    let expected: Vec<String> = words
        .iter()
        .map(|word| format!("added {word} initially"))
        .collect();
    assert_eq!(
        told,
        format!(
            "{}, synced, updated k007@1 to k007@6, deleted k008@7, added new@8",
            expected.join(", ")
        )
    );
}

#[test]
fn a_resync_waits_for_an_idle_queue() {
    let (mut cache, mut queue) = (cache(), Queue::default());
    queue.mark_synced();
    push(&mut cache, &mut queue, "a@1");
    assert!(!queue.start_resync(Arc::new(cache.current().clone())));
    drain(&mut queue);
    assert!(queue.start_resync(Arc::new(cache.current().clone())));
    push(&mut cache, &mut queue, "a@2");
    assert_eq!(drain(&mut queue), "updated a@1 to a@1, updated a@1 to a@2");
}

/// Also with objects that come and go for ever.
#[test]
fn a_queue_holds_one_change_for_each_key() {
    let (mut cache, mut queue) = (cache(), Queue::default());
    push(&mut cache, &mut queue, "known@1");
    for round in 0..20_000 {
        let version = 10 * round + 2;
        push(&mut cache, &mut queue, &format!("known@{version}"));
        push(
            &mut cache,
            &mut queue,
            &format!("x{round}@{} -x{round}@{}", version + 1, version + 2),
        );
        push(
            &mut cache,
            &mut queue,
            &format!("same#{round}@{} -same#{round}@{}", version + 3, version + 4),
        );
    }
    assert!(
        queue.line.len() < 200 && queue.pending.len() == 1,
        "{} in line",
        queue.line.len()
    );
    assert!(queue.line.capacity() < 1000 && queue.pending.capacity() < 1000);
}
