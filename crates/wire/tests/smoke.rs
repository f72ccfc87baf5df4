//! The whole crate on one page: a watch, a list and a failed list, fed byte by byte and whole.

use tidegate_wire::{EventKind, ListError, ListParser, WatchParser};

const POD: &str = r#"{"metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"7","labels":{"b":"2","a":"1"},"managedFields":[{"x":{}}],"annotations":{"q":"\"}{"}},"spec":{"c":["}"]}}"#;

#[test]
fn watch() {
    let stream = format!(
        "{{\"object\":{POD},\"type\":\"ADDED\"}}\n{{\"type\":\"DELETED\",\"object\":{POD}}}"
    );
    for size in [1, 7, stream.len()] {
        let mut parser = WatchParser::new(1000);
        let mut seen = Vec::new();
        for chunk in stream.as_bytes().chunks(size) {
            let fed = parser.feed(chunk, |event| {
                let mut clean = Vec::new();
                event.object.write_clean(Some(("v1", "Pod")), &mut clean);
                let clean: serde_json::Value = serde_json::from_slice(&clean).expect("JSON");
                assert_eq!(clean["kind"], "Pod");
                assert!(clean["metadata"].get("managedFields").is_none());
                seen.push((event.kind, event.object.meta().name.to_string()));
                Ok::<(), ()>(())
            });
            assert_eq!(fed, Ok(()));
        }
        parser.finish().expect("whole");
        let expected = [
            (EventKind::Added, "a".into()),
            (EventKind::Deleted, "a".into()),
        ];
        assert_eq!(seen, expected);
    }
}

fn list(body: &str, size: usize) -> (usize, Result<tidegate_wire::ListMeta, ListError>) {
    let (mut parser, mut items) = (ListParser::new(1000), 0);
    for chunk in body.as_bytes().chunks(size) {
        let fed = parser.feed(chunk, |_| {
            items += 1;
            Ok::<(), ()>(())
        });
        assert_eq!(fed, Ok(()));
    }
    (items, parser.finish())
}

#[test]
fn lists() {
    let body = format!(
        r#"{{"items":[{POD}, {POD}],"kind":"PodList","x":[1],"metadata":{{"continue":"c","resourceVersion":"9"}}}}"#
    );
    let status = r#"{"kind":"Status","code":410,"reason":"Expired","message":"m"}"#;
    for size in [1, 7, body.len()] {
        let (items, meta) = list(&body, size);
        let meta = meta.expect("a list");
        assert_eq!(
            (items, &*meta.resource_version, &*meta.kind),
            (2, "9", "PodList")
        );
        let Err(ListError::Status(status)) = list(status, size).1 else {
            panic!("no status");
        };
        assert_eq!(status.code, Some(410));
    }
}
