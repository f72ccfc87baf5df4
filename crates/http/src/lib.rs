//! HTTP messages for a proxy: strict parsing, framing, fields and targets. Pure: bytes in, values and bytes out.
//!
//! RFC 9110 and 9112 to the letter; what two readers could read in two ways is refused. Start at [`parse_request`] and
//! [`parse_response`].

mod chars;
mod connection;
mod error;
mod fields;
mod framing;
mod limits;
mod method;
mod request;
mod response;
mod scan;
mod target;

pub use self::{
    connection::Upgrade,
    error::{BodyError, HeadError},
    fields::{Field, Fields, InvalidField, KnownName},
    framing::Framing,
    limits::HeadLimits,
    method::{Method, Version},
    request::{RequestHead, parse_request},
    response::{ResponseHead, parse_response},
    target::{EscapedSlashes, Form, PathPolicy, Scheme, Slashes, Target, normalize_path},
};
