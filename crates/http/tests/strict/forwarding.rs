//! What is taken from a request, what is believed of it, and what the next hop is told.

use std::net::IpAddr;

use tidegate_http::{
    Arrival, Fields, ForwardedPolicy, Scheme, client_address, rebuild_forwarded, remove_hop_by_hop,
    strip_spoofable,
};

/// Fields are `name: value` separated by `|`.
pub(crate) fn fields(text: &str) -> Fields {
    let mut fields = Fields::new();
    for line in text.split('|').filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').expect("a colon");
        fields
            .push(name.as_bytes(), value.as_bytes())
            .expect("a field");
    }
    fields
}

pub(crate) fn show(fields: &Fields) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines = fields
        .iter()
        .map(|field| format!("{}: {}", text(field.name), text(field.value)));
    lines.collect::<Vec<_>>().join("|")
}

#[test]
fn hop_by_hop_fields_are_removed() {
    for (before, after) in [
        ("a: 1|b: 2", "a: 1|b: 2"),
        ("connection: close|a: 1", "a: 1"),
        (
            "Connection: X-Foo, close|x-foo: 1|X-FOO: 2|x-bar: 3",
            "x-bar: 3",
        ),
        (
            "Connection: x-a|Connection: x-b,x-c|x-a: 1|x-b: 2|x-c: 3|x-d: 4",
            "x-d: 4",
        ),
        ("connection: accept|accept: 1|b: 2", "b: 2"),
        (
            "keep-alive: 1|proxy-connection: 1|proxy-authorization: 1|proxy-authenticate: 1|a: 1",
            "a: 1",
        ),
        (
            "te: trailers|trailer: x|transfer-encoding: chunked|upgrade: x|http2-settings: x|a: 1",
            "a: 1",
        ),
        (
            "Content-Length: 5|Host: a|connection: te",
            "Content-Length: 5|Host: a",
        ),
    ] {
        let mut fields = fields(before);
        remove_hop_by_hop(&mut fields);
        assert_eq!(show(&fields), after, "{before}");
    }
}

#[test]
fn spoofable_fields_are_stripped_under_every_spelling() {
    for name in [
        "X-Forwarded-For",
        "x_forwarded_for",
        "X-Forwarded_Proto",
        "X_FORWARDED_HOST",
        "x-forwarded-port",
        "X-Forwarded-Prefix",
        "Forwarded",
        "X-Real-IP",
        "x_real_ip",
        "X-Real_Ip",
        "x-user",
        "X_User",
    ] {
        let mut fields = fields(&format!("a: 1|{name}: evil|x-users: 2|b_c: 3"));
        strip_spoofable(&mut fields, &["x-user"]);
        assert_eq!(show(&fields), "a: 1|x-users: 2|b_c: 3", "{name}");
    }
}

