//! The reflector's decisions, one table row each: what is asked next after what happened.

use super::{Config, End, Flow, Reflector, Step};
use crate::{cache::Cache, reflector::Selectors, testing::cache};
use std::time::Duration;

struct Bench {
    reflector: Reflector,
    cache: Cache,
    now: Duration,
    asked: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let config = Config {
            page_limit: 2,
            object_bytes_max: 1 << 20,
            streaming_lists: true,
            seed: 1,
        };
        Self {
            reflector: Reflector::new(config),
            cache: cache(),
            now: Duration::ZERO,
            asked: Vec::new(),
        }
    }

    /// Waits as long as it is told to, and notes the next request, less its times.
    fn ask(&mut self) {
        loop {
            match self.reflector.step(&mut self.cache) {
                Step::Wait(delay) => {
                    self.now += delay;
                    self.asked.push(format!(
                        "wait {}",
                        if delay < Duration::from_secs(1) {
                            "<1s"
                        } else {
                            "≥1s"
                        }
                    ));
                }
                Step::Send(request) => {
                    let query = request.query(&Selectors::default());
                    let kept: Vec<&str> = query
                        .split('&')
                        .filter(|part| {
                            !part.starts_with("timeout")
                                && !part.starts_with("allow")
                                && !part.is_empty()
                        })
                        .collect();
                    return self.asked.push(if kept.is_empty() {
                        "list".to_owned()
                    } else {
                        kept.join("&")
                    });
                }
            }
        }
    }

    /// One answer: `404 text` refuses; `> bytes` streams; `eof`, `broken`, `silent` end; `+5s` lets time pass.
    fn happen(&mut self, answer: &str) {
        let mut changes = Vec::new();
        let now = self.now;
        match answer.split_once(' ') {
            Some((">", bytes)) => {
                if self.reflector.body.is_none() {
                    self.reflector.started(now, &mut self.cache);
                }
                for line in bytes.split('|') {
                    let line = format!("{line}\n");
                    if self
                        .reflector
                        .chunk(now, line.as_bytes(), &mut self.cache, &mut changes)
                        == Flow::Done
                    {
                        return self.ask();
                    }
                }
            }
            Some((code, body)) => {
                let code = code.parse().expect("a status code");
                self.reflector.refused(
                    now,
                    code,
                    None,
                    body.as_bytes(),
                    &mut self.cache,
                    &mut changes,
                );
                self.ask();
            }
            None if answer.starts_with('+') => {
                let seconds = answer.trim_matches(['+', 's']).parse().expect("seconds");
                self.now += Duration::from_secs(seconds);
            }
            None => {
                let end = match answer {
                    "eof" => End::Clean,
                    "broken" => End::Broken("cut".to_owned()),
                    _ => End::Silent,
                };
                self.reflector
                    .ended(now, end, &mut self.cache, &mut changes);
                self.ask();
            }
        }
    }
}

const STREAM: &str = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
const OBJECT: &str =
    r#"{"type":"ADDED","object":{"metadata":{"name":"a","uid":"1","resourceVersion":"4"}}}"#;
const END_MARK: &str = r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7","annotations":{"k8s.io/initial-events-end":"true"}}}}"#;
const GONE: &str = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#;
const STORE_READ: &str = r#"{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"StorageReadError","message":"m"}}"#;
const BOOKMARK: &str = r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#;
const TOO_NEW: &str = r#"504 {"kind":"Status","code":504,"reason":"Timeout","message":"m","details":{"causes":[{"reason":"ResourceVersionTooLarge","message":"m"}]}}"#;

#[track_caller]
fn check(answers: &[&str], expected: &[&str]) -> Bench {
    let mut bench = Bench::new();
    bench.ask();
    answers.iter().for_each(|answer| bench.happen(answer));
    assert_eq!(bench.asked, expected);
    bench
}

fn streamed() -> String {
    format!("> {OBJECT}|{END_MARK}")
}

