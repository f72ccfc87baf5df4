//! Origins that speak HTTP/2 by raw frames: what is malformed becomes a 502 or a cut answer, and the next request is
//! served.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use super::frames::{HEADERS, PING, SETTINGS, frame, frames};
use crate::{
    client::{Client, Cut, Reply},
    escape::cases,
    outcome::{describe, report},
    world::proxy_to_h2,
};

const ORIGINS: &str = include_str!("origins.txt");
const PREFACE_BYTES: usize = 24;
const GOOD: &str = "H $ :status=299 ; D $ end ok";
const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// What each stream is answered with, as long as it stands.
type Script = Arc<Mutex<String>>;

fn set(script: &Script, line: &str) {
    line.clone_into(&mut script.lock().unwrap_or_else(PoisonError::into_inner));
}

/// `$` is the stream, `BIG` 70,000 letters, `N* FRAME` so many of them.
fn answer(line: &str, stream: u32) -> Vec<u8> {
    let line = line.replace('$', &stream.to_string());
    let line = line.replace("BIG", &"a".repeat(70_000));
    let parts = line.split(" ; ").map(|part| match part.split_once("* ") {
        Some((count, part)) => frames(part).repeat(count.parse().expect("a number")),
        None => frames(part),
    });
    parts.flatten().collect()
}

fn origin() -> (SocketAddr, Script) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let script = Script::default();
    let shared = script.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let script = shared.clone();
            // The proxy closes when it has had enough.
            thread::spawn(move || serve(stream, &script));
        }
    });
    (address, script)
}

fn serve(mut stream: TcpStream, script: &Script) -> Option<()> {
    stream.read_exact(&mut [0; PREFACE_BYTES]).ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let mut payload = vec![0; usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)];
        stream.read_exact(&mut payload).ok()?;
        let reply = match (kind, flags & 1) {
            (PING, 0) => frame(PING, 1, 0, &payload),
            (SETTINGS, 0) => frame(SETTINGS, 1, 0, &[]),
            (HEADERS, _) => {
                let line = script
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                answer(&line, u32::from_be_bytes(id))
            }
            _ => continue,
        };
        stream.write_all(&reply).ok()?;
    }
}

/// What a client gets: all answers, a row of the same 1xx as one.
fn ask(address: SocketAddr) -> String {
    let mut client = Client::connect(address);
    client.send(GET, Cut::Whole);
    let mut words: Vec<String> = Vec::new();
    loop {
        let (word, last) = match client.reply(false) {
            Reply::Answer(answer) => (describe(&answer), answer.status >= 200),
            Reply::Closed => ("closed".to_owned(), true),
            Reply::Hangs => ("hang".to_owned(), true),
        };
        if words.last() != Some(&word) {
            words.push(word);
        }
        if last {
            return words.join(" ");
        }
    }
}

fn check(case: &[&str], address: SocketAddr, script: &Script) -> Option<String> {
    set(script, case[1]);
    let got = ask(address);
    set(script, GOOD);
    let next = ask(address);
    let fine = got == case[0] && next == "299+2";
    let line: String = case[1].chars().take(200).collect();
    (!fine).then(|| format!("{} | {line}\n    got {got:?}, then {next:?}", case[0]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn origins_are_answered_for_as_the_table_says() {
    let (origin, script) = origin();
    let (address, _proxy) = proxy_to_h2(origin).await;
    tokio::task::block_in_place(|| {
        let all: Vec<_> = cases(ORIGINS, 2).collect();
        let wrong = all.iter().filter_map(|case| check(case, address, &script));
        report(&wrong.collect::<Vec<_>>(), all.len(), 55);
    });
}
