//! HTTP/2 by raw frames: malformed requests reach no origin, good ones reach it in HTTP/1's one form, floods end.
//!
//! What comes back, in words: `STREAM:STATUS`, with `=BODY`, and `!CODE` where the stream was reset; `goodbye(CODE)` and
//! `closed`; `open` where a further request on the connection was answered. Then what was forwarded.

mod floods;
mod frames;
mod origins;

use std::{collections::BTreeMap, net::SocketAddr};

use self::frames::{Connection, Event, frames};
use crate::{
    escape::cases,
    origin::Origin,
    outcome::{outcome, probe, report},
    world::{impatient_with_clients, proxy},
};

const FRAMES: &str = include_str!("h2/frames.txt");
const SLOW: &str = include_str!("h2/slow.txt");

/// The stream of the last request.
const LAST: u32 = 99_991;

/// What is known of a stream.
#[derive(Debug, Default)]
struct Stream {
    status: u16,
    body: Vec<u8>,
    reset: Option<u32>,
    ended: bool,
}

/// All that has come so far.
#[derive(Debug, Default)]
struct Heard {
    streams: BTreeMap<u32, Stream>,
    end: Vec<String>,
}

impl Heard {
    /// False when the connection is over.
    fn listen(&mut self, connection: &mut Connection) -> bool {
        match connection.event() {
            Event::Status {
                stream,
                status,
                end,
            } => {
                let stream = self.streams.entry(stream).or_default();
                stream.ended |= end;
                if status != 0 {
                    stream.status = status;
                }
            }
            Event::Data { stream, data, end } => {
                let stream = self.streams.entry(stream).or_default();
                stream.body.extend_from_slice(&data);
                stream.ended |= end;
            }
            Event::Reset { stream, code } => {
                let stream = self.streams.entry(stream).or_default();
                // After an answer, NO_ERROR only says that the request's body isn't wanted.
                if !(stream.ended && code == 0) {
                    stream.reset = Some(code);
                }
                stream.ended = true;
            }
            Event::Goodbye { code } => self.end.push(format!("goodbye({code})")),
            Event::Closed => {
                self.end.push("closed".to_owned());
                return false;
            }
            Event::Hangs => {
                self.end.push("hang".to_owned());
                return false;
            }
        }
        true
    }

    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (id, stream) in &self.streams {
            if *id == LAST {
                continue;
            }
            let mut word = format!("{id}:");
            if stream.status != 0 {
                word.push_str(&stream.status.to_string());
            }
            if stream.body.starts_with(b"/") {
                word.push('=');
                word.push_str(&String::from_utf8_lossy(&stream.body));
            }
            if let Some(code) = stream.reset {
                word.push_str(&format!("!{code}"));
            }
            words.push(word);
        }
        words.extend(self.end.iter().cloned());
        let last = self.streams.get(&LAST);
        if last.is_some_and(|last| last.status == 200 && last.body == b"/same") {
            words.push("open".to_owned());
        }
        words
    }
}

/// Listens until what is expected has come, asks again, and says what came.
fn converse(connection: &mut Connection, expected: &str) -> Vec<String> {
    let mut heard = Heard::default();
    let awaited: Vec<u32> = expected
        .split(' ')
        .filter_map(|word| word.split_once(':')?.0.parse().ok())
        .collect();
    let ends = expected.contains("closed");
    let ended = |heard: &Heard, id: &u32| heard.streams.get(id).is_some_and(|stream| stream.ended);
    while ends || !awaited.iter().all(|id| ended(&heard, id)) {
        if !heard.listen(connection) {
            return heard.words();
        }
    }
    let last = ":method=GET :scheme=http :authority=a :path=/same";
    connection.send(&frames(&format!("H {LAST} end {last} ; W {LAST} 65535")));
    while !ended(&heard, &LAST) && heard.listen(connection) {}
    heard.words()
}

/// Where a fault shows while the request is under way, more or less of it has gone up, and none looks whole that isn't.
fn without_posts(text: &str) -> String {
    let uploads = |part: &&str| !part.starts_with("part POST /a]") && !part.starts_with("POST /a ");
    let parts: Vec<&str> = text.split(" [").filter(uploads).collect();
    parts.join(" [")
}

/// `None` where all is well.
fn check(case: &[&str], address: SocketAddr, origin: &Origin) -> Option<String> {
    let (expected, line) = (case[0], case[1]);
    let mut connection = match line.strip_prefix("cold ") {
        Some(_) => Connection::cold(address),
        None if line.starts_with("narrow ") => Connection::open(address, 0),
        None => Connection::open(address, 65_535),
    };
    let line = line.trim_start_matches("cold ");
    connection.send(&frames(line.trim_start_matches("narrow ")));
    let mut end = expected.replace('~', "");
    let words = converse(&mut connection, expected);
    if words.last().is_some_and(|word| word == "open") {
        end.push_str(" [GET /same 0]");
    }
    let got = outcome(words, origin, &end);
    let fine = got == end || expected.contains('~') && without_posts(&got) == without_posts(&end);
    let wrong = match fine {
        true => probe(address, origin),
        false => Some(format!("got {got:?}")),
    };
    wrong.map(|wrong| format!("{}\n    {wrong}", case.join(" | ")))
}

fn check_all(table: &'static str, address: SocketAddr, origin: &Origin, least: usize) {
    let all: Vec<_> = cases(table, 2).collect();
    let check = |case: &Vec<&str>| check(case, address, origin);
    let wrong: Vec<String> = all.iter().filter_map(check).collect();
    report(&wrong, all.len(), least);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn frames_end_as_the_table_says() {
    let origin = Origin::start();
    let (address, _proxy) = proxy(origin.address).await;
    tokio::task::block_in_place(|| check_all(FRAMES, address, &origin, 90));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn streams_that_stand_still_end() {
    let origin = Origin::start();
    let (address, _proxy) = impatient_with_clients(origin.address).await;
    tokio::task::block_in_place(|| check_all(SLOW, address, &origin, 4));
}
