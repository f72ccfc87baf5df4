//! The PROXY protocol, versions 1 and 2: who the client was, said by a balancer before the first byte of the client's.
//!
//! To be read only on listeners that expect it, and there always: a missing header is an error.

mod v1;
mod v2;

use std::net::SocketAddr;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// The connection is the balancer's own, such as a health check, or of a family that we don't serve: use its real
    /// addresses.
    Local,
    /// The client's address, and the one that it connected to. Both of one family.
    Stream {
        source: SocketAddr,
        destination: SocketAddr,
    },
}

/// Why a header was refused. Close without an answer: the other side isn't the balancer that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    #[error("the connection doesn't start with a PROXY header")]
    Missing,
    #[error("the PROXY header is malformed")]
    Malformed,
    #[error("the PROXY header is too long")]
    TooLong,
    #[error("the version of the PROXY header isn't known")]
    Version,
}

/// The version of a header to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    V1,
    V2,
}

/// Reads a header of either version: `None` until it is complete, then how long it is.
///
/// # Errors
/// Close the connection.
pub fn parse_proxy(buf: &[u8]) -> Result<Option<(ProxyHeader, usize)>, ProxyError> {
    let starts = |signature: &[u8]| {
        let here = signature.len().min(buf.len());
        buf[..here] == signature[..here]
    };
    if starts(v2::SIGNATURE) {
        v2::parse(buf)
    } else if starts(v1::SIGNATURE) {
        v1::parse(buf)
    } else {
        Err(ProxyError::Missing)
    }
}

/// Writes a header. Addresses of different families are said to be of none.
pub fn write_proxy(version: ProxyVersion, header: &ProxyHeader, out: &mut Vec<u8>) {
    match version {
        ProxyVersion::V1 => v1::write(header, out),
        ProxyVersion::V2 => v2::write(header, out),
    }
}
