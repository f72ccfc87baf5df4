//! Requests: refused ones reach no origin, accepted ones reach it once, in one form, with what follows kept apart.

use std::net::SocketAddr;

use crate::{
    client::{Client, Cut},
    escape::{cases, unescape},
    origin::Origin,
    outcome::{answers, outcome, probe, report},
    world::proxy,
};

const REQUESTS: &str = include_str!("../../../http/tests/cases/requests.txt");

/// What an attacker would have us forward.
pub(crate) const BEHIND: &[u8] = b"GET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// What is sent for a case, and what must come of it.
struct Plan {
    bytes: Vec<u8>,
    /// The client then says that nothing more comes.
    shut: bool,
    head: bool,
    /// Any of these.
    expected: Vec<String>,
}

fn plan(case: &[&str]) -> Plan {
    let mut bytes = unescape(case[1]);
    let expect = String::from_utf8(unescape(case[0])).expect("text");
    let words: Vec<&str> = expect.split(' ').collect();
    let head = bytes.starts_with(b"HEAD ");
    if words[0] == "more" {
        let expected = ["", "400", "408"].map(str::to_owned).to_vec();
        return Plan {
            bytes,
            shut: true,
            head,
            expected,
        };
    }
    if words[0] != "ok" {
        bytes.extend_from_slice(BEHIND);
        return Plan {
            bytes,
            shut: false,
            head,
            expected: vec![words[0].to_owned()],
        };
    }
    let (method, target) = (words[1], words[3]);
    let length = match words[4] {
        "none" => 0,
        "chunked" => {
            bytes.extend_from_slice(b"0\r\n\r\n");
            0
        }
        length => length.parse::<u64>().expect("a length"),
    };
    if length > 1_000 {
        // Never whole: must not look as if it were.
        let part = format!("[part {method} {target}]");
        return Plan {
            bytes,
            shut: true,
            head,
            expected: vec![part, String::new()],
        };
    }
    bytes.extend((0..length).map(|_| b'b'));
    bytes.extend_from_slice(BEHIND);
    if target == "*" {
        // About the server, not about a path: no route has it.
        return Plan {
            bytes,
            shut: false,
            head,
            expected: vec!["404 200=/behind [GET /behind 0]".to_owned()],
        };
    }
    let own = format!("200={target} [{method} {target} {length}]");
    let expected = match words[5] {
        "keep" => format!("200={target} 200=/behind [{method} {target} {length}] [GET /behind 0]"),
        _ => own,
    };
    Plan {
        bytes,
        shut: false,
        head,
        expected: vec![expected],
    }
}

/// Sends a case and says what is wrong with what became of it.
fn check(case: &[&str], cut: Cut, address: SocketAddr, origin: &Origin) -> Option<String> {
    let plan = plan(case);
    let mut client = Client::connect(address);
    client.send(&plan.bytes, cut);
    if plan.shut {
        client.finish_sending();
    }
    let words = answers(&mut client, &[plan.head]);
    let got = outcome(words, origin, &plan.expected[0]);
    let wrong = match plan.expected.contains(&got) {
        true => probe(address, origin),
        false => Some(format!("expected {:?}, got {got:?}", plan.expected[0])),
    };
    let shown = plan.bytes[..plan.bytes.len().min(160)].escape_ascii();
    wrong.map(|wrong| format!("{shown} ({cut:?})\n    {wrong}"))
}

async fn check_all(cut: Cut) {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| {
        let all: Vec<_> = cases(REQUESTS, 2).collect();
        let check = |case: &Vec<&str>| check(case, cut, address, &origin);
        let wrong: Vec<String> = all.iter().filter_map(check).collect();
        report(&wrong, all.len(), 600);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_are_refused_or_forwarded_once() {
    check_all(Cut::Whole).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_in_single_bytes_fare_the_same() {
    check_all(Cut::Bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_in_two_parts_fare_the_same() {
    check_all(Cut::Half).await;
}
