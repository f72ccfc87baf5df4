//! Version 1: a line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{ProxyError, ProxyHeader};
use crate::chars;

pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// With CR LF: the specification's worst case.
const LINE_BYTES_MAX: usize = 107;

pub(super) fn parse(buf: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    let seen = &buf[..buf.len().min(LINE_BYTES_MAX)];
    let Some(end) = memchr::memchr(b'\n', seen) else {
        return match seen.len() {
            LINE_BYTES_MAX => Err(ProxyError::TooLong),
            _ => Ok(None),
        };
    };
    let line = seen[..end]
        .strip_suffix(b"\r")
        .and_then(|line| line.strip_prefix(SIGNATURE))
        .and_then(|line| std::str::from_utf8(line).ok())
        .ok_or(ProxyError::Malformed)?;
    let header = parse_line(line).ok_or(ProxyError::Malformed)?;
    Ok(Some((header, end + 1)))
}

fn parse_line(line: &str) -> Option<ProxyHeader> {
    // What follows `UNKNOWN` is to be ignored.
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Some(ProxyHeader::Local);
    }
    let mut words = line.split(' ');
    let (family, source, destination) = (words.next()?, words.next()?, words.next()?);
    let (source_port, destination_port) = (words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let address = |text: &str| match family {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => None,
    };
    let port = |text: &str| u16::try_from(chars::decimal(text.as_bytes())?).ok();
    Some(ProxyHeader::Stream {
        source: SocketAddr::new(address(source)?, port(source_port)?),
        destination: SocketAddr::new(address(destination)?, port(destination_port)?),
    })
}

pub(super) fn write(header: &ProxyHeader, out: &mut Vec<u8>) {
    let line = match header {
        ProxyHeader::Stream {
            source,
            destination,
        } if source.is_ipv4() == destination.is_ipv4() => format!(
            "PROXY {} {} {} {} {}\r\n",
            if source.is_ipv4() { "TCP4" } else { "TCP6" },
            source.ip(),
            destination.ip(),
            source.port(),
            destination.port()
        ),
        ProxyHeader::Stream { .. } | ProxyHeader::Local => "PROXY UNKNOWN\r\n".to_owned(),
    };
    out.extend_from_slice(line.as_bytes());
}
