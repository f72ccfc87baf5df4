//! Failures, for who calls by gRPC: an answer without a body, whose trailers are its head.
//!
//! Clients of gRPC look at `grpc-status` and not at HTTP's status. The one is made from the other as gRPC itself says
//! (doc/http-grpc-status-mapping.md), so that a client sees the same whether or not it does that by itself.

use tidegate_http::{Fields, KnownName, RequestHead, Version};

use crate::failure::Failure;

/// gRPC's media type: also with a suffix (`+proto`) or parameters. `application/grpc-web` is something else.
const MEDIA_TYPE: &[u8] = b"application/grpc";

/// The fields of the answer, whose status is 200, for a failure that has this status. `None`: this is no call by gRPC.
pub(crate) fn refusal(head: &RequestHead, status: u16, failure: &Failure) -> Option<Fields> {
    let kind = head.fields.known(KnownName::ContentType)?;
    if head.version != Version::Http2 || !is_grpc(kind) {
        return None;
    }
    let mut fields = Fields::new();
    let code = code(status).to_string();
    // Names and values are our own: digits and plain texts.
    let _ = fields.push(b"content-type", MEDIA_TYPE);
    let _ = fields.push(b"grpc-status", code.as_bytes());
    let _ = fields.push(b"grpc-message", failure.to_string().as_bytes());
    Some(fields)
}

fn is_grpc(kind: &[u8]) -> bool {
    match kind.split_at_checked(MEDIA_TYPE.len()) {
        Some((name, rest)) => {
            name.eq_ignore_ascii_case(MEDIA_TYPE)
                && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
        }
        None => false,
    }
}

/// What gRPC calls a status of HTTP.
fn code(status: u16) -> u8 {
    const UNKNOWN: u8 = 2;
    const PERMISSION_DENIED: u8 = 7;
    const UNIMPLEMENTED: u8 = 12;
    const INTERNAL: u8 = 13;
    const UNAVAILABLE: u8 = 14;
    const UNAUTHENTICATED: u8 = 16;
    match status {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::is_grpc;

    #[test]
    fn media_types() {
        for (kind, expect) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("Application/gRPC;charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/grp", false),
            ("application/json", false),
            ("", false),
        ] {
            assert_eq!(is_grpc(kind.as_bytes()), expect, "{kind}");
        }
    }
}
