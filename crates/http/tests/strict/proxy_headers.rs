//! PROXY headers, both versions: what is accepted, what isn't, and that they are read back.

use tidegate_http::{ProxyError, ProxyHeader, ProxyVersion, parse_proxy, write_proxy};

use crate::escape::unescape;

const V2: &str = r"\r\n\r\n\x00\r\nQUIT\n";

fn check(text: &str, expect: &str) {
    let bytes = unescape(&text.replace("{2}", V2));
    let describe = |bytes: &[u8]| match parse_proxy(bytes) {
        Ok(None) => "more".to_owned(),
        Ok(Some((ProxyHeader::Local, used))) => format!("local {}", bytes.len() - used),
        Ok(Some((
            ProxyHeader::Stream {
                source,
                destination,
            },
            used,
        ))) => {
            format!("{source} {destination} {}", bytes.len() - used)
        }
        Err(ProxyError::Missing) => "missing".to_owned(),
        Err(ProxyError::Malformed) => "malformed".to_owned(),
        Err(ProxyError::TooLong) => "too long".to_owned(),
        Err(ProxyError::Version) => "version".to_owned(),
    };
    assert_eq!(describe(&bytes), expect, "{text}");
    // Cut anywhere, it waits or says the same.
    if let Some((verdict, "0")) = expect.rsplit_once(' ') {
        for end in 0..bytes.len() {
            assert_eq!(
                describe(&bytes[..end]),
                "more",
                "{text} at {end} of {verdict}"
            );
        }
    }
}

const HEADERS: &[(&str, &str)] = &[
    ("", "more"),
    ("PROX", "more"),
    ("GET / HTTP/1.1", "missing"),
    ("proxy TCP4", "missing"),
    ("PROXY\\r\\n", "missing"),
    (
        r"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n",
        "1.2.3.4:9 5.6.7.8:10 0",
    ),
    (
        r"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\nGET",
        "1.2.3.4:9 5.6.7.8:10 3",
    ),
    (
        r"PROXY TCP6 ::1 2001:db8::1 9 65535\r\n",
        "[::1]:9 [2001:db8::1]:65535 0",
    ),
    (r"PROXY UNKNOWN\r\n", "local 0"),
    (r"PROXY UNKNOWN ::1 anything 1\r\n", "local 0"),
    (r"PROXY UNKNOWNX\r\n", "malformed"),
    (r"PROXY TCP4 1.2.3.4 5.6.7.8 9\r\n", "malformed"),
    (r"PROXY TCP4 1.2.3.4 5.6.7.8 9 10 11\r\n", "malformed"),
    (r"PROXY TCP4 1.2.3.4  5.6.7.8 9 10\r\n", "malformed"),
    (r"PROXY TCP4 ::1 ::1 9 10\r\n", "malformed"),
    (r"PROXY TCP6 1.2.3.4 5.6.7.8 9 10\r\n", "malformed"),
    (r"PROXY TCP4 01.2.3.4 5.6.7.8 9 10\r\n", "malformed"),
    (r"PROXY TCP4 1.2.3.4 5.6.7.8 09 10\r\n", "malformed"),
    (r"PROXY TCP4 1.2.3.4 5.6.7.8 9 65536\r\n", "malformed"),
    (r"PROXY TCP4 1.2.3.4 5.6.7.8 -1 10\r\n", "malformed"),
    (r"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\n", "malformed"),
    (r"PROXY UDP4 1.2.3.4 5.6.7.8 9 10\r\n", "malformed"),
    (r"PROXY UNKNOWN \{x*200}\r\n", "too long"),
    (r"PROXY \{x*107}", "too long"),
    (
        r"{2}\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x09\x00\x0a",
        "1.2.3.4:9 5.6.7.8:10 0",
    ),
    (
        r"{2}\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x09\x00\x0aGET",
        "1.2.3.4:9 5.6.7.8:10 3",
    ),
    (
        r"{2}\x21\x21\x00\x24\{\x00*15}\x01\{\x00*15}\x02\x00\x09\x00\x0a",
        "[::1]:9 [::2]:10 0",
    ),
    (r"{2}\x20\x00\x00\x00", "local 0"),
    (r"{2}\x21\x00\x00\x00", "local 0"),
    (r"{2}\x20\x11\x00\x02ab", "local 0"),
    (r"{2}\x11\x11\x00\x00", "version"),
    (r"{2}\x31\x11\x00\x00", "version"),
    (r"{2}\x22\x11\x00\x00", "malformed"),
    (r"{2}\x21\x11\x00\x0bAAAAAAAAAAA", "malformed"),
    (r"{2}\x21\x33\x00\x00", "malformed"),
    (r"{2}\x21\x11\xff\xff", "too long"),
    (
        r"{2}\x21\x11\x00\x10AAAABBBB\x00\x01\x00\x02\x04\x00\x01x",
        "65.65.65.65:1 66.66.66.66:2 0",
    ),
    (
        r"{2}\x21\x11\x00\x0eAAAABBBB\x00\x01\x00\x02\x04\x00",
        "malformed",
    ),
    (
        r"{2}\x21\x11\x00\x0fAAAABBBB\x00\x01\x00\x02\x04\x00\x01",
        "malformed",
    ),
    (
        r"{2}\x21\x11\x00\x13AAAABBBB\x00\x01\x00\x02\x03\x00\x04\x00\x00\x00\x00",
        "malformed",
    ),
    (r"{2}\x21\x12\x00\x00", "local 0"),
];

#[test]
fn proxy_headers_are_judged_one_by_one() {
    for (text, expect) in HEADERS {
        check(text, expect);
    }
}

#[test]
fn what_is_written_is_read_back() {
    let stream = |source: &str, destination: &str| ProxyHeader::Stream {
        source: source.parse().expect("an address"),
        destination: destination.parse().expect("an address"),
    };
    for header in [
        ProxyHeader::Local,
        stream("1.2.3.4:5", "6.7.8.9:10"),
        stream("[2001:db8::1]:5", "[::2]:65535"),
    ] {
        for version in [ProxyVersion::V1, ProxyVersion::V2] {
            let mut out = Vec::new();
            write_proxy(version, &header, &mut out);
            assert_eq!(
                parse_proxy(&out),
                Ok(Some((header, out.len()))),
                "{version:?}"
            );
        }
    }
}
