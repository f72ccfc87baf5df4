//! What each kind of input gives, case by case. Only the `check` functions touch the API.

use tidegate_wire::{
    FeedError, Framer, ListParser, ResourceVersion, WatchParser, annotation, parse_event,
    parse_object, pointer,
};

#[track_caller]
fn check_event(frame: impl AsRef<[u8]>, expected: &str) {
    let shown = match parse_event(frame.as_ref()) {
        Ok(event) => format!("{:?} {}", event.kind, event.object.meta().name),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected);
}

#[test]
fn events() {
    check_event(
        r#"{"type":"ADDED","object":{"metadata":{"name":"a"}}}"#,
        "Added a",
    );
    check_event(r#" {"x":[1],"object":{},"type":"ERROR"} "#, "Error ");
    check_event(r#"{"\u0074ype":"BOOKMARK","object":{}}"#, "Bookmark ");
    check_event(
        r#"{"type":"ADDED","type":"DELETED","object":{}}"#,
        "Deleted ",
    );
    check_event(
        r#"{"type":"PA\"<TCHED","object":{}}"#,
        "unknown event type \"PATCHED\"",
    );
    check_event(r#"{"object":{}}"#, "type is missing");
    check_event(r#"{"type":null,"object":{}}"#, "type is missing");
    check_event(r#"{"type":"ADDED"}"#, "object is missing");
    check_event(
        r#"{"type":"ADDED","object":null}"#,
        "byte 25: object is not an object",
    );
    check_event(r#"{"type":1,"object":{}}"#, "byte 8: type is not a string");
    check_event(
        r#"{"type":"ADDED","object":{}} x"#,
        "byte 29: data after the end of the value",
    );
    check_event(r#"{"type":"ADDED","object":{"#, "cut off at byte 26");
    check_event("[]", "byte 0: expected an object");
    check_event("", "cut off at byte 0");
}

#[track_caller]
fn check_object(json: impl AsRef<[u8]>, expected: &str) {
    let shown = match parse_object(json.as_ref()) {
        Ok(object) => format!("{} {:?}", object.meta().name, object.meta().labels),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected);
}

#[track_caller]
fn check_meta(members: &str, expected: &str) {
    check_object(format!("{{\"metadata\":{{{members}}}}}"), expected);
}

#[test]
fn text() {
    check_meta(r#""name":"a\/\n\u00e9\ud83d\ude00""#, "a/\né😀 []");
    check_meta(
        r#""name":"\ud83d""#,
        "byte 20: string with half a surrogate pair",
    );
    check_meta(
        r#""name":"\ude00""#,
        "byte 20: string with half a surrogate pair",
    );
    check_meta(
        r#""name":"\ud83d\ue000""#,
        "byte 20: string with half a surrogate pair",
    );
    check_meta(
        r#""name":"\ud83d\ud83d""#,
        "byte 20: string with half a surrogate pair",
    );
    check_meta(
        r#""name":"\u12""#,
        "byte 20: string with an escape without four hex digits",
    );
    check_meta(
        r#""name":"\u+123""#,
        "byte 20: string with an escape without four hex digits",
    );
    check_meta(r#""name":"\x""#, "byte 20: string with an unknown escape");
    check_meta(
        "\"name\":\"a\nb\"",
        "byte 20: string with a control character",
    );
    check_object(
        b"{\"metadata\":{\"name\":\"\xff\"}}",
        "byte 20: string with bytes that are not UTF-8",
    );
    check_object(b"{\"metadata\":{\"\xff\":1},\"\xff\":2}", " []");
}

#[test]
fn fields() {
    check_meta(
        r#""labels":{"b":"1","a":"2","b":"3"}"#,
        r#" [("a", "2"), ("b", "3")]"#,
    );
    check_meta(r#""labels":{"a":null}"#, r#" [("a", "")]"#);
    check_meta(r#""labels":null,"name":null,"ownerReferences":null"#, " []");
    check_meta(
        r#""labels":{"a":1}"#,
        "byte 27: metadata.labels is not a string",
    );
    check_meta(
        r#""labels":[]"#,
        "byte 22: metadata.labels is not an object",
    );
    check_meta(r#""name":{}"#, "byte 20: metadata.name is not a string");
    check_meta(r#""name":7"#, "byte 20: metadata.name is not a string");
    check_meta(
        r#""generation":1.0"#,
        "byte 26: metadata.generation is not a 64-bit integer",
    );
    check_meta(
        r#""generation":99999999999999999999"#,
        "byte 26: metadata.generation is not a 64-bit integer",
    );
    check_meta(
        r#""deletionTimestamp":true"#,
        "byte 33: metadata.deletionTimestamp is not a string",
    );
    check_meta(
        r#""ownerReferences":{}"#,
        "byte 31: metadata.ownerReferences is not an array",
    );
    check_meta(
        r#""annotations":"x""#,
        "byte 27: metadata.annotations is not an object",
    );
    check_object(r#"{"metadata":"x"}"#, "byte 12: metadata is not an object");
    check_object(r#"{"kind":1}"#, "byte 8: kind is not a string");
    check_object(r#"{"metadata":{"name":"a"},"metadata":null}"#, " []");
}

#[test]
fn grammar() {
    check_object("{}", " []");
    check_object("{\"a\":tru}", "byte 5: expected a JSON value");
    check_object("{\"a\":01}", "byte 5: expected a JSON value");
    check_object("{\"a\":1.}", "byte 5: expected a JSON value");
    check_object("{\"a\":1e}", "byte 5: expected a JSON value");
    check_object("{\"a\":-}", "byte 5: expected a JSON value");
    check_object("{\"a\":}", "byte 5: expected a JSON value");
    check_object("{\"a\":1,}", "byte 7: expected a string");
    check_object("{\"a\" 1}", "byte 5: expected a colon");
    check_object(
        "{\"a\":1 2}",
        "byte 7: expected a comma or the end of the object",
    );
    check_object("{a:1}", "byte 1: expected a string");
    check_object("{\"a\":\"x\\", "cut off at byte 8");
    check_object("{\"a\":[\"]\"", "cut off at byte 9");
    check_object("{\"a\":{]}", " []"); // skipped parts are only checked for balance
}

#[track_caller]
fn check_clean(json: &str, expected: &str) {
    let mut out = Vec::new();
    let object = parse_object(json.as_bytes()).expect("an object");
    object.write_clean(Some(("v1", "Pod")), &mut out);
    assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
}

#[test]
fn clean_copies() {
    check_clean("{}", r#"{"apiVersion":"v1","kind":"Pod"}"#);
    check_clean(
        r#"{"kind":"P","a":1}"#,
        r#"{"apiVersion":"v1","kind":"P","a":1}"#,
    );
    check_clean(r#"{"kind":null}"#, r#"{"apiVersion":"v1","kind":"Pod"}"#);
    check_clean(
        r#"{"kind":"","a":1}"#,
        r#"{"apiVersion":"v1","kind":"Pod","a":1}"#,
    );
    check_clean(
        r#"{"kind":"P","kind":null,"apiVersion":"x"}"#,
        r#"{"kind":"P","apiVersion":"x"}"#,
    );
    let metadata = |json: &str| format!(r#"{{"kind":"P","apiVersion":"x","metadata":{{{json}}}}}"#);
    for (dirty, clean) in [
        (r#""managedFields":[{"a":"]"}]"#, ""),
        (r#""managedFields":[],"a":1"#, r#""a":1"#),
        (r#""a":1,"managedFields":[]"#, r#""a":1"#),
        (r#""a":1 , "managedFields":[] , "b":2"#, r#""a":1 , "b":2"#),
        (r#""a":1,"managedFields":1,"managedFields":2"#, r#""a":1"#),
        (r#""managedFields":1, "managedFields":2, "a":1"#, r#""a":1"#),
        (r#""managedFields":1,"managedFields":2"#, ""),
        (r#""managed\u0046ields":1,"a":1"#, r#""a":1"#),
    ] {
        check_clean(&metadata(dirty), &metadata(clean));
    }
}

#[track_caller]
fn check_status(json: &str, expected: &str) {
    let shown = match parse_object(json.as_bytes()).expect("an object").status() {
        Ok(status) => format!(
            "{status} {:?} {:?}",
            status.retry_after_seconds, status.causes
        ),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected);
}

#[test]
fn statuses() {
    check_status(
        r#"{"kind":"Status","code":504,"reason":"Timeout","message":"m","details":{"causes":[{"reason":"ResourceVersionTooLarge"},{}],"retryAfterSeconds":1}}"#,
        r#"504 Timeout: m Some(1) ["ResourceVersionTooLarge", ""]"#,
    );
    check_status(
        r#"{"code":null,"details":null}"#,
        "no reason: no message None []",
    );
    check_status(r#"{"kind":"Pod"}"#, "byte 8: kind is not Status");
    check_status(r#"{"code":"410"}"#, "byte 8: code is not a 64-bit integer");
}

#[test]
fn pointers() {
    let json = r#" {"a/b":{"m~n":[10,{"x":"y"}]},"a":1,"a":2,"\u0063":[]} "#;
    for (path, expected) in [
        ("", Some(json.trim())),
        ("/a", Some("2")),
        ("/a~1b/m~0n/1/x", Some("\"y\"")),
        ("/a~1b/m~0n/0", Some("10")),
        ("/c", Some("[]")),
        ("/a~1b/m~0n/01", None),
        ("/a~1b/m~0n/-", None),
        ("/a~1b/m~0n/2", None),
        ("/a~1b/m~0n/99999999999999999999999", None),
        ("/a~", None),
        ("/a/0", None),
        ("a", None),
        ("/", None),
    ] {
        let found = pointer(json.as_bytes(), path);
        assert_eq!(found, expected.map(str::as_bytes), "{path}");
    }
    assert_eq!(pointer(b"{\"a\":1", "/a"), None, "cut off");
    let object = br#"{"metadata":{"annotations":{"k":"a\tb","n":1}}}"#;
    assert_eq!(annotation(object, "k").as_deref(), Some("a\tb"));
    assert_eq!(annotation(object, "n"), None);
    assert_eq!(annotation(b"{}", "k"), None);
}

#[test]
fn versions() {
    let version = |text| ResourceVersion::parse(text).expect("a version");
    for (a, b, expected) in [
        ("9", "10", "Some(Less)"),
        ("18446744073709551615", "18446744073709551616", "Some(Less)"),
        (
            "340282366920938463463374607431768211456",
            "99999999999999999999",
            "Some(Greater)",
        ),
        (
            "99999999999999999999",
            "99999999999999999999",
            "Some(Equal)",
        ),
        ("99999999999999999998", "99999999999999999999", "Some(Less)"),
        ("abc", "abc", "Some(Equal)"),
        ("abc", "7", "None"),
        ("007", "8", "None"),
        ("+7", "8", "None"),
    ] {
        assert_eq!(
            format!("{:?}", version(a).compare(&version(b))),
            expected,
            "{a} {b}"
        );
        assert_eq!(version(a).to_string(), a);
        assert_eq!(version(a).is(b), a == b);
    }
    assert!(version("7").is("7") && !version("7").is("07") && !version("7").is("+7"));
    let refused = ["", "0"].map(|text| ResourceVersion::parse(text).expect_err(text).to_string());
    assert!(
        refused
            .iter()
            .all(|error| error.ends_with("is a request, not a version"))
    );
    assert!(ResourceVersion::opaque("").is("") && ResourceVersion::opaque("0").is("0"));
    assert!(!ResourceVersion::opaque("0").is_comparable());
    assert_eq!(size_of::<ResourceVersion>(), 16);
}

/// Feeds `body` whole and byte by byte, which must give the same.
#[track_caller]
fn check_list(body: &str, expected: &str) {
    for size in [1, body.len().max(1)] {
        let (mut parser, mut names) = (ListParser::new(150), Vec::new());
        let fed = body.as_bytes().chunks(size).try_for_each(|chunk| {
            parser.feed(chunk, |item| {
                names.push(item.meta().name.to_string());
                if names.len() > 2 {
                    Err("too many")
                } else {
                    Ok(())
                }
            })
        });
        let shown = match (fed, parser.finish()) {
            (Err(error), Err(_)) => error.to_string(),
            (Err(_), Ok(_)) => "ended well after an error".to_owned(),
            (Ok(()), Err(error)) => error.to_string(),
            (Ok(()), Ok(meta)) => format!(
                "{names:?} {}/{} at {:?}, {:?}, {:?}",
                meta.api_version,
                meta.kind,
                meta.resource_version,
                meta.continue_token,
                meta.remaining_item_count
            ),
        };
        assert_eq!(shown, expected, "in chunks of {size}");
    }
}

#[test]
fn lists() {
    let a = r#"{"metadata":{"name":"a"}}"#;
    let items = format!(r#""items" : [ {a} , {a} ]"#);
    let head = r#""kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"c","remainingItemCount":3}"#;
    let all = r#"["a", "a"] v1/PodList at "9", Some("c"), Some(3)"#;
    check_list(&format!("{{{head},{items}}}"), all);
    check_list(&format!(" {{{items} , {head} }} \n"), all);
    check_list(
        &format!(r#"{{"x":"]","y":[{{}}],"z":-1,{items},{head}}}"#),
        all,
    );
    check_list(r#"{"items":null}"#, r#"[] / at "", None, None"#);
    check_list(
        r#"{"items":[],"metadata":{"continue":""}}"#,
        r#"[] / at "", None, None"#,
    );
    check_list(
        r#"{"items":[],"metadata":null}"#,
        r#"[] / at "", None, None"#,
    );
    check_list(
        &format!(r#"{{"items":[{a},{a},{a}]}}"#),
        "the consumer refused a value: too many",
    );
}

#[test]
fn lists_that_are_none() {
    let status = r#"{"kind":"Status","metadata":{},"status":"Failure","message":"m","reason":"Expired","code":410}"#;
    check_list(status, "the server answered with a status: 410 Expired: m");
    check_list(r#"{"kind":"PodList"}"#, "items is missing");
    check_list("{}", "items is missing");
    check_list("", "the stream ended inside a value, after 0 bytes of it");
    check_list(
        r#"{"items":[{}"#,
        "the stream ended inside a value, after 12 bytes of it",
    );
    check_list(r#"{"items":[],"items":[]}"#, "items is given twice");
    check_list(r#"{"items":{}}"#, "byte 9: items is not an array");
    check_list(r#"{"items":nul}"#, "byte 9: expected a JSON value");
    check_list(r#"{"items":[1]}"#, "byte 10: expected an item");
    check_list(r#"{"items":[{},]}"#, "byte 13: expected an item");
    check_list(
        r#"{"items":[]} {"#,
        "byte 13: data after the end of the value",
    );
    check_list(r#"{"a":1,}"#, "byte 7: expected a key");
    check_list(
        r#"{"a":1 "b":2}"#,
        "byte 7: expected a comma or the end of the object",
    );
    check_list("[]", "byte 0: expected an object");
    check_list(r#"{"kind":7,"items":[]}"#, "byte 8: kind is not a string");
    check_list(
        &format!(r#"{{"items":[{{"a":"{}"}}]}}"#, "x".repeat(150)),
        "a value exceeds 150 bytes",
    );
    let head = r#""kind":"x","#.repeat(15);
    check_list(
        &format!(r#"{{{head}"items":[]}}"#),
        "a value exceeds 150 bytes",
    );
}

/// Frames, then how the stream ended.
#[track_caller]
fn check_frames(stream: impl AsRef<[u8]>, expected: &str) {
    let stream = stream.as_ref();
    for size in [1, stream.len().max(1)] {
        let (mut framer, mut frames) = (Framer::new(20), String::new());
        let fed: Result<(), FeedError<&str>> = stream.chunks(size).try_for_each(|chunk| {
            framer.feed(chunk, |frame| {
                frames.push_str(&String::from_utf8_lossy(frame));
                frames.push('|');
                Ok(())
            })
        });
        let end = match (fed, framer.finish()) {
            (Ok(()), Ok(())) => "ok".to_owned(),
            (Err(error), _) => error.to_string(),
            (Ok(()), Err(error)) => error.to_string(),
        };
        assert_eq!(frames + &end, expected, "in chunks of {size}");
    }
}

#[test]
fn frames() {
    check_frames("", "ok");
    check_frames(" \n\r\t", "ok");
    check_frames("{}{}\n[] {}", "{}|{}|[]|{}|ok");
    check_frames(
        "{\n\"a\":{}\n,\"b\":1\n}\n{}",
        "{\n\"a\":{}\n,\"b\":1\n}|{}|ok",
    );
    check_frames(r#"{"}":"\"{\\"}{}"#, r#"{"}":"\"{\\"}|{}|ok"#);
    check_frames(r#"["é\u00e9"]"#, r#"["é\u00e9"]|ok"#);
    check_frames(
        "{}{\"a\"",
        "{}|the stream ended inside a value, after 4 bytes of it",
    );
    check_frames(
        "{} null",
        "{}|byte 3 of the stream: expected an object or an array",
    );
    check_frames(
        "{}}",
        "{}|byte 2 of the stream: expected an object or an array",
    );
    check_frames(format!("[{}]", "1".repeat(18)), "[111111111111111111]|ok");
    check_frames(format!("[{}]", "1".repeat(19)), "a value exceeds 20 bytes");
}

#[test]
fn a_parser_is_spent_after_an_error() {
    let mut framer = Framer::new(20);
    assert_eq!(framer.feed(b"{}", |_| Err(7)), Err(FeedError::Consumer(7)));
    let again = framer.feed(b"{}", |_| Ok::<(), u8>(()));
    assert_eq!(
        again.expect_err("spent").to_string(),
        "fed again after an error"
    );
    let mut watch = WatchParser::new(20);
    assert!(watch.feed(b"{}", |_| Ok::<(), ()>(())).is_err());
    assert!(watch.finish().is_err());
}

#[test]
fn events_have_a_limit_too() {
    let frame = br#"{"type":"ADDED","object":{}}"#;
    for (limit, fits) in [(frame.len(), true), (frame.len() - 1, false)] {
        for size in [1, 27, frame.len()] {
            let mut parser = WatchParser::new(limit);
            let fed = frame
                .chunks(size)
                .try_for_each(|chunk| parser.feed(chunk, |_| Ok::<(), ()>(())));
            assert_eq!(fed.is_ok(), fits, "{limit} bytes in chunks of {size}");
        }
    }
}
