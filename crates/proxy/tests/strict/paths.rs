//! Paths: one reading for routing, rewriting, redirecting and the origin, or none.

use std::net::SocketAddr;

use crate::{
    client::{Client, Cut},
    escape::{cases, unescape},
    origin::Origin,
    outcome::{answers, outcome, probe, report},
    world::proxy,
};

const PATHS: &str = include_str!("../../../http/tests/cases/paths.txt");

fn ask(target: &[u8], address: SocketAddr, origin: &Origin, expected: &str) -> String {
    let mut bytes = b"GET ".to_vec();
    bytes.extend_from_slice(target);
    bytes.extend_from_slice(b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut client = Client::connect(address);
    client.send(&bytes, Cut::Whole);
    outcome(answers(&mut client, &[]), origin, expected)
}

/// Forwarded in the form the table says; below a prefix that is replaced, in no form that escapes from the new one.
fn check(case: &[&str], address: SocketAddr, origin: &Origin) -> Option<String> {
    let (path, clean) = (unescape(case[0]), unescape(case[1]));
    let clean = String::from_utf8_lossy(&clean);
    let expected = match clean.starts_with('!') {
        true => "400".to_owned(),
        false => format!("200={clean} [GET {clean} 0]"),
    };
    let got = ask(&path, address, origin, &expected);
    if got != expected {
        return Some(format!(
            "{}\n    expected {expected:?}, got {got:?}",
            case[0]
        ));
    }
    if !path.starts_with(b"/") {
        return probe(address, origin);
    }
    let below = |prefix: &str| [prefix.as_bytes(), &path].concat();
    let sent = ask(&below("/redirect"), address, origin, "");
    let start = format!("302->http://a:{}/new", address.port());
    let inside = sent
        .strip_prefix(&start)
        .is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && !rest.starts_with("//"));
    // Dots may lead out of the prefix: then another route has the request.
    let outside = sent.starts_with("200=/") && !sent.starts_with("200=/redirect");
    let fine = sent == "400" || inside || outside || sent == "404";
    let wrong = (!fine || !sent.is_ascii()).then(|| format!("redirected: {sent:?}"));
    let wrong = wrong.or_else(|| {
        let got = ask(&below("/rewrite"), address, origin, "");
        let fine = got == "400" || got.starts_with("200=/") && !got.contains("/rewrite");
        (!fine || got.contains("=//")).then(|| format!("rewritten: {got:?}"))
    });
    let wrong = wrong.or_else(|| probe(address, origin));
    wrong.map(|wrong| format!("{}\n    {wrong}", case[0]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn paths_have_one_reading() {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| {
        // A target may have a query; what is none is in the table of requests.
        let all: Vec<_> = cases(PATHS, 3)
            .filter(|case| !case[0].contains('?'))
            .collect();
        let check = |case: &Vec<&str>| check(case, address, &origin);
        let wrong: Vec<String> = all.iter().filter_map(check).collect();
        report(&wrong, all.len(), 140);
    });
}
