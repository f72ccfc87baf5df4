//! HTTP/2: the same heads, with HTTP/2's own rules (RFC 9113 §8.2 and §8.3). Frames and compression are another's work;
//! here arrives what the `http` crate's types can say.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    BodyError, BodyLimits, Fields, Framing, HeadError, HeadLimits, InvalidField, KnownName, Method,
    RequestHead, ResponseHead, Scheme, Upgrade, Version, body::allowed_in_trailer, chars,
    connection, fields::KnownSet, framing, target::Authority,
};

/// What a connection of HTTP/2 says otherwise.
const CONNECTION_SPECIFIC: KnownSet = KnownSet::of(&[
    KnownName::Connection,
    KnownName::KeepAlive,
    KnownName::ProxyConnection,
    KnownName::TransferEncoding,
    KnownName::Upgrade,
]);

/// What an HTTP/2 message doesn't carry.
const NOT_IN_H2: KnownSet = crate::hop::HOP_BY_HOP.and(KnownSet::of(&[KnownName::Host]));

/// Reads a request of HTTP/2 into the same form as one of HTTP/1. `ended` says that no DATA will follow. A body without a
/// length is [`Framing::Chunked`]; its DATA is to be counted by [`LengthCheck`] all the same.
///
/// `protocol` is `:protocol`: a WebSocket that is asked for by it (RFC 8441) is read as what HTTP/1 asks for it by, a GET
/// without a body that wants an upgrade. What the stream carries is the tunnel's.
///
/// # Errors
/// A stream error of type `PROTOCOL_ERROR`, or an answer with the error's status. The connection may go on.
pub fn read_h2_request(
    method: &http::Method,
    uri: &http::Uri,
    protocol: Option<&str>,
    headers: &HeaderMap,
    ended: bool,
    limits: &HeadLimits,
    head: &mut RequestHead,
) -> Result<(), HeadError> {
    head.clear();
    head.version = Version::Http2;
    let token = method.as_str().as_bytes();
    if token.len() > limits.method_bytes_max {
        return Err(HeadError::MethodTooLong);
    }
    head.method = Method::from_token(token).ok_or(HeadError::Method)?;
    head.upgrade = None;
    if head.method == Method::Connect {
        let websocket = Upgrade::WebSocket;
        if ended || protocol != Some(websocket.as_str()) {
            // There is nothing else to tunnel to.
            return Err(HeadError::MethodRefused);
        }
        head.method = Method::Get;
        head.upgrade = Some(websocket);
    }
    if headers.values().any(is_padded) {
        return Err(HeadError::FieldValue);
    }
    read_fields(headers, limits, &mut head.fields)?;
    if asks_for_codings(&head.fields) {
        return Err(HeadError::ConnectionSpecific);
    }
    read_target(uri, limits, head)?;
    let fields = &head.fields;
    let framing = framing::of_request(fields, Version::Http2, &head.method)?;
    if head.upgrade.is_some() && framing.has_body() {
        return Err(HeadError::BodyForbidden);
    }
    head.framing = match head.upgrade {
        Some(_) => Framing::None,
        None => with_stream_end(framing, Framing::None, ended)?,
    };
    if head.method == Method::Trace && !ended {
        return Err(HeadError::BodyForbidden);
    }
    head.keep_alive = true;
    head.expect_continue = connection::expect_continue(fields)? && head.framing.has_body();
    head.te_trailers = connection::te_trailers(fields);
    Ok(())
}

/// Reads a response of HTTP/2 into the same form as one of HTTP/1. `ended` says that no DATA will follow.
///
/// # Errors
/// Reset the stream; answer 502 if nothing was answered yet.
pub fn read_h2_response(
    status: u16,
    headers: &HeaderMap,
    ended: bool,
    method: &Method,
    limits: &HeadLimits,
    head: &mut ResponseHead,
) -> Result<(), HeadError> {
    head.clear();
    head.version = Version::Http2;
    head.status = status;
    // There are no upgrades in HTTP/2.
    if !(100..=599).contains(&status) || status == 101 {
        return Err(HeadError::Status);
    }
    read_fields(headers, limits, &mut head.fields)?;
    let framing = framing::of_response(&head.fields, Version::Http2, status, method)?;
    head.framing = with_stream_end(framing, Framing::UntilClose, ended)?;
    head.keep_alive = true;
    head.upgrade = None;
    Ok(())
}

/// Fields of HTTP/2 as they came, checked: no connection-specific ones.
fn read_fields(
    headers: &HeaderMap,
    limits: &HeadLimits,
    fields: &mut Fields,
) -> Result<(), HeadError> {
    from_header_map(headers, fields).map_err(|_| HeadError::FieldValue)?;
    if fields.len() > limits.fields_max {
        return Err(HeadError::TooManyFields);
    }
    if size(fields) > limits.head_bytes_max {
        return Err(HeadError::HeadTooLarge);
    }
    match fields.has_any(CONNECTION_SPECIFIC) {
        true => Err(HeadError::ConnectionSpecific),
        false => Ok(()),
    }
}

/// Whitespace at the ends, which HTTP/2 doesn't know: RFC 9113 §8.2.1.
fn is_padded(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    chars::trim(value).len() != value.len()
}