#[test]
fn clients_are_believed_as_far_as_the_trusted_hops_go() {
    for (hops, before, expect) in [
        (0, "x-forwarded-for: 1.1.1.1", "9.9.9.9"),
        (0, "forwarded: for=1.1.1.1", "9.9.9.9"),
        (1, "", "9.9.9.9"),
        (1, "x-forwarded-for: 1.1.1.1", "1.1.1.1"),
        (1, "x-forwarded-for: 6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "x-forwarded-for: 6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (
            2,
            "x-forwarded-for: 6.6.6.6, 1.1.1.1|x-forwarded-for: 2.2.2.2",
            "1.1.1.1",
        ),
        (5, "x-forwarded-for: 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "x-forwarded-for: 6.6.6.6, evil, 2.2.2.2", "2.2.2.2"),
        (1, "x-forwarded-for: 1.1.1.1, evil", "9.9.9.9"),
        (1, "x-forwarded-for: 1.1.1.1, ", "9.9.9.9"),
        (1, "x-forwarded-for: 1.1.1.1:8080", "1.1.1.1"),
        (1, "x-forwarded-for: [2001:db8::1]:80", "2001:db8::1"),
        (1, "x-forwarded-for: 2001:db8::1", "2001:db8::1"),
        (1, "x-forwarded-for: ::ffff:1.1.1.1", "1.1.1.1"),
        (1, "forwarded: for=1.1.1.1;proto=https", "1.1.1.1"),
        (
            1,
            "forwarded: for=6.6.6.6, For=\"[2001:db8::1]:9\"",
            "2001:db8::1",
        ),
        (1, "forwarded: for=\"6.6.6.6, for=1.1.1.1\"", "9.9.9.9"),
        (1, "forwarded: for=unknown", "9.9.9.9"),
        (2, "forwarded: for=6.6.6.6, by=x, for=1.1.1.1", "1.1.1.1"),
        (
            1,
            "forwarded: for=6.6.6.6|x-forwarded-for: 1.1.1.1",
            "1.1.1.1",
        ),
        (1, "x_forwarded_for: 6.6.6.6", "9.9.9.9"),
    ] {
        let policy = ForwardedPolicy {
            trusted_hops: hops,
            send_forwarded: false,
        };
        let peer: IpAddr = "9.9.9.9".parse().expect("an address");
        let got = client_address(peer, &fields(before), &policy);
        assert_eq!(got.to_string(), expect, "{hops} {before}");
    }
}

#[test]
fn the_next_hop_is_told_what_is_known() {
    let own = "x-forwarded-for: 9.9.9.9|x-forwarded-proto: http|x-forwarded-host: a.b:81|x-forwarded-port: 81";
    let evil = "x-forwarded-for: 6.6.6.6|x-forwarded-proto: https|X_Forwarded_Host: evil|forwarded: for=6.6.6.6";
    for (hops, forwarded, before, expect) in [
        (0, false, "", own.to_owned()),
        (0, false, evil, own.to_owned()),
        (0, true, evil, format!("{own}|forwarded: for=9.9.9.9;proto=http;host=\"a.b:81\"")),
        (
            1, true, "x-forwarded-for: 6.6.6.6, 1.1.1.1|x-forwarded-proto: https|x-forwarded-host: c|x-forwarded-port: 443",
            "x-forwarded-for: 1.1.1.1, 9.9.9.9|x-forwarded-proto: https|x-forwarded-host: c|x-forwarded-port: 443|forwarded: for=1.1.1.1, for=9.9.9.9;proto=https;host=\"c\"".to_owned(),
        ),
        (1, false, "x-forwarded-proto: gopher|x-forwarded-host: a b|x-forwarded-port: x", own.to_owned()),
        (1, false, "forwarded: for=1.1.1.1;proto=https;host=\"c:8\"", "x-forwarded-for: 1.1.1.1, 9.9.9.9|x-forwarded-proto: https|x-forwarded-host: c:8|x-forwarded-port: 81".to_owned()),
    ] {
        let mut fields = fields(before);
        let arrival = Arrival {
            peer: "::ffff:9.9.9.9".parse().expect("an address"),
            scheme: Scheme::Http,
            authority: "a.b:81",
            port: 81,
        };
        let policy = ForwardedPolicy { trusted_hops: hops, send_forwarded: forwarded };
        rebuild_forwarded(&mut fields, &arrival, &policy).expect("valid");
        assert_eq!(show(&fields), expect, "{hops} {before}");
    }
}

#[test]
fn fields_are_set_removed_and_found_without_case() {
    let mut some = fields("A: 1|b: 2|a: 3|c: 4");
    assert_eq!(some.get_all("a").collect::<Vec<_>>(), [b"1", b"3"]);
    some.set(b"a", b" 9 ").expect("valid");
    assert_eq!(show(&some), "a: 9|b: 2|c: 4");
    some.set(b"D", b"5").expect("valid");
    assert!(some.remove("B") && !some.remove("B"));
    assert_eq!(show(&some), "a: 9|c: 4|D: 5");
    for (name, value) in [
        ("", "x"),
        ("a b", "x"),
        ("a:", "x"),
        ("a", "x\r\ny: z"),
        ("a", "x\0"),
        ("a\n", "x"),
    ] {
        assert!(
            some.push(name.as_bytes(), value.as_bytes()).is_err(),
            "{name}"
        );
        assert!(
            some.set(name.as_bytes(), value.as_bytes()).is_err(),
            "{name}"
        );
    }
    assert_eq!(show(&some), "a: 9|c: 4|D: 5");
    let mut known = fields("Content-Length: 1|X: 2|content-length: 3");
    assert_eq!(known.get("CONTENT-LENGTH"), Some(&b"1"[..]));
    assert!(known.remove("content-length"));
    assert_eq!((known.get("content-length"), known.len()), (None, 1));
}
