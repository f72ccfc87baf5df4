//! Answers in a short text form, hostile ones by their bytes, and random ones.

use super::{Family, Reply, answer, encode, question};
use crate::ids::Ids;

const ID: u16 = 0x1234;

/// An answer to `name`: `CODE | OWNER TTL TYPE DATA; … | authorities`. Nothing is shortened.
fn message(name: &str, family: Family, text: &str) -> Vec<u8> {
    let mut parts = text.split('|').map(str::trim);
    let code: u8 = parts
        .next()
        .and_then(|code| code.parse().ok())
        .expect("a code");
    let sections: Vec<Vec<Vec<u8>>> = parts
        .map(|section| {
            let records = section.split(';').map(str::trim);
            records
                .filter(|text| !text.is_empty())
                .map(record)
                .collect()
        })
        .collect();
    let count = |at: usize| u8::try_from(sections.get(at).map_or(0, Vec::len)).expect("few");
    let mut message = question(ID, name, family).expect("a name");
    message[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    message[7] = count(0);
    message[9] = count(1);
    message.extend(sections.into_iter().flatten().flatten());
    message
}

fn record(text: &str) -> Vec<u8> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [owner, ttl, kind, data] = words[..] else {
        panic!("{text} is no record");
    };
    let name = |text: &str| encode(text).expect("a name");
    let (kind, data) = match kind {
        "A" => (
            1_u16,
            data.parse::<std::net::Ipv4Addr>()
                .expect("v4")
                .octets()
                .to_vec(),
        ),
        "AAAA" => (
            28,
            data.parse::<std::net::Ipv6Addr>()
                .expect("v6")
                .octets()
                .to_vec(),
        ),
        "CNAME" => (5, name(data)),
        "SOA" => {
            let minimum: u32 = data.parse().expect("a time");
            let mut data = [name("a.test"), name("b.test"), vec![0; 16]].concat();
            data.extend(minimum.to_be_bytes());
            (6, data)
        }
        other => panic!("{other}"),
    };
    let mut record = name(owner);
    record.extend(kind.to_be_bytes());
    record.extend([0, 1]);
    record.extend(ttl.parse::<u32>().expect("a time").to_be_bytes());
    record.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
    record.extend(data);
    record
}

fn shown(reply: Option<Reply>) -> String {
    match reply {
        None => "no answer".to_owned(),
        Some(Reply::Found { addresses, ttl_s }) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("{} for {ttl_s}", addresses.join(" "))
        }
        Some(Reply::Missing { exists, ttl_s }) => {
            let ttl = ttl_s
                .map(|ttl_s| format!(" for {ttl_s}"))
                .unwrap_or_default();
            format!("{}{ttl}", if exists { "no address" } else { "no name" })
        }
        Some(Reply::Truncated) => "truncated".to_owned(),
        Some(Reply::Failed(code)) => format!("failed {code}"),
    }
}

#[test]
fn answers() {
    for (name, text, expect) in [
        ("a.test", "0 | a.test 30 A 192.0.2.1", "192.0.2.1 for 30"),
        ("A.Test", "0 | a.TEST 30 A 192.0.2.1", "192.0.2.1 for 30"),
        ("a.test.", "0 | a.test 30 A 192.0.2.1", "192.0.2.1 for 30"),
        (
            "a.test",
            "0 | a.test 30 A 192.0.2.1; a.test 20 A 192.0.2.2; b.test 1 A 192.0.2.3",
            "192.0.2.1 192.0.2.2 for 20",
        ),
        // Over aliases, in any order; the shortest time counts.
        (
            "a.test",
            "0 | c.test 30 A 192.0.2.1; b.test 5 CNAME c.test; a.test 60 CNAME b.test",
            "192.0.2.1 for 5",
        ),
        // What nobody asked for is nobody's.
        ("a.test", "0 | b.test 30 A 192.0.2.1", "no address"),
        ("a.test", "0 | a.test 30 AAAA 2001:db8::1", "no address"),
        ("a.test", "0 | a.test 30 CNAME a.test", "no address"),
        (
            "a.test",
            "0 | a.test 30 CNAME b.test; b.test 30 CNAME a.test",
            "no address",
        ),
        ("a.test", "0", "no address"),
        ("a.test", "0 | | test 60 SOA 10", "no address for 10"),
        ("a.test", "3 | | test 5 SOA 10", "no name for 5"),
        ("a.test", "3", "no name"),
        (
            "a.test",
            "0 | a.test 2147483648 A 192.0.2.1",
            "192.0.2.1 for 0",
        ),
        ("a.test", "2", "failed 2"),
        ("a.test", "5 | a.test 30 A 192.0.2.1", "failed 5"),
    ] {
        let bytes = message(name, Family::V4, text);
        assert_eq!(
            shown(answer(&bytes, ID, name, Family::V4)),
            expect,
            "{text}"
        );
    }
    let text = "0 | a.test 30 AAAA 2001:db8::1; a.test 30 A 192.0.2.1";
    let bytes = message("a.test", Family::V6, text);
    let got = answer(&bytes, ID, "a.test", Family::V6);
    assert_eq!(shown(got), "2001:db8::1 for 30");
}