#[test]
fn resumes_without_a_relist() {
    let (synced, bookmark) = (streamed(), format!("> {BOOKMARK}"));
    check(
        &[&synced, &bookmark, "+5s", "eof"],
        &[STREAM, "watch=true&resourceVersion=9"],
    );
    check(
        &[&synced, "+5s", "broken"],
        &[STREAM, "wait <1s", "watch=true&resourceVersion=7"],
    );
    check(
        &[&synced, "silent"],
        &[STREAM, "wait <1s", "watch=true&resourceVersion=7"],
    );
    check(
        &[&synced, "eof"],
        &[STREAM, "wait <1s", "watch=true&resourceVersion=7"],
    );
}

#[test]
fn expired_history_means_a_picture_not_older_than_the_last_version() {
    let again = format!("{STREAM}&resourceVersion=7");
    check(&[&streamed(), &format!("> {GONE}")], &[STREAM, &again]);
    check(
        &[&streamed(), "+5s", "eof", "410 gone"],
        &[STREAM, "watch=true&resourceVersion=7", &again],
    );
    check(
        &[&streamed(), &format!("> {STORE_READ}")],
        &[STREAM, &again],
    );
}

#[test]
fn a_version_that_is_too_new_means_the_latest_picture() {
    check(
        &[&streamed(), "+5s", "eof", TOO_NEW],
        &[STREAM, "watch=true&resourceVersion=7", STREAM],
    );
}

#[test]
fn servers_without_streaming_lists_are_listed_by_pages() {
    let page =
        |token: &str| format!(r#"> {{"metadata":{{"resourceVersion":"8"{token}}},"items":[]}}"#);
    let more = page(r#","continue":"t""#);
    check(
        &["422 no", &more, "eof", &page(""), "eof"],
        &[
            STREAM,
            "limit=2&resourceVersion=0",
            "limit=2&continue=t",
            "watch=true&resourceVersion=8",
        ],
    );
    check(
        &["422 no", &more, "eof", "410 expired"],
        &[
            STREAM,
            "limit=2&resourceVersion=0",
            "limit=2&continue=t",
            "list",
        ],
    );
    check(&["> ", "silent"], &[STREAM, "limit=2&resourceVersion=0"]);
    check(
        &[&format!("> {OBJECT}"), "silent"],
        &[STREAM, "limit=2&resourceVersion=0"],
    );
}

#[test]
fn refusals_are_waited_out() {
    check(&["429 slow"], &[STREAM, "wait <1s", STREAM]);
    check(&["401 who"], &[STREAM, "wait <1s", STREAM]);
    check(
        &["500 oops", "500 oops"],
        &[STREAM, "wait <1s", STREAM, "wait <1s", STREAM],
    );
    check(&["broken"], &[STREAM, "wait <1s", STREAM]);
    let throttled = r#"429 {"kind":"Status","code":429,"reason":"TooManyRequests","message":"m","details":{"retryAfterSeconds":7}}"#;
    check(
        &[&streamed(), "+5s", "eof", throttled],
        &[
            STREAM,
            "watch=true&resourceVersion=7",
            "wait ≥1s",
            "watch=true&resourceVersion=7",
        ],
    );
}

#[test]
fn a_resource_that_is_gone_must_be_gone_twice() {
    let not_found = "404 404 page not found";
    let bench = check(
        &[&streamed(), "+5s", "eof", not_found],
        &[STREAM, "watch=true&resourceVersion=7", "wait <1s", STREAM],
    );
    assert_eq!(bench.cache.current().len(), 1);
    let bench = check(
        &[&streamed(), "+5s", "eof", not_found, not_found],
        &[
            STREAM,
            "watch=true&resourceVersion=7",
            "wait <1s",
            STREAM,
            "wait <1s",
            STREAM,
        ],
    );
    assert!(bench.cache.current().is_empty() && !bench.cache.current().is_synced());
}

#[test]
fn a_picture_that_keeps_breaking_is_listed_by_pages() {
    let expected = [
        STREAM,
        "wait <1s",
        STREAM,
        "wait <1s",
        STREAM,
        "limit=2&resourceVersion=0",
    ];
    check(&["> {bad}", "> {bad}", "> {bad}"], &expected);
}
