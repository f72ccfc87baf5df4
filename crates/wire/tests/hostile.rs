//! Input made to hurt: it must end in a value or an error, in linear time and without recursion.
//!
//! The sizes are such that anything quadratic would take hours, so finishing is the proof.
//! Memory is bounded by the limit given, plus what the caller feeds at once.

use tidegate_wire::{
    FeedError, Framer, ListParser, WatchParser, parse_event, parse_object, pointer,
};

const MANY: usize = 2_000_000;

fn watch(stream: &[u8], chunk: usize) -> usize {
    let (mut parser, mut events) = (WatchParser::new(1 << 30), 0);
    for chunk in stream.chunks(chunk) {
        let fed: Result<(), FeedError<()>> = parser.feed(chunk, |_| {
            events += 1;
            Ok(())
        });
        if fed.is_err() {
            break;
        }
    }
    events
}

fn list(body: &[u8], chunk: usize) -> usize {
    let (mut parser, mut items) = (ListParser::new(1 << 30), 0);
    for chunk in body.chunks(chunk) {
        let fed: Result<(), FeedError<()>> = parser.feed(chunk, |_| {
            items += 1;
            Ok(())
        });
        if fed.is_err() {
            break;
        }
    }
    items
}

fn event(object: &str) -> Vec<u8> {
    format!("{{\"type\":\"ADDED\",\"object\":{object}}}").into_bytes()
}

#[test]
fn one_endless_value_byte_by_byte() {
    for unit in ["[", "{\"a\":", "\\", "\"", "\"\\\\\"", "1", " "] {
        let endless = format!("{{\"object\":{{\"a\":[{}", unit.repeat(MANY / unit.len()));
        assert_eq!(watch(endless.as_bytes(), 1), 0);
        let endless = format!("{{\"items\":[{{\"a\":[{}", unit.repeat(MANY / unit.len()));
        assert_eq!(list(endless.as_bytes(), 1), 0);
        assert_eq!(list(endless.as_bytes(), 100), 0);
    }
}

#[test]
fn one_endless_token_outside_of_items() {
    for start in [
        "{\"",
        "{\"a\":",
        "{\"a\":\"",
        "{\"metadata\":[",
        "{\"items\":n",
    ] {
        let endless = format!("{start}{}", "1".repeat(MANY));
        assert_eq!(list(endless.as_bytes(), 1), 0);
        assert_eq!(list(endless.as_bytes(), 1000), 0);
    }
}

#[test]
fn a_big_value_then_many_small_ones() {
    let big = event(&format!("{{\"a\":\"{}\"}}", "x".repeat(MANY)));
    let stream = [big, event("{}").repeat(50_000)].concat();
    for chunk in [1, 50, 4096, stream.len()] {
        assert_eq!(watch(&stream, chunk), 50_001);
    }
}

#[test]
fn many_tiny_items() {
    let body = format!("{{\"items\":[{}{{}}]}}", "{},".repeat(MANY / 4));
    for chunk in [1, 4096, body.len()] {
        assert_eq!(list(body.as_bytes(), chunk), MANY / 4 + 1);
    }
}

#[test]
fn depth() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(MANY), "]".repeat(MANY));
    assert!(parse_object(deep.as_bytes()).is_ok());
    assert!(pointer(deep.as_bytes(), "/a/0/0/0").is_some());
    assert!(parse_event(&event(&deep)).is_ok());
    for field in [
        "labels",
        "annotations",
        "ownerReferences",
        "name",
        "generation",
    ] {
        let deep = format!("{{\"metadata\":{{\"{field}\":{}", "[".repeat(MANY));
        assert!(parse_object(deep.as_bytes()).is_err());
    }
}

#[test]
fn many_keys() {
    let labels: Vec<String> = (0..MANY / 10)
        .map(|n| format!("\"{}\":\"\"", (n * 7919) % 5000))
        .collect();
    let labels = format!("{{\"metadata\":{{\"labels\":{{{}}}}}}}", labels.join(","));
    let object = parse_object(labels.as_bytes()).expect("an object");
    assert_eq!(object.meta().labels.len(), 5000);

    let managed = vec!["\"managedFields\":[]"; MANY / 10].join(",");
    let managed = format!("{{\"metadata\":{{{managed}}},\"kind\":\"\"}}");
    let mut out = Vec::new();
    parse_object(managed.as_bytes())
        .expect("an object")
        .write_clean(None, &mut out);
    assert_eq!(out, b"{\"metadata\":{}}");

    let twice = vec!["\"metadata\":{\"labels\":{\"a\":\"b\"}}"; MANY / 10].join(",");
    assert!(parse_object(format!("{{{twice}}}").as_bytes()).is_ok());
}

#[test]
fn memory_is_bounded_by_the_limit() {
    let mut framer = Framer::new(1000);
    let mut fed = Ok(());
    let mut count = 0;
    while fed.is_ok() {
        assert!(framer.buffered() <= 1000);
        fed = framer.feed(b"[", |_| Ok::<(), ()>(()));
        count += 1;
    }
    assert_eq!(count, 1001);
}
