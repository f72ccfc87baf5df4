//! serde_json as the oracle: whatever it reads from a random text, this crate reads too.
//!
//! Texts vary in key order, duplicate keys, white space and escapes; streams also in where they
//! are cut. Broken streams must end alike however they are cut, and nothing may panic.

#[path = "oracle/expected.rs"]
mod expected;
#[path = "oracle/node.rs"]
mod node;
#[path = "oracle/streams.rs"]
mod streams;

use proptest::prelude::{ProptestConfig, any, prop, proptest};
use serde_json::Value;
use tidegate_wire::{annotation, parse_event, parse_object, pointer};

use crate::{
    expected::{clean, meta, pointers},
    node::{Noise, junk, object},
    streams::{Outcome, frames, list, watch},
};

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

/// Cases per property; `WIRE_FUZZ_CASES` makes it a long test.
fn config() -> ProptestConfig {
    let cases = std::env::var("WIRE_FUZZ_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(256),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn objects(object in object(), seed in any::<u64>()) {
        let text = object.render(&mut Noise::new(seed));
        let oracle = value(&text);
        let object = parse_object(&text).expect("an object");
        assert_eq!(meta(&oracle), *object.meta());
        assert_eq!(oracle["kind"].as_str().filter(|kind| !kind.is_empty()), object.kind());
        for type_meta in [None, Some(("apps/v1", "De\"ploy"))] {
            let mut written = b"before".to_vec();
            object.write_clean(type_meta, &mut written);
            assert_eq!(clean(&oracle, type_meta), value(&written[6..]));
        }
        let frame = [b"{\"object\":", &text[..], b",\"x\":[{}],\"type\":\"ADDED\"}"].concat();
        let event = parse_event(&frame).expect("an event");
        let (mut alone, mut inside) = (Vec::new(), Vec::new());
        object.write_clean(None, &mut alone);
        event.object.write_clean(None, &mut inside);
        assert_eq!((alone, object.meta()), (inside, event.object.meta()));
    }

    #[test]
    fn values(object in object(), seed in any::<u64>()) {
        let text = object.render(&mut Noise::new(seed));
        let oracle = value(&text);
        for path in pointers(&oracle) {
            let found = pointer(&text, &path).expect("a value");
            assert_eq!(oracle.pointer(&path), Some(&value(found)), "{path}");
        }
        for path in ["/nope", "/metadata/nope", "/metadata/name/x", "x", "/a~2", "/metadata/labels/0"] {
            assert_eq!(oracle.pointer(path).is_some(), pointer(&text, path).is_some(), "{path}");
        }
        let annotations = oracle["metadata"]["annotations"].as_object();
        for (key, expected) in annotations.into_iter().flatten() {
            assert_eq!(annotation(&text, key).as_deref(), expected.as_str());
        }
    }

    #[test]
    fn streams(objects in prop::collection::vec(object(), 0..5), seed in any::<u64>()) {
        let mut noise = Noise::new(seed);
        let texts: Vec<Vec<u8>> = objects.iter().map(|object| object.render(&mut noise)).collect();
        let oracle: Vec<Value> = texts.iter().map(|text| value(text)).collect();
        let stream = streams::watch_stream(&texts, &mut noise);
        let body = streams::list_body(&texts, &mut noise);
        for _ in 0..4 {
            let (watched, listed) = (watch(&stream, &mut noise), list(&body, &mut noise));
            assert_eq!(watched.values(), oracle);
            assert_eq!(listed.values(), oracle);
            assert!(watched.is_well_ended && listed.is_well_ended);
            let framed = frames(&stream, &mut noise);
            let objects: Vec<Value> = framed.values().iter().map(|event| event["object"].clone()).collect();
            assert_eq!(objects, oracle);
        }
    }

    #[test]
    fn broken_streams(objects in prop::collection::vec(object(), 1..4), seed in any::<u64>()) {
        let mut noise = Noise::new(seed);
        let texts: Vec<Vec<u8>> = objects.iter().map(|object| object.render(&mut noise)).collect();
        let mut stream = streams::watch_stream(&texts, &mut noise);
        let mut body = streams::list_body(&texts, &mut noise);
        noise.damage(&mut stream);
        noise.damage(&mut body);
        let all: [fn(&[u8], &mut Noise) -> Outcome; 3] = [watch, list, frames];
        for (read, bytes) in all.into_iter().zip([&stream, &body, &stream]) {
            let outcomes = [0, 1, 2, 3].map(|_| read(bytes, &mut noise));
            let [first, others @ ..] = &outcomes;
            assert!(others.iter().all(|other| other == first), "{}", String::from_utf8_lossy(bytes));
        }
        let _ = (parse_event(&stream), parse_object(&body), annotation(&body, "a"));
        let _ = (pointer(&body, "/items/0/metadata"), pointer(&stream, "/object/spec/0"));
    }

    #[test]
    fn garbage(bytes in prop::collection::vec(junk(), 0..200), seed in any::<u64>()) {
        let mut noise = Noise::new(seed);
        let _ = (watch(&bytes, &mut noise), list(&bytes, &mut noise), frames(&bytes, &mut noise));
        let _ = (parse_event(&bytes), parse_object(&bytes), annotation(&bytes, "a"));
        let _ = pointer(&bytes, "/a/0/b");
        if let Ok(object) = parse_object(&bytes) {
            object.write_clean(Some(("v1", "Pod")), &mut Vec::new());
            let _ = object.status();
        }
    }
}
