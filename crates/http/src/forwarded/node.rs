//! Addresses as proxies write them, and the elements of `Forwarded` (RFC 7239).

use std::net::{IpAddr, SocketAddr};

use crate::chars;

/// One element: what one proxy said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) node: Option<Vec<u8>>,
    pub(super) proto: Option<&'a [u8]>,
    pub(super) host: Option<Vec<u8>>,
}

impl Element<'_> {
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.node.as_deref().and_then(parse_address)
    }
}

/// An address, maybe with a port, maybe in brackets.
pub(super) fn parse_address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse()
        .ok()
        .or_else(|| {
            text.parse()
                .ok()
                .map(|with_port: SocketAddr| with_port.ip())
        })
        .or_else(|| bracketed().map(IpAddr::V6))
        .map(|address| address.to_canonical())
}

/// `for=…`, with quotes where RFC 7239 §6 wants them.
pub(super) fn for_pair(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("for={address}"),
        IpAddr::V6(address) => format!("for=\"[{address}]\""),
    }
}

/// The elements of one value. A malformed one is empty, so that what stands left of it isn't believed.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = Element<'_>> {
    split(value, b',').into_iter().map(|element| {
        let mut found = Element::default();
        for pair in split(element, b';') {
            if read_pair(chars::trim(pair), &mut found).is_none() {
                return Element::default();
            }
        }
        found
    })
}

fn read_pair<'a>(pair: &'a [u8], element: &mut Element<'a>) -> Option<()> {
    let equals = pair.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (&pair[..equals], &pair[equals + 1..]);
    if name.eq_ignore_ascii_case(b"for") {
        element.node = Some(unquote(value)?);
    } else if name.eq_ignore_ascii_case(b"host") {
        element.host = Some(unquote(value)?);
    } else if name.eq_ignore_ascii_case(b"proto") {
        element.proto = Some(value);
    }
    Some(())
}

fn unquote(value: &[u8]) -> Option<Vec<u8>> {
    let [b'"', inner @ .., b'"'] = value else {
        return Some(value.to_vec());
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => out.push(*bytes.next()?),
            b'"' => return None,
            _ => out.push(byte),
        }
    }
    Some(out)
}

/// Splits outside of quoted texts.
fn split(text: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
