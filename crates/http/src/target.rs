//! Targets of requests: RFC 9112 §3.2, with the `Host` field reconciled, and paths normalised.

mod authority;
mod path;

use std::borrow::Cow;

pub(crate) use self::authority::Authority;
pub use self::path::{EscapedSlashes, PathPolicy, Slashes, normalize_path};
use crate::{HeadError, Method, chars};

/// Which of the four forms a target came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `/path?query`
    #[default]
    Origin,
    /// `http://host/path?query`. HTTP/2 requests are of this form, too.
    Absolute,
    /// `host:port`, of `CONNECT`. There is no path.
    Authority,
    /// `*`, of `OPTIONS`: asks about the server. There is no path.
    Asterisk,
}

/// The scheme of an absolute target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// What a request is for: one reading, which routing, policies and the upstream share. Its memory is used again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    form: Form,
    scheme: Option<Scheme>,
    /// Path, then `?` and query where there is one.
    uri: String,
    path_len: usize,
    /// In lower case, with the port that came.
    authority: String,
    host_len: usize,
    port: Option<u16>,
}

impl Scheme {
    /// As it stands in targets.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub(crate) fn usual_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Target {
    pub fn form(&self) -> Form {
        self.form
    }

    /// Of absolute targets.
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// Normalised, starts with `/`. Empty for `CONNECT`, `*` for a request about the server.
    pub fn path(&self) -> &str {
        &self.uri[..self.path_len]
    }

    /// What follows the `?`, as it came; empty where there is none.
    pub fn query(&self) -> &str {
        self.uri.get(self.path_len + 1..).unwrap_or_default()
    }

    /// The query with its `?`, or nothing: what to put behind a rewritten path.
    pub fn question(&self) -> &str {
        &self.uri[self.path_len..]
    }

    /// Path and query, to be sent.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// In lower case, without port and without the root's dot. Empty for HTTP/1.0 without `Host`.
    pub fn host(&self) -> &str {
        &self.authority[..self.host_len]
    }

    /// The port, where the client named one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The host in lower case, with the port where there is one: what to send as `Host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn clear(&mut self) {
        self.form = Form::default();
        self.scheme = None;
        self.uri.clear();
        self.path_len = 0;
        self.authority.clear();
        self.host_len = 0;
        self.port = None;
    }

    /// Reads a target of HTTP/1 and reconciles it with the one value of `Host`, where there is one.
    pub(crate) fn parse(
        &mut self,
        text: &[u8],
        method: &Method,
        host: Option<&[u8]>,
        policy: PathPolicy,
    ) -> Result<(), HeadError> {
        self.clear();
        let host = host.map(Authority::parse).transpose()?;
        match text {
            _ if *method == Method::Connect => self.read_authority(text, host),
            [b'/', ..] => {
                self.set_authority(host);
                self.read_path(text, policy)
            }
            b"*" if *method == Method::Options => {
                self.set_authority(host);
                self.set_asterisk();
                Ok(())
            }
            _ => self.read_absolute(text, method, host, policy),
        }
    }

    /// For HTTP/2, where scheme, authority and path come apart.
    pub(crate) fn assemble(
        &mut self,
        scheme: Option<Scheme>,
        authority: Option<Authority<'_>>,
        uri: &[u8],
        method: &Method,
        policy: PathPolicy,
    ) -> Result<(), HeadError> {
        self.clear();
        self.form = Form::Absolute;
        self.scheme = scheme;
        self.set_authority(authority);
        if uri == b"*" && *method == Method::Options {
            self.set_asterisk();
            return Ok(());
        }
        self.read_path(uri, policy)
    }

    fn read_authority(
        &mut self,
        text: &[u8],
        host: Option<Authority<'_>>,
    ) -> Result<(), HeadError> {
        let own = Authority::parse(text).map_err(|_| HeadError::Target)?;
        if own.port.is_none() {
            return Err(HeadError::Target);
        }
        if host.is_some_and(|host| !host.is_same(&own, None)) {
            return Err(HeadError::HostDiffers);
        }
        self.form = Form::Authority;
        self.set_authority(Some(own));
        Ok(())
    }

    fn read_absolute(
        &mut self,
        text: &[u8],
        method: &Method,
        host: Option<Authority<'_>>,
        policy: PathPolicy,
    ) -> Result<(), HeadError> {
        let (scheme, rest) = split_scheme(text).ok_or(HeadError::Target)?;
        let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
        let (own, uri) = rest.split_at(end);
        let own = Authority::parse(own).map_err(|_| HeadError::Target)?;
        if host.is_some_and(|host| !host.is_same(&own, Some(scheme.usual_port()))) {
            return Err(HeadError::HostDiffers);
        }
        self.form = Form::Absolute;
        self.scheme = Some(scheme);
        self.set_authority(Some(own));
        match uri {
            [] if *method == Method::Options => {
                self.set_asterisk();
                Ok(())
            }
            [b'/', ..] => self.read_path(uri, policy),
            _ => {
                self.uri.push('/');
                self.path_len = 1;
                self.read_query(uri)
            }
        }
    }

    fn set_asterisk(&mut self) {
        self.form = Form::Asterisk;
        self.uri.push('*');
        self.path_len = 1;
    }

    fn read_path(&mut self, uri: &[u8], policy: PathPolicy) -> Result<(), HeadError> {
        let end = memchr::memchr(b'?', uri).unwrap_or(uri.len());
        let path: Cow<'_, str> = normalize_path(&uri[..end], policy)?;
        self.uri.push_str(&path);
        self.path_len = self.uri.len();
        self.read_query(&uri[end..])
    }

    /// With its `?`, or empty.
    fn read_query(&mut self, query: &[u8]) -> Result<(), HeadError> {
        if chars::span(query, chars::QUERY) != query.len() {
            return Err(HeadError::Target);
        }
        let query = std::str::from_utf8(query).map_err(|_| HeadError::Target)?;
        self.uri.push_str(query);
        Ok(())
    }

    fn set_authority(&mut self, authority: Option<Authority<'_>>) {
        let Some(Authority { host, port }) = authority else {
            return;
        };
        let text = std::str::from_utf8(host).unwrap_or_default();
        self.authority.push_str(text);
        self.authority.make_ascii_lowercase();
        self.host_len = text.strip_suffix('.').unwrap_or(text).len();
        self.port = port;
        if let Some(port) = port {
            self.authority.push(':');
            self.authority.push_str(&port.to_string());
        }
    }
}

/// `http://` and `https://`, in any case.
fn split_scheme(text: &[u8]) -> Option<(Scheme, &[u8])> {
    [(Scheme::Http, "http://"), (Scheme::Https, "https://")]
        .into_iter()
        .find_map(|(scheme, prefix)| {
            let start = text.get(..prefix.len())?;
            let same = start.eq_ignore_ascii_case(prefix.as_bytes());
            same.then(|| (scheme, &text[prefix.len()..]))
        })
}
