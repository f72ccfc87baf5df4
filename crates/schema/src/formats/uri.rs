//! What Go's `url.ParseRequestURI` accepts: absolute URIs and absolute paths.

use super::network;

pub(super) fn is_request_uri(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    if text.is_empty() || text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return false;
    }
    let Some((scheme, rest)) = split_scheme(text) else {
        return false;
    };
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    if !rest.starts_with('/') {
        return !scheme.is_empty();
    }
    let path = match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if !is_authority(&scheme.to_ascii_lowercase(), authority) {
                return false;
            }
            path
        }
        None => rest,
    };
    unescape(path, Part::Path).is_some()
}

/// The scheme, which may be missing, and what follows. Nothing where a colon comes first.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => return Some((&text[..at], &text[at + 1..])),
            _ => return Some(("", text)),
        }
    }
    Some(("", text))
}

fn is_authority(scheme: &str, authority: &str) -> bool {
    match authority.rsplit_once('@') {
        None => is_host(scheme, authority),
        Some((user, host)) => {
            is_host(scheme, host) && is_user_info(user) && unescape(user, Part::User).is_some()
        }
    }
}

fn is_user_info(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte))
}

fn is_host(scheme: &str, host: &str) -> bool {
    match host.rfind('[') {
        Some(0) => return is_bracketed(host),
        Some(_) => return false,
        None => {}
    }
    if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
        let strict = matches!(scheme, "http" | "https");
        let port = &host[if strict { first } else { last }..];
        if !is_port(port) {
            return false;
        }
    }
    unescape(host, Part::Host).is_some()
}

/// `[address]:port`, where the address may have a zone.
fn is_bracketed(host: &str) -> bool {
    let Some((address, port)) = host.rsplit_once(']') else {
        return false;
    };
    let address = &address[1..];
    let zone_at = address.find("%25").unwrap_or(address.len());
    let (bare, zone) = address.split_at(zone_at);
    let (Some(bare), Some(zone)) = (unescape(bare, Part::Host), unescape(zone, Part::Zone)) else {
        return false;
    };
    let has_zone = zone.len() > 1 || !zone.starts_with(b"%");
    std::str::from_utf8(&bare).is_ok_and(network::is_ipv6) && has_zone && is_port(port)
}

/// Nothing, or a colon and digits, or a colon alone.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => text.is_empty(),
    }
}

/// The parts of a URI differ in what they allow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    User,
    Host,
    Zone,
}

/// The bytes that a part stands for; nothing where an escape is broken or a byte isn't allowed.
fn unescape(text: &str, part: Part) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let digits = text.get(at + 1..at + 3)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            let value = u8::from_str_radix(digits, 16).ok()?;
            let is_allowed = match part {
                Part::Host => value >= 0x80 || digits == "25",
                Part::Zone => digits == "25" || value == b' ' || is_host_byte(value),
                Part::Path | Part::User => true,
            };
            if !is_allowed {
                return None;
            }
            out.push(value);
            at += 3;
        } else {
            if matches!(part, Part::Host | Part::Zone) && byte.is_ascii() && !is_host_byte(*byte) {
                return None;
            }
            out.push(*byte);
            at += 1;
        }
    }
    Some(out)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}
