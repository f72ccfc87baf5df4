//! Hosts with ports: `Host` fields, `:authority`, and the authority of absolute targets.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{HeadError, chars};

/// The longest name of a host: RFC 1035's 253, with the root's dot.
const HOST_BYTES_MAX: usize = 254;

/// A host, maybe with a port, borrowed and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// With brackets around an IPv6 address; may end with a dot.
    pub(crate) host: &'a [u8],
    pub(crate) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Names, IPv4 and bracketed IPv6 addresses. No user, no percent-encoding, no zone, no empty port.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, HeadError> {
        let literal = text.first() == Some(&b'[');
        let end = match literal {
            true => memchr::memchr(b']', text).map(|end| end + 1),
            false => Some(chars::span(text, chars::HOST)),
        };
        let (host, rest) = text.split_at(end.ok_or(HeadError::Host)?);
        let valid = match literal {
            true => is_ipv6(&host[1..host.len() - 1]),
            false => is_name(host),
        };
        let port = match rest {
            [] => None,
            [b':', digits @ ..] => Some(port(digits).ok_or(HeadError::Host)?),
            _ => return Err(HeadError::Host),
        };
        match valid {
            true => Ok(Self { host, port }),
            false => Err(HeadError::Host),
        }
    }

    /// Same host, and same port where no port means `default`.
    pub(crate) fn is_same(&self, other: &Self, default: Option<u16>) -> bool {
        let port = |authority: &Self| authority.port.or(default);
        self.host.eq_ignore_ascii_case(other.host) && port(self) == port(other)
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    chars::decimal(digits).and_then(|port| u16::try_from(port).ok())
}

fn is_ipv6(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Labels with something in them; a dot may follow the last one. What looks like an IPv4 address must be one.
fn is_name(host: &[u8]) -> bool {
    let name = host.strip_suffix(b".").unwrap_or(host);
    let dotted = !name.is_empty() && !name.starts_with(b".") && !name.ends_with(b".");
    let labels = dotted && !name.windows(2).any(|pair| pair == b"..");
    if !labels || host.len() > HOST_BYTES_MAX {
        return false;
    }
    let numeric = name
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    !numeric || std::str::from_utf8(name).is_ok_and(|text| text.parse::<Ipv4Addr>().is_ok())
}