#[test]
fn what_is_no_answer_to_the_question() {
    let good = message("a.test", Family::V4, "0 | a.test 30 A 192.0.2.1");
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    for (bytes, expect) in [
        (good.clone(), "192.0.2.1 for 30"),
        (with(0, 0x13), "no answer"),
        // A question; another operation; two questions; another name, kind or class of them.
        (with(2, 0x01), "no answer"),
        (with(2, 0x91), "no answer"),
        (with(5, 2), "no answer"),
        (with(13, b'b'), "no answer"),
        (with(21, 28), "no answer"),
        (with(23, 3), "no answer"),
        (with(2, 0x83), "truncated"),
        // More records than there are; an address of five bytes.
        (with(7, 2), "no answer"),
        (with(good.len() - 5, 5), "no answer"),
        (with(good.len() - 5, 3), "no address"),
    ] {
        assert_eq!(
            shown(answer(&bytes, ID, "a.test", Family::V4)),
            expect,
            "{bytes:?}"
        );
    }
    for length in 0..good.len() {
        let got = answer(&good[..length], ID, "a.test", Family::V4);
        assert_eq!(got, None, "{length}");
    }
}

#[test]
fn shortened_names_point_backwards() {
    let head = question(ID, "a.test", Family::V4).expect("a name");
    let at = u8::try_from(head.len()).expect("short");
    for (owner, expect) in [
        // The question's name; a label before a part of it.
        (&[0xc0, 12][..], "192.0.2.1 for 1"),
        (&[1, b'a', 0xc0, 14], "192.0.2.1 for 1"),
        // Itself, itself after a label, what comes after, beyond the end, a kind that isn't.
        (&[0xc0, at], "no answer"),
        (&[1, b'a', 0xc0, at], "no answer"),
        (&[0xc0, at + 2], "no answer"),
        (&[0xff, 0xff], "no answer"),
        (&[0x41, b'a'], "no answer"),
    ] {
        let mut bytes = head.clone();
        bytes[2..4].copy_from_slice(&[0x81, 0x80]);
        bytes[7] = 1;
        bytes.extend(owner);
        bytes.extend([0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 1]);
        assert_eq!(
            shown(answer(&bytes, ID, "a.test", Family::V4)),
            expect,
            "{owner:?}"
        );
    }
}

#[test]
fn names() {
    let long = ["a"; 127].join(".");
    let label = "a".repeat(63);
    for (name, expect) in [
        ("a", true),
        ("a.test.", true),
        ("xn--bcher-kva.test", true),
        ("_http.a.test", true),
        ("", false),
        (".", false),
        ("a..b", false),
        (".a", false),
        (&label, true),
        (&format!("{label}a"), false),
        (&long, true),
        (&format!("{long}.a"), false),
    ] {
        assert_eq!(encode(name).is_some(), expect, "{name}");
    }
}

#[test]
fn nothing_panics_on_anything() {
    let ids = Ids::new();
    let texts = [
        "0 | a.test 30 CNAME b.test; b.test 20 A 192.0.2.1; b.test 20 A 192.0.2.2",
        "3 | | test 5 SOA 10",
    ];
    for round in 0..20_000 {
        let mut bytes = message("a.test", Family::V4, texts[round % texts.len()]);
        for _ in 0..1 + ids.random() % 4 {
            let at = usize::try_from(ids.random()).unwrap_or(0) % bytes.len();
            bytes[at] = ids.random().to_be_bytes()[0];
        }
        if let Some(Reply::Found { addresses, .. }) = answer(&bytes, ID, "a.test", Family::V4) {
            assert!((1..=2).contains(&addresses.len()), "{bytes:?}");
        }
    }
}
