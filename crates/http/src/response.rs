//! Heads of HTTP/1 responses. An upstream is trusted no more than a client: what is malformed becomes a 502.

use crate::{
    Fields, Framing, HeadError, HeadLimits, Method, Upgrade, Version, chars,
    connection::{self, Options},
    fields, framing,
    request::read_version,
    scan::{Bounds, Scan},
};

/// What a response's head says. One of them serves all responses of a connection: its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    pub version: Version,
    /// 100 to 599.
    pub status: u16,
    /// All of them, as they came; [`crate::remove_hop_by_hop`] takes away what isn't forwarded.
    pub fields: Fields,
    /// Already knows of `HEAD` and of statuses without a body.
    pub framing: Framing,
    /// Whether the connection can be used again once the body has ended.
    pub keep_alive: bool,
    /// Of a 101: what the connection becomes.
    pub upgrade: Option<Upgrade>,
    scan: Scan,
}

impl ResponseHead {
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the message, and how far the search in the next one has come. Needed only where a buffer is given up
    /// before its head was complete.
    pub fn clear(&mut self) {
        self.scan.reset();
        self.fields.clear();
    }

    /// A 1xx: another head follows, unless it is a 101.
    pub fn is_informational(&self) -> bool {
        (100..200).contains(&self.status)
    }
}

/// Reads a response's head from the start of `buf`: `None` until it is complete, then how long it is. `method` is the
/// request's: it decides whether there is a body.
///
/// May be called again with the same start and more bytes; what was searched isn't searched again.
///
/// # Errors
/// Drop the connection; answer 502 if nothing was answered yet.
pub fn parse_response(
    buf: &[u8],
    method: &Method,
    limits: &HeadLimits,
    head: &mut ResponseHead,
) -> Result<Option<usize>, HeadError> {
    let result = find(buf, limits, &mut head.scan).and_then(|complete| match complete {
        true => read(buf, method, limits, head).map(Some),
        false => Ok(None),
    });
    if !matches!(result, Ok(None)) {
        head.scan.reset();
    }
    result
}

fn find(buf: &[u8], limits: &HeadLimits, scan: &mut Scan) -> Result<bool, HeadError> {
    let start = buf.len().min(5);
    if buf[..start] != b"HTTP/"[..start] {
        return Err(HeadError::StatusLine);
    }
    scan.find(
        buf,
        &Bounds {
            bytes_max: limits.head_bytes_max,
            first_line_bytes_max: limits.head_bytes_max,
            lines_max: limits.fields_max + 1,
        },
    )
}

fn read(
    buf: &[u8],
    method: &Method,
    limits: &HeadLimits,
    head: &mut ResponseHead,
) -> Result<usize, HeadError> {
    let lines = head.scan.lines();
    let rest = lines.rest();
    let line = buf.get(lines.first()).ok_or(HeadError::StatusLine)?;
    let section = buf.get(rest.clone()).ok_or(HeadError::StatusLine)?;
    (head.version, head.status) = read_line(line)?;
    fields::parse(section, rest.start, lines.fields(), &mut head.fields)?;
    if head.fields.len() > limits.fields_max {
        return Err(HeadError::TooManyFields);
    }
    let end = lines.end();
    let fields: &Fields = &head.fields;
    let options = Options::of(fields)?;
    head.framing = framing::of_response(fields, head.version, head.status, method)?;
    head.keep_alive = options.persists(head.version) && head.framing != Framing::UntilClose;
    head.upgrade = match head.status {
        101 => connection::upgrade(fields, options, head.version),
        _ => None,
    };
    Ok(end)
}

/// `VERSION STATUS [REASON]`. The space before an empty reason may be missing: many servers forget it, and it leaves no
/// doubt.
fn read_line(line: &[u8]) -> Result<(Version, u16), HeadError> {
    let (name, rest) = line.split_at_checked(8).ok_or(HeadError::StatusLine)?;
    let version = read_version(name)?;
    let (digits, reason) = match rest {
        [b' ', a, b, c] => ([*a, *b, *c], &[][..]),
        [b' ', a, b, c, b' ', reason @ ..] => ([*a, *b, *c], reason),
        _ => return Err(HeadError::StatusLine),
    };
    if !digits.iter().all(u8::is_ascii_digit) || !chars::is_field_content(reason) {
        return Err(HeadError::StatusLine);
    }
    let status = digits
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    match status {
        100..=599 => Ok((version, status)),
        _ => Err(HeadError::Status),
    }
}
