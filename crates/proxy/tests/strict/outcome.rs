//! What became of a case, in words: the answers in order, what is wrong with them, what was forwarded.
//!
//! An answer is `STATUS`, with `=TARGET` where the origin has said whom it answers, `->LOCATION`, `+N` for N bytes of
//! another body, and ` cut` where its end is not a clean one. `open` says that a further request was answered on the same
//! connection. A forwarded request is `[METHOD TARGET N]`, or `[part METHOD TARGET]`.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use crate::{
    client::{Answer, Client, Cut, Reply},
    origin::{Origin, Seen},
    wire::field,
};

pub(crate) fn describe(answer: &Answer) -> String {
    let mut text = answer.status.to_string();
    if let Some(whom) = field(&answer.head, "x-for") {
        let target = whom.split(' ').nth(1).unwrap_or_default();
        text.push('=');
        text.push_str(target);
        if !answer.body.is_empty() && answer.body != target.as_bytes() {
            text.push_str(" other-body");
        }
    } else if let Some(location) = field(&answer.head, "location") {
        text.push_str("->");
        text.push_str(location);
    } else if !answer.body.is_empty() && field(&answer.head, "content-type").is_none() {
        text.push_str(&format!("+{}", answer.body.len()));
    }
    if !answer.whole {
        text.push_str(" cut");
    }
    if let Some(complaint) = answer.complaint {
        text.push_str(&format!(" !{complaint}"));
    }
    text
}

fn forwarded(seen: &Seen) -> String {
    let complaint = seen
        .complaint
        .map_or(String::new(), |text| format!(" !{text}"));
    match seen.whole {
        true => format!("[{} {}{complaint}]", seen.line(), seen.body.len()),
        false => {
            let words: Vec<&str> = seen.head.split([' ', '\r']).take(2).collect();
            format!("[part {}]", words.join(" "))
        }
    }
}

/// What the client got, to the end of the connection. `heads` says which answers have no body.
pub(crate) fn answers(client: &mut Client, heads: &[bool]) -> Vec<String> {
    let mut words = Vec::new();
    for head in heads.iter().copied().chain(std::iter::repeat_n(false, 40)) {
        match client.reply(head) {
            Reply::Answer(answer) => words.push(describe(&answer)),
            Reply::Closed => return words,
            Reply::Hangs => {
                words.push("hang".to_owned());
                return words;
            }
        }
    }
    words
}

/// The answers, then what was forwarded in an order that says nothing: connections are read at their own pace.
fn ordered(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(" [").collect();
    if !text.starts_with('[') {
        parts[1..].sort_unstable();
    }
    parts
}

/// Whole words: answers, then what was forwarded; `expected` itself where they say the same. What the origin sees late is
/// waited for as long as `expected` says more.
pub(crate) fn outcome(mut words: Vec<String>, origin: &Origin, expected: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        words.extend(origin.take().iter().map(forwarded));
        let text = words.join(" ");
        if ordered(&text) == ordered(expected) {
            return expected.to_owned();
        }
        let complete = text.matches('[').count() >= expected.matches('[').count();
        if complete || Instant::now() > deadline {
            return text;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// A good request on a connection of its own. `None`: it got its own answer, and only it was forwarded.
pub(crate) fn probe(address: SocketAddr, origin: &Origin) -> Option<String> {
    origin.next_case();
    let mut client = Client::connect(address);
    client.send(
        b"GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        Cut::Whole,
    );
    let mut words = answers(&mut client, &[]);
    // What was broken off before may be noticed only now.
    let seen = origin.take();
    words.extend(seen.iter().filter(|seen| seen.whole).map(forwarded));
    let expected = "200=/other [GET /other 0]";
    let got = words.join(" ");
    (got != expected).then(|| format!("the next client got {got:?}"))
}

/// Fails with all that went wrong.
pub(crate) fn report(wrong: &[String], count: usize, least: usize) {
    assert!(count >= least, "the table was read: {count}");
    let list = wrong.join("\n");
    assert!(
        wrong.is_empty(),
        "{} of {count} wrong:\n{list}",
        wrong.len()
    );
}