/// `TE` with anything but `trailers`.
fn asks_for_codings(fields: &Fields) -> bool {
    fields
        .all_known(KnownName::Te)
        .any(|value| !value.eq_ignore_ascii_case(b"trailers"))
}

/// Scheme, `:authority` with `Host`, and path.
fn read_target(
    uri: &http::Uri,
    limits: &HeadLimits,
    head: &mut RequestHead,
) -> Result<(), HeadError> {
    let scheme = match (uri.scheme_str(), uri.authority()) {
        (Some("http"), _) => Some(Scheme::Http),
        (Some("https"), _) => Some(Scheme::Https),
        // A `Uri` has no scheme where it has no authority, which `Host` may say instead.
        (None, None) => None,
        _ => return Err(HeadError::Pseudo),
    };
    let text = uri.path_and_query().map_or("", |text| text.as_str());
    if text.len() > limits.target_bytes_max {
        return Err(HeadError::TargetTooLong);
    }
    let host = crate::request::only_host(&head.fields, Version::Http2)?;
    let host = host.map(Authority::parse).transpose()?;
    let own = uri.authority().map(|own| own.as_str().as_bytes());
    let own = own.map(Authority::parse).transpose()?;
    let authority = match (own, host) {
        (Some(own), Some(host)) if !own.is_same(&host, scheme.map(Scheme::usual_port)) => {
            return Err(HeadError::HostDiffers);
        }
        (None, None) => return Err(HeadError::HostMissing),
        (own, host) => own.or(host),
    };
    let (method, path) = (&head.method, limits.path);
    head.target
        .assemble(scheme, authority, text.as_bytes(), method, path)
}

/// Fields of HTTP/2, as they are. What can't be a field of HTTP/1 is refused: there it would be something else.
///
/// # Errors
/// A name isn't a token, or a value has control characters.
pub fn from_header_map(headers: &HeaderMap, fields: &mut Fields) -> Result<(), InvalidField> {
    fields.clear();
    for (name, value) in headers {
        fields.push(name.as_str().as_bytes(), value.as_bytes())?;
    }
    Ok(())
}

/// Adds fields to those of an HTTP/2 message: names in lower case, without `Host` (which is `:authority` there) and all
/// that belongs to a connection. `TE` goes along where it asks for trailers.
///
/// # Errors
/// A name or value isn't one: never, if they came from a parsed head.
pub fn to_header_map(fields: &Fields, headers: &mut HeaderMap) -> Result<(), InvalidField> {
    headers.reserve(fields.len());
    for field in fields.iter() {
        let name = match field.known {
            Some(known) if NOT_IN_H2.has(known) => continue,
            Some(known) => known.into(),
            None => HeaderName::from_bytes(field.name).map_err(|_| InvalidField)?,
        };
        let value = HeaderValue::from_bytes(field.value).map_err(|_| InvalidField)?;
        headers.append(name, value);
    }
    if connection::te_trailers(fields) {
        headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
    }
    Ok(())
}

/// Checks the trailer of an HTTP/2 message, and drops what must not stand in one.
///
/// # Errors
/// The trailer has pseudo-header or connection-specific fields, or is too large: reset the stream.
pub fn read_h2_trailer(
    headers: &HeaderMap,
    limits: &BodyLimits,
    fields: &mut Fields,
) -> Result<(), BodyError> {
    from_header_map(headers, fields).map_err(|_| BodyError::Trailer)?;
    if fields.has_any(CONNECTION_SPECIFIC) {
        return Err(BodyError::Trailer);
    }
    if fields.len() > limits.trailer_fields_max || size(fields) > limits.trailer_bytes_max {
        return Err(BodyError::TrailerTooLarge);
    }
    fields.retain(|field| allowed_in_trailer(field.name));
    Ok(())
}

/// Counts DATA against what `Content-Length` announced: RFC 9113 §8.1.1.
#[derive(Clone, Copy, Debug)]
pub struct LengthCheck {
    left: Option<u64>,
}

impl LengthCheck {
    pub fn new(framing: Framing) -> Self {
        Self {
            left: match framing {
                Framing::None => Some(0),
                Framing::Length(length) => Some(length),
                Framing::Chunked | Framing::UntilClose => None,
            },
        }
    }

    /// So many bytes came.
    ///
    /// # Errors
    /// More than was announced: reset the stream.
    pub fn data(&mut self, bytes: usize) -> Result<(), BodyError> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(bytes as u64).ok_or(BodyError::TooLong)?;
        }
        Ok(())
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// Less came than was announced: reset the stream.
    pub fn end(&self) -> Result<(), BodyError> {
        match self.left {
            Some(1..) => Err(BodyError::Truncated),
            _ => Ok(()),
        }
    }
}

/// What follows a head: a body that ends with its stream has no length in HTTP/1's sense, which is what `Chunked` says.
fn with_stream_end(framing: Framing, open: Framing, ended: bool) -> Result<Framing, HeadError> {
    match framing {
        Framing::Length(1..) if ended => Err(HeadError::Length),
        framing if framing == open && !ended => Ok(Framing::Chunked),
        framing if framing == open => Ok(Framing::None),
        framing => Ok(framing),
    }
}

fn size(fields: &Fields) -> usize {
    fields
        .iter()
        .map(|field| field.name.len() + field.value.len() + 32)
        .sum()
}
