//! Sequences: smuggling pairs, pipelines, early and unasked answers, tunnels, redirects and rewrites. Each is a line that
//! says what both sides send, and what must come of it.

use std::net::SocketAddr;

use crate::{
    client::{Client, Reply},
    escape::{cases, steps},
    origin::Origin,
    outcome::{describe, outcome, probe, report},
    world::{impatient, proxy},
};

const SCENES: &str = include_str!("scenes.txt");
const SLOW: &str = include_str!("slow.txt");

/// Reads the answers that are expected, then asks again on the same connection.
fn converse(client: &mut Client, expected: &str, origin: &Origin) -> Vec<String> {
    let words: Vec<&str> = expected.split(' ').collect();
    let statuses = words
        .iter()
        .take_while(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .count();
    let mut got = Vec::new();
    let reply = |client: &mut Client, got: &mut Vec<String>, head: bool| {
        match client.reply(head) {
            Reply::Answer(answer) => got.push(describe(&answer)),
            Reply::Closed => return false,
            Reply::Hangs => got.push("hang".to_owned()),
        }
        true
    };
    for word in &words[..statuses] {
        if !reply(client, &mut got, word.ends_with("(head)")) {
            return got;
        }
        if word.ends_with("(head)")
            && let Some(last) = got.last_mut()
        {
            last.push_str("(head)");
        }
    }
    if words.get(statuses) == Some(&"tunnel") {
        let text = client.rest().escape_ascii().to_string();
        got.push(format!("tunnel {text}"));
        return got;
    }
    // What comes unasked has come before the next request is sent.
    origin.rest();
    client.send(
        b"GET /same HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        crate::client::Cut::Whole,
    );
    while reply(client, &mut got, false) && got.last().is_some_and(|last| last != "hang") {}
    if got.last().is_some_and(|last| last == "200=/same") {
        got.pop();
        got.push("open".to_owned());
    }
    got
}

/// `None` where all is well.
fn check(case: &[&str], address: SocketAddr, origin: &Origin) -> Option<String> {
    let (expected, client_steps) = (case[0], steps(case[1]));
    origin.script(steps(case[2]));
    let mut client = Client::connect(address);
    client.play(&client_steps);
    let mut got = converse(&mut client, expected, origin);
    let asked_again = got.iter().position(|word| word == "open");
    let mut end = expected.to_owned();
    if let Some(place) = asked_again {
        got.truncate(place + 1);
        end.push_str(" [GET /same 0]");
    }
    let got = outcome(got, origin, &end).replace(&format!(":{}", address.port()), ":PORT");
    let wrong = match got == end {
        true => probe(address, origin),
        false => Some(format!("got {got:?}")),
    };
    wrong.map(|wrong| format!("{}\n    {wrong}", case.join(" | ")))
}

fn check_all(table: &'static str, address: SocketAddr, origin: &Origin, least: usize) {
    let all: Vec<_> = cases(table, 3).collect();
    let check = |case: &Vec<&str>| check(case, address, origin);
    let wrong: Vec<String> = all.iter().filter_map(check).collect();
    report(&wrong, all.len(), least);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sequences_end_as_the_table_says() {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| check_all(SCENES, address, &origin, 100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_slow_is_not_waited_for() {
    let origin = Origin::start();
    let (address, _proxy) = impatient(origin.address).await;
    tokio::task::block_in_place(|| check_all(SLOW, address, &origin, 10));
}
