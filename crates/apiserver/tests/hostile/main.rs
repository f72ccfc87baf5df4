//! Generated requests: every one is answered with a well-formed object or `Status`, nothing panics, and the server is well
//! after it.
//!
//! Cases are the same at each run. `TIDEGATE_HOSTILE_CASES` and `TIDEGATE_HOSTILE_SEED` make more and others.
#![expect(clippy::print_stdout, reason = "figures, shown with --nocapture")]

mod generate;
#[path = "../support/http.rs"]
mod http;
mod mutate;
#[path = "../support/random.rs"]
mod random;
mod samples;

use generate::{Case, Generator};
use http::{Answer, Client, Protocol};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env, panic,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tidegate_apiserver::test::start;
use tokio::task::JoinSet;

const CASES: u64 = 6_000;
const AT_ONCE: u64 = 8;
/// The longest that one answer may take, on a busy machine.
const SLOW: Duration = Duration::from_secs(15);

/// What kube-apiserver, too, calls a failure of its own.
const FAILURES: [&str; 3] = [
    "resourceVersion should not be set on objects to be created",
    "strconv.ParseUint: parsing",
    "Too large resource version",
];

/// Panics of the server; those of the tests themselves are shown as ever.
fn catch_panics() -> Arc<Mutex<Vec<String>>> {
    let caught = Arc::new(Mutex::new(Vec::new()));
    let book = Arc::clone(&caught);
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let file = info.location().map_or("", |place| place.file());
        if !file.contains("tests/") {
            let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
            book.push(info.to_string());
        }
        usual(info);
    }));
    caught
}

/// Why an answer is not as it should be.
fn fault(case: &Case, answer: &Answer) -> Option<String> {
    let head = case.method == "HEAD";
    // Answers to HEAD have no words; GET is asked the same.
    if answer.status >= 500 && !head && !FAILURES.iter().any(|words| answer.says(words)) {
        return Some("a failure of the server".to_owned());
    }
    if head || answer.body.is_empty() {
        // So does kube-apiserver with these documents.
        let fine = head || answer.status < 400 || case.path.starts_with("/openapi/");
        return (!fine).then(|| "no body".to_owned());
    }
    if !answer.content_type.starts_with("application/json") {
        return (answer.status >= 400 && answer.content_type.is_empty())
            .then(|| "no content type".to_owned());
    }
    let mut values = serde_json::Deserializer::from_slice(&answer.body).into_iter::<Value>();
    let first = match values.next() {
        Some(Ok(value)) => value,
        other => return Some(format!("not JSON: {other:?}")),
    };
    if let Some(Err(error)) = values.find(Result::is_err) {
        return Some(format!("not JSON: {error}"));
    }
    if answer.status < 400 || !first["kind"].is_string() {
        return None;
    }
    let whole = first["kind"] == "Status"
        && first["status"] == "Failure"
        && first["message"].is_string()
        && first["code"] == answer.status;
    (!whole).then(|| "not a Status".to_owned())
}

/// A case, its answer, and how long that took.
type Asked = (Case, Result<Answer, String>, Duration);

async fn ask(client: Client, case: Case) -> Asked {
    let began = Instant::now();
    let sent = client.send(
        case.method,
        &case.path,
        case.content_type,
        case.body.clone(),
    );
    let answer = sent.await;
    (case, answer, began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_answered_and_nothing_panics() {
    let number = |name, default| {
        env::var(name).map_or(default, |text: String| text.parse().expect("a number"))
    };
    let cases = number("TIDEGATE_HOSTILE_CASES", CASES);
    let panics = catch_panics();
    let server = start().await.expect("a server");
    let clients = [Protocol::Http1, Protocol::Http2].map(|it| Client::new(&server, it));
    samples::create(&clients[0]).await;
    let mut generator = Generator::new(number("TIDEGATE_HOSTILE_SEED", 11));
    let mut running = JoinSet::new();
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut slowest = Duration::ZERO;
    for number in 0..cases + AT_ONCE {
        if number >= AT_ONCE {
            let asked = running.join_next().await.expect("one");
            let (case, answer, time): Asked = asked.expect("no panic");
            slowest = slowest.max(time);
            match answer {
                Ok(answer) => {
                    *statuses.entry(answer.status).or_default() += 1;
                    if let Some(fault) = fault(&case, &answer) {
                        faults.push(format!("{fault}: {case}\n  {answer}"));
                    }
                    generator.learn(&answer);
                }
                // What no client can send is no case.
                Err(error) if error.contains("invalid uri") || error.contains("Uri") => {}
                Err(error) => faults.push(format!("{error}: {case}")),
            }
        }
        if number < cases {
            let client = generator.random.pick(&clients).clone();
            running.spawn(ask(client, generator.case()));
        }
    }
    println!("{cases} cases, the slowest {slowest:?}: {statuses:?}");
    let panics = panics.lock().expect("no panic").clone();
    assert!(panics.is_empty(), "{} panics: {panics:#?}", panics.len());
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults
            .iter()
            .take(20)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert!(slowest < SLOW, "an answer took {slowest:?}");
    assert!(statuses.len() >= 6, "the cases are all alike");
    let health = clients[0]
        .send("GET", "/readyz", "", "")
        .await
        .expect("an answer");
    assert_eq!((health.status, &*health.body), (200, &b"ok"[..]));
    samples::check(&clients[0]).await;
    server.stop().await;
}

impl Answer {
    fn says(&self, words: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(words)
    }
}
