//! Addresses. IPv4 and CIDR allow leading zeros, as Go before 1.17 did.

use std::net::{IpAddr, Ipv6Addr};

/// An address with a dot: an IPv6 address that ends with an IPv4 one, too.
pub(super) fn is_ipv4(text: &str) -> bool {
    text.contains('.') && is_sloppy_ip(text)
}

pub(super) fn is_ipv6(text: &str) -> bool {
    text.contains(':') && text.parse::<Ipv6Addr>().is_ok()
}

/// What Go's `net.ParseIP` reads: no zones.
pub(super) fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

pub(super) fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let bits_max = match () {
        () if is_sloppy_ipv4(address) => 32,
        () if is_sloppy_ipv6(address) => 128,
        () => return false,
    };
    is_digits(length)
        && trimmed(length)
            .parse::<u32>()
            .is_ok_and(|bits| bits <= bits_max)
}

fn is_sloppy_ip(text: &str) -> bool {
    // The first separator decides.
    match text.find(['.', ':']) {
        Some(at) if text.as_bytes()[at] == b'.' => is_sloppy_ipv4(text),
        Some(_) => is_sloppy_ipv6(text),
        None => false,
    }
}

fn is_sloppy_ipv4(text: &str) -> bool {
    let mut parts = 0;
    let all = text.split('.').all(|part| {
        parts += 1;
        is_digits(part) && trimmed(part).parse::<u8>().is_ok()
    });
    all && parts == 4
}

fn is_sloppy_ipv6(text: &str) -> bool {
    let groups: Vec<String> = text
        .split(':')
        .map(|group| match group.contains('.') {
            true => group.split('.').map(trimmed).collect::<Vec<_>>().join("."),
            false => trimmed(group).to_owned(),
        })
        .collect();
    groups.join(":").parse::<Ipv6Addr>().is_ok()
}

/// Without leading zeros, but for the last digit.
fn trimmed(text: &str) -> &str {
    match text.trim_start_matches('0') {
        "" if !text.is_empty() => "0",
        rest => rest,
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// 6, 8 or 20 bytes: in pairs with colons or dashes, in fours with dots, or bare.
pub(super) fn is_mac(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 12 {
        return false;
    }
    let (separator, group) = match (bytes[2], bytes[4]) {
        (separator @ (b':' | b'-'), _) => (Some(separator), 2),
        (_, b'.') => (Some(b'.'), 4),
        _ => (None, 2),
    };
    let parts: Vec<&[u8]> = match separator {
        Some(separator) => bytes.split(|byte| *byte == separator).collect(),
        None => bytes.chunks(2).collect(),
    };
    let size = parts.len() * group / 2;
    let is_part = |part: &&[u8]| part.len() == group && part.iter().all(u8::is_ascii_hexdigit);
    matches!(size, 6 | 8 | 20) && parts.iter().all(is_part)
}
