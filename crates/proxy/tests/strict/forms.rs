//! The exact form of what is forwarded, both ways: heads as the next one reads them.

use std::net::SocketAddr;

use crate::{
    client::{Client, Cut, Reply},
    escape::{cases, steps, unescape},
    origin::Origin,
    outcome::report,
    wire::text,
    world::proxy,
};

const REQUESTS: &str = include_str!("requests.txt");
const ANSWERS: &str = include_str!("answers.txt");

/// What the proxy says on its own in every head, and what [`crate::wire::complaint`] looks at.
const OWN: [&str; 5] = [
    "x-forwarded-for: ",
    "x-forwarded-proto: ",
    "x-forwarded-host: ",
    "x-request-id: ",
    "date: ",
];

/// A head's text without the proxy's own fields.
fn plain(head: &str) -> String {
    let lines = head.split_inclusive("\r\n");
    lines
        .filter(|line| !OWN.iter().any(|own| line.starts_with(own)))
        .collect()
}

fn check_request(case: &[&str], address: SocketAddr, origin: &Origin) -> Option<String> {
    let mut client = Client::connect(address);
    client.send(&unescape(case[0]), Cut::Whole);
    let reply = client.reply(case[0].starts_with("HEAD"));
    let seen = origin.take();
    let got = match &seen[..] {
        [seen] if seen.complaint.is_none() => plain(&seen.head),
        _ => format!("{reply:?} {seen:?}"),
    };
    (got != text(&unescape(case[1])))
        .then(|| format!("{}\n    got {}", case[0], got.escape_default()))
}

fn check_answer(case: &[&str], address: SocketAddr, origin: &Origin) -> Option<String> {
    origin.script(steps(case[1]));
    let mut client = Client::connect(address);
    client.send(&unescape(case[0]), Cut::Whole);
    let got = match client.reply(case[0].starts_with("HEAD")) {
        Reply::Answer(answer) if answer.complaint.is_none() && answer.whole => plain(&answer.head),
        other => format!("{other:?}"),
    };
    origin.rest();
    (got != text(&unescape(case[2])))
        .then(|| format!("{}\n    got {}", case[1], got.escape_default()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_are_forwarded_in_this_form() {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| {
        let all: Vec<_> = cases(REQUESTS, 2).collect();
        let check = |case: &Vec<&str>| check_request(case, address, &origin);
        let wrong: Vec<String> = all.iter().filter_map(check).collect();
        report(&wrong, all.len(), 25);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn answers_are_passed_on_in_this_form() {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| {
        let all: Vec<_> = cases(ANSWERS, 3).collect();
        let check = |case: &Vec<&str>| check_answer(case, address, &origin);
        let wrong: Vec<String> = all.iter().filter_map(check).collect();
        report(&wrong, all.len(), 15);
    });
}
