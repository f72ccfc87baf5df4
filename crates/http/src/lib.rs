//! HTTP messages for a proxy: strict parsing, framing, fields and targets. Pure: bytes in, values and bytes out.
//!
//! RFC 9110 and 9112 to the letter; what two readers could read in two ways is refused. Start at [`parse_request`] and
//! [`parse_response`].

mod body;
mod chars;
mod connection;
mod error;
mod fields;
mod forwarded;
mod framing;
mod h2;
mod hop;
mod limits;
mod method;
mod proxy_protocol;
mod request;
mod response;
mod scan;
mod target;
mod write;

pub use self::{
    body::{
        BodyDecoder, BodyLimits, CHUNK_END, CHUNK_HEAD_BYTES_MAX, LAST_CHUNK, Piece, chunk_head,
        write_last_chunk,
    },
    connection::Upgrade,
    error::{BodyError, HeadError},
    fields::{Field, Fields, InvalidField, KnownName},
    forwarded::{
        Arrival, ForwardedPolicy, client_address, rebuild_forwarded, strip_aliases, strip_spoofable,
    },
    framing::Framing,
    h2::{
        LengthCheck, from_header_map, read_h2_request, read_h2_response, read_h2_trailer,
        to_header_map,
    },
    hop::remove_hop_by_hop,
    limits::HeadLimits,
    method::{Method, Version},
    proxy_protocol::{ProxyError, ProxyHeader, ProxyVersion, parse_proxy, write_proxy},
    request::{RequestHead, parse_request},
    response::{ResponseHead, parse_response},
    target::{EscapedSlashes, Form, PathPolicy, Scheme, Slashes, Target, normalize_path},
    write::{RequestLine, StatusLine, write_answer, write_request, write_response},
};
