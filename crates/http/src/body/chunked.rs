//! Chunked bodies: RFC 9112 §7.1 without leniency, byte by byte where it matters, in slices where it doesn't.
//!
//! Whole lines need not be there at once: the state holds what was seen of them. Only a trailer is collected, within
//! its limits.

use memchr::memchr;

use super::{BodyLimits, Piece};
use crate::{BodyError, Fields, KnownName, chars, fields, fields::KnownSet};

/// 2^60 bytes: sizes beyond would overflow, or be meant to.
const SIZE_DIGITS_MAX: u8 = 15;

#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    limits: BodyLimits,
    /// The extension that is being read, and all of them.
    extension: Extension,
    extensions_bytes: usize,
    trailer: Trailer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Digits of a size.
    Size {
        size: u64,
        digits: u8,
    },
    /// Between the size and the CR.
    Extension {
        size: u64,
    },
    /// The LF of a size's line.
    SizeEnd {
        size: u64,
    },
    Data {
        left: u64,
    },
    /// The CR, then the LF behind the data.
    DataReturn,
    DataEnd,
    Trailer,
    Finished,
}

/// Where in `*( BWS ";" BWS name [ BWS "=" BWS value ] )` the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Start,
    BeforeName,
    Name,
    BeforeValue,
    Value,
    Quoted,
    Escaped,
    AfterValue,
}

#[derive(Debug)]
struct Extension {
    part: Part,
    bytes: usize,
}

/// Lines of a trailer as they come.
#[derive(Debug, Default)]
struct Trailer {
    text: Vec<u8>,
    ends: Vec<u32>,
    fields: Fields,
}

/// What a trailer must not say: it comes after routing, authentication and framing were decided (RFC 9110 §6.5.1).
/// Dropped, as a receiver that merges trailers into the head would be misled.
const FORBIDDEN: KnownSet = KnownSet::of(&[
    KnownName::AccessControlRequestHeaders,
    KnownName::AccessControlRequestMethod,
    KnownName::Age,
    KnownName::Authorization,
    KnownName::CacheControl,
    KnownName::Connection,
    KnownName::ContentEncoding,
    KnownName::ContentLength,
    KnownName::ContentRange,
    KnownName::ContentType,
    KnownName::Cookie,
    KnownName::Date,
    KnownName::Expect,
    KnownName::Forwarded,
    KnownName::Host,
    KnownName::Http2Settings,
    KnownName::KeepAlive,
    KnownName::Location,
    KnownName::MaxForwards,
    KnownName::Origin,
    KnownName::ProxyAuthenticate,
    KnownName::ProxyAuthorization,
    KnownName::ProxyConnection,
    KnownName::Range,
    KnownName::RetryAfter,
    KnownName::SecWebsocketAccept,
    KnownName::SecWebsocketKey,
    KnownName::SecWebsocketProtocol,
    KnownName::SecWebsocketVersion,
    KnownName::SetCookie,
    KnownName::Te,
    KnownName::Trailer,
    KnownName::TransferEncoding,
    KnownName::Upgrade,
    KnownName::Vary,
    KnownName::Via,
    KnownName::WwwAuthenticate,
    KnownName::XForwardedFor,
    KnownName::XForwardedHost,
    KnownName::XForwardedPort,
    KnownName::XForwardedPrefix,
    KnownName::XForwardedProto,
    KnownName::XRealIp,
    KnownName::XRequestId,
]);

/// Whether a field may stand in a trailer, by its name in any case. Pseudo-header fields may not, nor may aliases.
pub(crate) fn allowed_in_trailer(name: &[u8]) -> bool {
    let known = KnownName::of(name).or_else(|| crate::connection::alias(name));
    !known.is_some_and(|known| FORBIDDEN.has(known))
}

