//! Version 2: a binary header, with values after the addresses that nothing here needs. A checksum among them is held
//! against the header.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{ProxyError, ProxyHeader};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const HEAD_BYTES: usize = 16;
/// Addresses and values. Real ones have some hundred bytes.
const REST_BYTES_MAX: usize = 4096;
const TYPE_CRC32C: u8 = 3;

pub(super) fn parse(buf: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    let Some(&version_command) = buf.get(12) else {
        return Ok(None);
    };
    let local = match version_command {
        0x20 => true,
        0x21 => false,
        0x22..=0x2f => return Err(ProxyError::Malformed),
        _ => return Err(ProxyError::Version),
    };
    let Some(&[family, high, low]) = buf.get(13..HEAD_BYTES) else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > REST_BYTES_MAX {
        return Err(ProxyError::TooLong);
    }
    let end = HEAD_BYTES + length;
    let Some(rest) = buf.get(HEAD_BYTES..end) else {
        return Ok(None);
    };
    let (header, addresses) = parse_addresses(family, rest, local)?;
    check_values(&buf[..end], HEAD_BYTES + addresses)?;
    Ok(Some((header, end)))
}

/// Addresses, and how many bytes they take.
fn parse_addresses(
    family: u8,
    rest: &[u8],
    local: bool,
) -> Result<(ProxyHeader, usize), ProxyError> {
    let (source, destination, bytes) = match family {
        // The receiver skips what a connection of its own says.
        _ if local => return Ok((ProxyHeader::Local, rest.len())),
        0x11 => {
            let part: &[u8; 12] = rest.first_chunk().ok_or(ProxyError::Malformed)?;
            let [a, b, c, d, e, f, g, h, p0, p1, q0, q1] = *part;
            let source =
                SocketAddr::from((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([p0, p1])));
            let other = SocketAddr::from((Ipv4Addr::new(e, f, g, h), u16::from_be_bytes([q0, q1])));
            (source, other, 12)
        }
        0x21 => {
            let malformed = ProxyError::Malformed;
            let (source, rest) = rest.split_first_chunk::<16>().ok_or(malformed)?;
            let (other, rest) = rest.split_first_chunk::<16>().ok_or(malformed)?;
            let [p0, p1, q0, q1] = *rest.first_chunk::<4>().ok_or(malformed)?;
            let source = SocketAddr::from((Ipv6Addr::from(*source), u16::from_be_bytes([p0, p1])));
            let other = SocketAddr::from((Ipv6Addr::from(*other), u16::from_be_bytes([q0, q1])));
            (source, other, 36)
        }
        // Datagrams and local sockets don't come by TCP.
        0x00 => return Ok((ProxyHeader::Local, rest.len())),
        0x12 | 0x22 | 0x31 | 0x32 => return Ok((ProxyHeader::Local, rest.len())),
        _ => return Err(ProxyError::Malformed),
    };
    let header = ProxyHeader::Stream {
        source,
        destination,
    };
    Ok((header, bytes))
}

/// Type, length, value, to the very end; a checksum must be right.
fn check_values(header: &[u8], start: usize) -> Result<(), ProxyError> {
    let mut at = start;
    while at < header.len() {
        let Some(&[kind, high, low]) = header.get(at..at + 3) else {
            return Err(ProxyError::Malformed);
        };
        let value = at + 3;
        at = value + usize::from(u16::from_be_bytes([high, low]));
        if at > header.len() {
            return Err(ProxyError::Malformed);
        }
        if kind == TYPE_CRC32C && header.get(value..at) != Some(&checksum(header, value)[..]) {
            return Err(ProxyError::Malformed);
        }
    }
    Ok(())
}

/// CRC-32C of the header, with zeros in the checksum's own place.
fn checksum(header: &[u8], place: usize) -> [u8; 4] {
    let mut crc = u32::MAX;
    for (index, &byte) in header.iter().enumerate() {
        let byte = if (place..place + 4).contains(&index) {
            0
        } else {
            byte
        };
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    (!crc).to_be_bytes()
}

pub(super) fn write(header: &ProxyHeader, out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    match header {
        ProxyHeader::Stream {
            source: SocketAddr::V4(source),
            destination: SocketAddr::V4(destination),
        } => {
            out.extend_from_slice(&[0x21, 0x11, 0, 12]);
            out.extend_from_slice(&source.ip().octets());
            out.extend_from_slice(&destination.ip().octets());
        }
        ProxyHeader::Stream {
            source: SocketAddr::V6(source),
            destination: SocketAddr::V6(destination),
        } => {
            out.extend_from_slice(&[0x21, 0x21, 0, 36]);
            out.extend_from_slice(&source.ip().octets());
            out.extend_from_slice(&destination.ip().octets());
        }
        ProxyHeader::Stream { .. } => {
            out.extend_from_slice(&[0x21, 0, 0, 0]);
            return;
        }
        ProxyHeader::Local => {
            out.extend_from_slice(&[0x20, 0, 0, 0]);
            return;
        }
    }
    if let ProxyHeader::Stream {
        source,
        destination,
    } = header
    {
        out.extend_from_slice(&source.port().to_be_bytes());
        out.extend_from_slice(&destination.port().to_be_bytes());
    }
}
