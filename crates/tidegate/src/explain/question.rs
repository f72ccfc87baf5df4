//! The question, as the admin listener reads it.

use std::{fmt::Write as _, net::IpAddr};

/// The path and query to ask with.
pub(super) fn path(url: &str, method: &str, headers: &[String], address: Option<IpAddr>) -> String {
    let mut path = format!("/explain?url={}&method={}", encode(url), encode(method));
    for header in headers {
        path.push_str("&header=");
        path.push_str(&encode(header));
    }
    if let Some(address) = address {
        path.push_str("&address=");
        path.push_str(&encode(&address.to_string()));
    }
    path
}

/// Whatever it is, it stays one value of a query string.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            encoded.push(char::from(byte));
        } else {
            // A string takes whatever is written to it.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
