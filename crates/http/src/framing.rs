//! How a message's body ends: RFC 9112 §6, without its leniency. Whatever two readers could read in two ways is
//! refused.

use crate::{Fields, HeadError, KnownName, Method, Version, chars};

/// How a body is delimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// There is no body, and no word about one.
    #[default]
    None,
    /// So many bytes; 0 where the sender says so.
    Length(u64),
    /// Chunks, and maybe a trailer.
    Chunked,
    /// Responses only: until the connection ends.
    UntilClose,
}

impl Framing {
    /// Whether body bytes may follow.
    pub fn has_body(self) -> bool {
        !matches!(self, Self::None | Self::Length(0))
    }
}

/// What the fields say. Every repetition and every combination that a reader could take in two ways is refused.
fn declared(fields: &Fields, version: Version) -> Result<Framing, HeadError> {
    let encoded = fields.has(KnownName::TransferEncoding);
    let length = match fields.has(KnownName::ContentLength) {
        true => Some(content_length(fields)?),
        false => None,
    };
    if !encoded {
        return Ok(length.map_or(Framing::None, Framing::Length));
    }
    if version == Version::Http10 {
        return Err(HeadError::EncodingInOldVersion);
    }
    if length.is_some() {
        return Err(HeadError::LengthAndEncoding);
    }
    let mut values = fields.all_known(KnownName::TransferEncoding);
    let value = values.next().unwrap_or_default();
    if values.next().is_some() {
        return Err(HeadError::Encoding);
    }
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(Framing::Chunked);
    }
    Err(encoding_error(value))
}

/// `gzip, chunked` is legal and not done here; everything else is wrong.
fn encoding_error(value: &[u8]) -> HeadError {
    let chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let mut codings: Vec<&[u8]> = value.split(|&byte| byte == b',').map(chars::trim).collect();
    let last = codings.pop().unwrap_or_default();
    let legal = codings
        .iter()
        .all(|coding| chars::is_token(coding) && !chunked(coding));
    match chunked(last) && legal {
        true => HeadError::EncodingUnsupported,
        false => HeadError::Encoding,
    }
}

/// The one length there is.
pub(crate) fn content_length(fields: &Fields) -> Result<u64, HeadError> {
    let mut values = fields.all_known(KnownName::ContentLength);
    let value = values.next().unwrap_or_default();
    if values.next().is_some() {
        return Err(HeadError::LengthRepeated);
    }
    chars::decimal(value).ok_or(HeadError::Length)
}

/// The framing of a request.
pub(crate) fn of_request(
    fields: &Fields,
    version: Version,
    method: &Method,
) -> Result<Framing, HeadError> {
    let framing = declared(fields, version)?;
    // Neither can have content, and a reader that thinks so would read it as the next request.
    let bodiless = matches!(method, Method::Trace | Method::Connect);
    match bodiless && framing.has_body() {
        true => Err(HeadError::BodyForbidden),
        false => Ok(framing),
    }
}

/// The framing of a response to `method`.
pub(crate) fn of_response(
    fields: &Fields,
    version: Version,
    status: u16,
    method: &Method,
) -> Result<Framing, HeadError> {
    let framing = declared(fields, version)?;
    match status {
        // They end with the head, whatever they say: one that announces a body would be read in two ways.
        100..=199 | 204 if framing.has_body() => Err(HeadError::BodyForbidden),
        100..=199 | 204 | 304 => Ok(Framing::None),
        200..=299 if *method == Method::Connect => match framing.has_body() {
            true => Err(HeadError::BodyForbidden),
            false => Ok(Framing::None),
        },
        _ if *method == Method::Head => Ok(Framing::None),
        _ if framing == Framing::None => Ok(Framing::UntilClose),
        _ => Ok(framing),
    }
}
