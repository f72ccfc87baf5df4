//! The hot cache holds what it may and no more.

use bytes::Bytes;
use tidegate_pack::HotCache;

fn body(len: usize) -> Bytes {
    vec![1; len].into()
}

#[test]
fn finds_replaces_and_removes() {
    let cache = HotCache::new(1 << 20);
    cache.insert(1, body(10));
    cache.insert(1, body(20));
    assert_eq!(cache.get(1).map(|body| body.len()), Some(20));
    cache.remove(1);
    assert_eq!(cache.get(1), None);
    assert_eq!(cache.bytes(), 0);
    assert_eq!((cache.stats().hits, cache.stats().misses), (1, 1));
}

#[test]
fn stays_within_its_bytes() {
    let cache = HotCache::new(1 << 20);
    for id in 0..10_000 {
        cache.insert(id, body(1000));
        assert!(cache.bytes() <= 1 << 20);
    }
    assert!(cache.bytes() > 1 << 19);
}

#[test]
fn a_body_in_use_outlives_others() {
    let cache = HotCache::new(1 << 20);
    for id in 0..10_000 {
        cache.insert(id, body(1000));
        cache.get(0);
    }
    assert!(cache.get(0).is_some());
}

#[test]
fn ignores_what_can_never_fit() {
    let cache = HotCache::new(1000);
    cache.insert(1, body(2000));
    assert_eq!(cache.get(1), None);
    HotCache::new(0).insert(1, body(1));
}

#[test]
fn replacing_for_ever_takes_no_more_memory() {
    let cache = HotCache::new(1 << 16);
    for _ in 0..100_000 {
        cache.insert(1, body(10));
    }
    assert!(cache.bytes() < 1000);
}
