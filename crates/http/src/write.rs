//! Heads to send. Framing and connection options are always built here, from what was understood, never copied from
//! what came.

use crate::{Fields, Framing, KnownName, Upgrade, fields::KnownSet, hop::HOP_BY_HOP};

/// What goes to an upstream, beside the fields.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine<'a> {
    pub method: &'a str,
    /// Put one after the other: path and query, as they were matched or rewritten. Must have been checked.
    pub target: [&'a str; 4],
    /// What `Host` says.
    pub authority: &'a str,
    pub framing: Framing,
    pub upgrade: Option<Upgrade>,
    /// Asks for trailers, as gRPC wants.
    pub te_trailers: bool,
    /// Asks for a 100 first.
    pub expect_continue: bool,
}

/// What goes to a client, beside the fields.
#[derive(Clone, Copy, Debug)]
pub struct StatusLine<'a> {
    pub status: u16,
    /// For `Date`, where the upstream has sent none.
    pub date: &'a [u8],
    pub framing: Framing,
    /// Whether the connection ends after this. Says `close`.
    pub close: bool,
    /// Whether an HTTP/1.0 client is to be told that the connection lasts.
    pub keep_alive: bool,
    pub upgrade: Option<Upgrade>,
}

/// Built anew by the writer of requests.
const REQUEST_OWN: KnownSet = HOP_BY_HOP.and(KnownSet::of(&[
    KnownName::ContentLength,
    KnownName::Expect,
    KnownName::Host,
]));

/// Built anew by the writer of responses.
const RESPONSE_OWN: KnownSet = HOP_BY_HOP.and(KnownSet::of(&[KnownName::ContentLength]));

/// Writes a request's head for HTTP/1.1. Fields that `Connection` names must be gone already: see
/// [`crate::remove_hop_by_hop`].
pub fn write_request(line: &RequestLine<'_>, fields: &Fields, out: &mut Vec<u8>) {
    out.extend_from_slice(line.method.as_bytes());
    out.push(b' ');
    for part in line.target {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
    out.extend_from_slice(line.authority.as_bytes());
    out.extend_from_slice(b"\r\n");
    fields.write(REQUEST_OWN, out);
    write_framing(line.framing, out);
    if line.expect_continue && line.framing.has_body() {
        out.extend_from_slice(b"expect: 100-continue\r\n");
    }
    if line.te_trailers {
        out.extend_from_slice(b"te: trailers\r\n");
    }
    match (line.upgrade, line.te_trailers) {
        (Some(upgrade), _) => write_upgrade(upgrade, out),
        (None, true) => out.extend_from_slice(b"connection: te\r\n"),
        (None, false) => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes a response's head. `Content-Length` is taken from the framing; where that is [`Framing::None`] because the
/// request was `HEAD` or the status is 304, from the fields, as it says how long the body would be.
pub fn write_response(line: &StatusLine<'_>, fields: &Fields, out: &mut Vec<u8>) {
    let status = line.status.clamp(100, 599);
    out.extend_from_slice(b"HTTP/1.1 ");
    write_status(status, out);
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
    fields.write(RESPONSE_OWN, out);
    if status >= 200 && !fields.has(KnownName::Date) {
        out.extend_from_slice(b"date: ");
        out.extend_from_slice(line.date);
        out.extend_from_slice(b"\r\n");
    }
    match line.framing {
        Framing::None if status >= 200 && status != 204 => write_would_be_length(fields, out),
        framing => write_framing(framing, out),
    }
    match (line.upgrade, line.close) {
        (Some(upgrade), _) => write_upgrade(upgrade, out),
        (None, true) => out.extend_from_slice(b"connection: close\r\n"),
        (None, false) if line.keep_alive => out.extend_from_slice(b"connection: keep-alive\r\n"),
        (None, false) => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// A whole answer of our own, with a text as its body.
pub fn write_answer(line: &StatusLine<'_>, fields: &Fields, body: &[u8], out: &mut Vec<u8>) {
    let line = StatusLine {
        framing: Framing::Length(body.len() as u64),
        ..*line
    };
    write_response(&line, fields, out);
    out.extend_from_slice(body);
}

fn write_framing(framing: Framing, out: &mut Vec<u8>) {
    match framing {
        Framing::Length(length) => {
            out.extend_from_slice(b"content-length: ");
            write_decimal(length, out);
            out.extend_from_slice(b"\r\n");
        }
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::None | Framing::UntilClose => {}
    }
}

fn write_would_be_length(fields: &Fields, out: &mut Vec<u8>) {
    if let Ok(length) = crate::framing::content_length(fields) {
        write_framing(Framing::Length(length), out);
    }
}

fn write_upgrade(upgrade: Upgrade, out: &mut Vec<u8>) {
    out.extend_from_slice(b"connection: upgrade\r\nupgrade: ");
    out.extend_from_slice(upgrade.as_str().as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_status(status: u16, out: &mut Vec<u8>) {
    write_decimal(u64::from(status), out);
}

/// Digits without a detour through text formatting.
fn write_decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// The usual phrase, empty for statuses without one. An upstream's own phrase isn't passed on: nobody may rely on it.
fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default()
}
