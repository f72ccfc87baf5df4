//! Answers of origins: a malformed one becomes a 502 and nothing of it reaches the client; the next request is served.

use std::net::SocketAddr;

use crate::{
    client::{Client, Cut},
    escape::{Step, cases, unescape},
    origin::Origin,
    outcome::{answers, outcome, probe, report},
    world::proxy,
};

const RESPONSES: &str = include_str!("../../../http/tests/cases/responses.txt");

/// What the proxy makes of an answer that the message crate judges like this: the bytes that follow its head, and the
/// words for what the client gets.
fn expectation(words: &[&str], head: bool) -> (Vec<u8>, String) {
    let length = words.get(2).and_then(|word| word.parse().ok());
    let length = length.unwrap_or(0_usize);
    let body = |text: &str| match head {
        true => text.split('+').next().unwrap_or_default().to_owned(),
        false => text.to_owned(),
    };
    match (words[0], words.get(1), words.get(2)) {
        ("ok", Some(status @ &("100" | "102" | "103")), _) => {
            let last = b"HTTP/1.1 299 X\r\nContent-Length: 0\r\n\r\n".to_vec();
            (last, format!("{status} 299"))
        }
        // Nobody asked for another protocol.
        ("ok", Some(&"101"), _) => (Vec::new(), "502".to_owned()),
        ("ok", Some(status), Some(&"chunked")) => (
            b"3\r\nabc\r\n0\r\n\r\n".to_vec(),
            body(&format!("{status}+3")),
        ),
        ("ok", Some(status), Some(&"until-close")) => {
            (b"abcd".to_vec(), body(&format!("{status}+4")))
        }
        ("ok", Some(status), _) if length > 1_000 => (Vec::new(), format!("{status} cut")),
        ("ok", Some(status), _) if length > 0 => {
            (vec![b'b'; length], body(&format!("{status}+{length}")))
        }
        ("ok", Some(status), _) => (Vec::new(), (*status).to_owned()),
        _ => (Vec::new(), "502".to_owned()),
    }
}

/// `None` where all is well.
fn check(case: &[&str], pieces: bool, address: SocketAddr, origin: &Origin) -> Option<String> {
    let (expect, method, mut bytes) = (case[0], case[1], unescape(case[2]));
    if method == "CONNECT" {
        return None; // never forwarded
    }
    let shown = bytes[..bytes.len().min(160)].escape_ascii().to_string();
    let words: Vec<&str> = expect.split(' ').collect();
    let (more, expected) = expectation(&words, method == "HEAD");
    bytes.extend_from_slice(&more);
    let size = if pieces {
        bytes.len() / 2 + 1
    } else {
        bytes.len().max(1)
    };
    let mut script = Vec::new();
    for part in bytes.chunks(size) {
        script.extend([Step::Send(part.to_vec()), Step::Pause]);
    }
    if !pieces {
        script.retain(|step| *step != Step::Pause);
    }
    script.push(Step::Close);
    origin.script(script);
    let mut client = Client::connect(address);
    let request = format!("{method} /case HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.send(request.as_bytes(), Cut::Whole);
    let head = method == "HEAD";
    let got = answers(&mut client, &[head, head]);
    let expected = format!("{expected} [{method} /case 0]");
    let got = outcome(got, origin, &expected);
    // A kept connection that closes without a word has closed before: asked again on a new one.
    let again = case[2].is_empty() && got == format!("{expected} [GET /case 0]");
    let wrong = match got == expected || again {
        true => probe(address, origin),
        false => Some(format!("expected {expected:?}, got {got:?}")),
    };
    wrong.map(|wrong| format!("{expect}: {method}: {shown}\n    {wrong}"))
}

async fn check_all(pieces: bool) {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| {
        let all: Vec<_> = cases(RESPONSES, 3).collect();
        let check = |case: &Vec<&str>| check(case, pieces, address, &origin);
        let wrong: Vec<String> = all.iter().filter_map(check).collect();
        report(&wrong, all.len(), 190);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn malformed_answers_become_502() {
    check_all(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn answers_in_two_parts_fare_the_same() {
    check_all(true).await;
}
