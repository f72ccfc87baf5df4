//! Heads of HTTP/1 requests.

use crate::{
    Fields, Framing, HeadError, HeadLimits, KnownName, Method, Target, Upgrade, Version, chars,
    connection::{self, Options},
    fields, framing,
    scan::{Bounds, Scan},
};

/// What a request's head says. One of them serves all requests of a connection: its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    pub method: Method,
    pub version: Version,
    pub target: Target,
    /// All of them, as they came; [`crate::remove_hop_by_hop`] takes away what isn't forwarded.
    pub fields: Fields,
    pub framing: Framing,
    /// Whether the client wants to send more requests.
    pub keep_alive: bool,
    /// Whether the client waits for a 100 before it sends the body.
    pub expect_continue: bool,
    /// What the connection is to become, if it may be forwarded.
    pub upgrade: Option<Upgrade>,
    /// Whether the client takes trailers.
    pub te_trailers: bool,
    scan: Scan,
}

/// ` HTTP/1.1`, and CR LF.
const LINE_REST_BYTES: usize = 12;

impl RequestHead {
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the message, and how far the search in the next one has come. Needed only where a buffer is given up
    /// before its head was complete.
    pub fn clear(&mut self) {
        self.scan.reset();
        self.fields.clear();
        self.target.clear();
    }
}

/// Reads a request's head from the start of `buf`: `None` until it is complete, then how long it is.
///
/// May be called again with the same start and more bytes; what was searched isn't searched again. The verdict is the
/// same however the bytes are cut, and comes as early as it can.
///
/// # Errors
/// Answer with the error's status and close. `head` then holds whatever was read so far.
pub fn parse_request(
    buf: &[u8],
    limits: &HeadLimits,
    head: &mut RequestHead,
) -> Result<Option<usize>, HeadError> {
    let result = find(buf, limits, &mut head.scan).and_then(|complete| match complete {
        true => read(buf, limits, head).map(Some),
        false => Ok(None),
    });
    if !matches!(result, Ok(None)) {
        head.scan.reset();
    }
    result
}

/// Whether the head is complete. Refuses what can be seen to be no request before it is.
fn find(buf: &[u8], limits: &HeadLimits, scan: &mut Scan) -> Result<bool, HeadError> {
    scan.skip_empty_line(buf);
    let line = buf.get(scan.start()..).unwrap_or_default();
    if !scan.has_first_line() && line != b"\r" {
        check_method(line, limits.method_bytes_max)?;
    }
    scan.find(
        buf,
        &Bounds {
            bytes_max: limits.head_bytes_max,
            first_line_bytes_max: limits.method_bytes_max
                + limits.target_bytes_max
                + LINE_REST_BYTES,
            lines_max: limits.fields_max + 1,
        },
    )
}

/// The method, or as much of it as there is.
fn check_method(line: &[u8], bytes_max: usize) -> Result<(), HeadError> {
    let start = &line[..line.len().min(bytes_max + 1)];
    let token = chars::span(start, chars::TOKEN);
    match start.get(token) {
        _ if token > bytes_max => Err(HeadError::MethodTooLong),
        Some(b' ') if token > 0 => Ok(()),
        Some(_) => Err(HeadError::Method),
        None => Ok(()),
    }
}

fn read(buf: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Result<usize, HeadError> {
    let lines = head.scan.lines();
    let (line, rest) = (lines.first(), lines.rest());
    let line = buf.get(line).ok_or(HeadError::RequestLine)?;
    let section = buf.get(rest.clone()).ok_or(HeadError::RequestLine)?;
    let target = read_line(line, limits, &mut head.method, &mut head.version)?;
    fields::parse(section, rest.start, lines.fields(), &mut head.fields)?;
    if head.fields.len() > limits.fields_max {
        return Err(HeadError::TooManyFields);
    }
    let host = only_host(&head.fields, head.version)?;
    head.target.parse(target, &head.method, host, limits.path)?;
    if head.method == Method::Connect && !limits.allow_connect {
        return Err(HeadError::MethodRefused);
    }
    let end = lines.end();
    read_meaning(head)?;
    Ok(end)
}

/// Splits `METHOD TARGET VERSION`; returns the target.
fn read_line<'a>(
    line: &'a [u8],
    limits: &HeadLimits,
    method: &mut Method,
    version: &mut Version,
) -> Result<&'a [u8], HeadError> {
    let mut parts = line.split(|&byte| byte == b' ');
    let (Some(token), Some(target), Some(name), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(HeadError::RequestLine);
    };
    *method = Method::from_token(token).ok_or(HeadError::Method)?;
    *version = read_version(name)?;
    if target.len() > limits.target_bytes_max {
        return Err(HeadError::TargetTooLong);
    }
    Ok(target)
}

pub(crate) fn read_version(name: &[u8]) -> Result<Version, HeadError> {
    match name {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(HeadError::VersionUnsupported)
        }
        _ => Err(HeadError::Version),
    }
}

/// The one `Host` there must be; HTTP/1.0 may be without.
pub(crate) fn only_host(fields: &Fields, version: Version) -> Result<Option<&[u8]>, HeadError> {
    let mut values = fields.all_known(KnownName::Host);
    let host = values.next();
    match (host, values.next()) {
        (_, Some(_)) => Err(HeadError::HostRepeated),
        (None, _) if version == Version::Http11 => Err(HeadError::HostMissing),
        _ => Ok(host),
    }
}

/// What the fields mean for the connection and the body.
fn read_meaning(head: &mut RequestHead) -> Result<(), HeadError> {
    let fields = &head.fields;
    let options = Options::of(fields)?;
    head.framing = framing::of_request(fields, head.version, &head.method)?;
    head.keep_alive = options.persists(head.version);
    let waits = connection::expect_continue(fields)?;
    head.expect_continue = waits && head.version == Version::Http11 && head.framing.has_body();
    let opening = head.method == Method::Get && !head.framing.has_body();
    head.upgrade = connection::upgrade(fields, options, head.version)
        .filter(|_| opening && connection::is_websocket_opening(fields));
    head.te_trailers = connection::te_trailers(fields);
    Ok(())
}
