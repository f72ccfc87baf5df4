//! Chunked bodies, upwards and downwards: a malformed one never looks whole to who gets it.

use std::net::SocketAddr;

use crate::{
    client::{Client, Cut, Reply},
    escape::{Step, cases, unescape},
    origin::Origin,
    outcome::{answers, outcome, probe, report},
    requests::BEHIND,
    world::proxy,
};

const CHUNKED: &str = include_str!("../../../http/tests/cases/chunked.txt");

/// How many bytes of data a case's expectation stands for.
fn length(word: &str) -> usize {
    match word.strip_suffix('B').map(str::parse) {
        Some(Ok(length)) => length,
        _ if word == "-" => 0,
        _ => word.len(),
    }
}

/// What was answered, where all that was forwarded are beginnings: this case's, or the last one's, seen late.
fn without_parts(text: &str) -> &str {
    let answers = text.split("[part POST /x]").next().unwrap_or_default();
    match text.contains("[POST") || text.contains("[GET") {
        true => text,
        false => answers.trim_end(),
    }
}

/// `None` where all is well.
fn check_up(case: &[&str], cut: Cut, address: SocketAddr, origin: &Origin) -> Option<String> {
    let body = unescape(case[1]);
    let number = origin.cases_over();
    let head = format!(
        "POST /x HTTP/1.1\r\nHost: a\r\nX-Case: {number}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let mut bytes = [head.as_bytes(), &body].concat();
    let words: Vec<&str> = case[0].split(' ').collect();
    let expected = match (words[0], words.get(3)) {
        ("ok", Some(&"0")) => {
            bytes.extend_from_slice(BEHIND);
            let length = length(words[1]);
            format!("200=/x 200=/behind [POST /x {length}] [GET /behind 0]")
        }
        // What follows is the beginning of a request.
        ("ok", _) => format!("200=/x [POST /x {}]", length(words[1])),
        ("more", _) => "[part POST /x]".to_owned(),
        _ => "400 [part POST /x]".to_owned(),
    };
    let mut client = Client::connect(address);
    client.send(&bytes, cut);
    if !expected.contains("behind") && words[0] != "ok" {
        client.finish_sending();
    }
    let mut got = Vec::new();
    if words[0] == "ok" && !expected.contains("behind") {
        if let Reply::Answer(answer) = client.reply(false) {
            got.push(crate::outcome::describe(&answer));
        }
        client.finish_sending();
    }
    got.extend(answers(&mut client, &[]));
    let waits = if words[0] == "ok" { &*expected } else { "" };
    let got = outcome(got, origin, waits);
    // A fault may be seen before anything was forwarded; what follows an unfinished request is nobody's.
    let fine = got == expected
        || expected.contains("[part") && ["", "400"].contains(&without_parts(&got))
        || words[0] == "ok" && !expected.contains("behind") && got.starts_with("200=/x ");
    let wrong = match fine {
        true => probe(address, origin),
        false => Some(format!("expected {expected:?}, got {got:?}")),
    };
    let shown = body[..body.len().min(100)].escape_ascii();
    wrong.map(|wrong| format!("{}: {shown} ({cut:?})\n    {wrong}", case[0]))
}

/// `None` where all is well.
fn check_down(case: &[&str], address: SocketAddr, origin: &Origin) -> Option<String> {
    let body = unescape(case[1]);
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    bytes.extend_from_slice(&body);
    origin.script(vec![Step::Send(bytes), Step::Close]);
    let mut client = Client::connect(address);
    client.send(
        b"GET /case HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        Cut::Whole,
    );
    let got = answers(&mut client, &[]).join(" ");
    origin.take();
    let words: Vec<&str> = case[0].split(' ').collect();
    let fine = match (words[0], words.get(1).map(|word| length(word))) {
        ("ok", Some(0)) => got == "200",
        ("ok", Some(length)) => got == format!("200+{length}"),
        // Refused at once, or broken off: never a clean end.
        _ => got == "502" || got.is_empty() || got.starts_with("200") && got.ends_with(" cut"),
    };
    let wrong = match fine {
        true => probe(address, origin),
        false => Some(format!("got {got:?}")),
    };
    let shown = body[..body.len().min(100)].escape_ascii();
    wrong.map(|wrong| format!("{}: {shown}\n    {wrong}", case[0]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn malformed_bodies_never_look_whole() {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| {
        for cut in [Cut::Whole, Cut::Bytes] {
            let all: Vec<_> = cases(CHUNKED, 2).collect();
            let check = |case: &Vec<&str>| check_up(case, cut, address, &origin);
            let wrong: Vec<String> = all.iter().filter_map(check).collect();
            report(&wrong, all.len(), 150);
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn malformed_bodies_of_answers_never_end_cleanly() {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| {
        let all: Vec<_> = cases(CHUNKED, 2).collect();
        let check = |case: &Vec<&str>| check_down(case, address, &origin);
        let wrong: Vec<String> = all.iter().filter_map(check).collect();
        report(&wrong, all.len(), 150);
    });
}