impl Chunked {
    pub(super) fn new(limits: BodyLimits) -> Self {
        Self {
            state: State::Size { size: 0, digits: 0 },
            limits,
            extension: Extension {
                part: Part::Start,
                bytes: 0,
            },
            extensions_bytes: 0,
            trailer: Trailer::default(),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    pub(super) fn trailers(&self) -> Option<&Fields> {
        let fields = &self.trailer.fields;
        (self.is_finished() && !fields.is_empty()).then_some(fields)
    }

    /// Up to the end of the first data in the input, with the CR LF behind it where it is there.
    pub(super) fn decode(&mut self, input: &[u8]) -> Result<Piece, BodyError> {
        let mut data = 0..0;
        let mut at = 0;
        while at < input.len() {
            match self.state {
                State::Finished => break,
                State::Data { left } => {
                    if !data.is_empty() {
                        break;
                    }
                    let here = input.len() - at;
                    let here = usize::try_from(left).map_or(here, |left| left.min(here));
                    data = at..at + here;
                    at += here;
                    self.state = match left - here as u64 {
                        0 => State::DataReturn,
                        left => State::Data { left },
                    };
                }
                State::Trailer => at += self.read_trailer(&input[at..])?,
                _ => {
                    self.state = self.step(input[at])?;
                    at += 1;
                }
            }
        }
        if data.is_empty() {
            data = at..at;
        }
        Ok(Piece {
            data,
            consumed: at,
            finished: self.is_finished(),
        })
    }

    /// One byte of framing.
    fn step(&mut self, byte: u8) -> Result<State, BodyError> {
        match (self.state, byte) {
            (State::Size { size, digits }, _) => self.read_size(size, digits, byte),
            (State::Extension { size }, b'\r') => match self.extension.may_end() {
                true => Ok(State::SizeEnd { size }),
                false => Err(BodyError::ChunkExtension),
            },
            (State::Extension { size }, _) => {
                self.read_extension(byte)?;
                Ok(State::Extension { size })
            }
            (State::SizeEnd { size: 0 }, b'\n') => Ok(State::Trailer),
            (State::SizeEnd { size }, b'\n') => Ok(State::Data { left: size }),
            (State::SizeEnd { .. }, _) => Err(BodyError::ChunkLineEnd),
            (State::DataReturn, b'\r') => Ok(State::DataEnd),
            (State::DataEnd, b'\n') => Ok(State::Size { size: 0, digits: 0 }),
            (State::DataReturn | State::DataEnd, _) => Err(BodyError::ChunkEnd),
            (state @ (State::Data { .. } | State::Trailer | State::Finished), _) => Ok(state),
        }
    }

    fn read_size(&mut self, size: u64, digits: u8, byte: u8) -> Result<State, BodyError> {
        if let Some(digit) = chars::hex(byte) {
            return match digits {
                SIZE_DIGITS_MAX => Err(BodyError::ChunkSize),
                _ => Ok(State::Size {
                    size: size << 4 | u64::from(digit),
                    digits: digits + 1,
                }),
            };
        }
        match byte {
            _ if digits == 0 => Err(BodyError::ChunkSize),
            b'\r' => Ok(State::SizeEnd { size }),
            b';' => {
                self.extension = Extension {
                    part: Part::Start,
                    bytes: 0,
                };
                self.read_extension(byte)?;
                Ok(State::Extension { size })
            }
            b'\n' => Err(BodyError::ChunkLineEnd),
            _ => Err(BodyError::ChunkSize),
        }
    }

    fn read_extension(&mut self, byte: u8) -> Result<(), BodyError> {
        self.extensions_bytes += 1;
        self.extension.bytes += 1;
        let fits = self.extension.bytes <= self.limits.extension_bytes_max
            && self.extensions_bytes <= self.limits.extensions_bytes_max;
        match (fits, self.extension.part.next(byte)) {
            (true, Some(part)) => {
                self.extension.part = part;
                Ok(())
            }
            _ if byte == b'\n' => Err(BodyError::ChunkLineEnd),
            _ => Err(BodyError::ChunkExtension),
        }
    }

    /// Takes bytes up to the end of a line; at the empty line reads the fields.
    fn read_trailer(&mut self, input: &[u8]) -> Result<usize, BodyError> {
        let trailer = &mut self.trailer;
        let end = memchr(b'\n', input).map(|end| end + 1);
        let taken = &input[..end.unwrap_or(input.len())];
        let room = self
            .limits
            .trailer_bytes_max
            .saturating_sub(trailer.text.len());
        if taken.len() > room {
            return Err(BodyError::TrailerTooLarge);
        }
        trailer.text.extend_from_slice(taken);
        if end.is_none() {
            return Ok(taken.len());
        }
        let start = trailer.ends.last().map_or(0, |&end| end as usize + 1);
        let line = &trailer.text[start..];
        match line {
            b"\r\n" => {
                trailer.finish()?;
                self.state = State::Finished;
            }
            [.., b'\r', b'\n'] if trailer.ends.len() < self.limits.trailer_fields_max => {
                let last = u32::try_from(trailer.text.len() - 1);
                trailer
                    .ends
                    .push(last.map_err(|_| BodyError::TrailerTooLarge)?);
            }
            [.., b'\r', b'\n'] => return Err(BodyError::TrailerTooLarge),
            _ => return Err(BodyError::Trailer),
        }
        Ok(taken.len())
    }
}

impl Trailer {
    fn finish(&mut self) -> Result<(), BodyError> {
        fields::parse(&self.text, 0, &self.ends, &mut self.fields)
            .map_err(|_| BodyError::Trailer)?;
        self.fields.retain(|field| allowed_in_trailer(field.name));
        Ok(())
    }
}

impl Extension {
    fn may_end(&self) -> bool {
        matches!(self.part, Part::Name | Part::Value | Part::AfterValue)
    }
}

impl Part {
    /// Where the reader is after a byte; `None` where it may not stand. No whitespace: the grammar has it for reading
    /// old senders only, and attackers use it.
    fn next(self, byte: u8) -> Option<Self> {
        let token = chars::is(byte, chars::TOKEN);
        match (self, byte) {
            (Self::Start | Self::Name | Self::Value | Self::AfterValue, b';') => {
                Some(Self::BeforeName)
            }
            (Self::BeforeName | Self::Name, _) if token => Some(Self::Name),
            (Self::Name, b'=') => Some(Self::BeforeValue),
            (Self::BeforeValue, b'"') => Some(Self::Quoted),
            (Self::BeforeValue | Self::Value, _) if token => Some(Self::Value),
            (Self::Quoted, b'"') => Some(Self::AfterValue),
            (Self::Quoted, b'\\') => Some(Self::Escaped),
            (Self::Quoted | Self::Escaped, _) if byte == b'\t' || byte >= 0x20 && byte != 0x7f => {
                Some(Self::Quoted)
            }
            _ => None,
        }
    }
}
