//! What a message says about its connection: whether it lasts, an upgrade, `TE`, `Expect`.

use crate::{Fields, HeadError, KnownName, Version, chars, fields::KnownSet};

/// A protocol that a connection may change to. Others, `h2c` among them, are not forwarded: the message goes on as if it
/// had not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// RFC 6455.
    WebSocket,
}

impl Upgrade {
    /// As it stands in `Upgrade`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
        }
    }
}

/// The options of `Connection`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// Names of other fields are among them.
    pub(crate) names: bool,
}

/// Fields for the receiver, which a sender can't declare to be for the next hop only: it would make a proxy take away
/// what a policy relies on.
const NEVER_NAMED: KnownSet = KnownSet::of(&[
    KnownName::Host,
    KnownName::ContentLength,
    KnownName::TransferEncoding,
    KnownName::ContentType,
    KnownName::ContentEncoding,
    KnownName::ContentRange,
    KnownName::Authorization,
    KnownName::Cookie,
    KnownName::SetCookie,
    KnownName::WwwAuthenticate,
    KnownName::CacheControl,
    KnownName::Date,
    KnownName::Expect,
    KnownName::Forwarded,
    KnownName::Via,
    KnownName::MaxForwards,
    KnownName::Origin,
    KnownName::XForwardedFor,
    KnownName::XForwardedHost,
    KnownName::XForwardedPort,
    KnownName::XForwardedPrefix,
    KnownName::XForwardedProto,
    KnownName::XRealIp,
    KnownName::XRequestId,
    KnownName::Traceparent,
    KnownName::Tracestate,
]);

impl Options {
    pub(crate) fn of(fields: &Fields) -> Result<Self, HeadError> {
        let mut options = Self::default();
        for value in fields.all_known(KnownName::Connection) {
            for option in chars::list(value) {
                options.add(option)?;
            }
        }
        Ok(options)
    }

    fn add(&mut self, option: &[u8]) -> Result<(), HeadError> {
        if option.eq_ignore_ascii_case(b"keep-alive") {
            self.keep_alive = true;
        } else if option.eq_ignore_ascii_case(b"close") {
            self.close = true;
        } else if option.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade = true;
        } else if !chars::is_token(option) {
            return Err(HeadError::Connection);
        } else {
            let known = KnownName::of(option).or_else(|| alias(option));
            if known.is_some_and(|known| NEVER_NAMED.has(known)) {
                return Err(HeadError::ConnectionNames);
            }
            self.names = true;
        }
        Ok(())
    }

    /// Whether the sender wants to go on with this connection.
    pub(crate) fn persists(self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}

/// The known name that a name becomes where `_` and `-` are the same, as they are in CGI and its heirs.
pub(crate) fn alias(name: &[u8]) -> Option<KnownName> {
    if !name.contains(&b'_') || name.len() > 64 {
        return None;
    }
    let mut dashed = [b'-'; 64];
    for (dashed, &byte) in dashed.iter_mut().zip(name) {
        if byte != b'_' {
            *dashed = byte;
        }
    }
    KnownName::of(&dashed[..name.len()])
}

/// The upgrade that a message asks for or grants, if it is one that may be forwarded.
pub(crate) fn upgrade(fields: &Fields, options: Options, version: Version) -> Option<Upgrade> {
    if !options.upgrade || version != Version::Http11 {
        return None;
    }
    let mut values = fields.all_known(KnownName::Upgrade);
    let value = values.next()?;
    // More than one would leave the choice to the other side.
    let single = values.next().is_none();
    (single && value.eq_ignore_ascii_case(b"websocket")).then_some(Upgrade::WebSocket)
}

/// A complete opening handshake of RFC 6455 §4.1: key and version as they must be.
pub(crate) fn is_websocket_opening(fields: &Fields) -> bool {
    let only = |name| {
        let mut values = fields.all_known(name);
        values.next().filter(|_| values.next().is_none())
    };
    let version = only(KnownName::SecWebsocketVersion) == Some(b"13");
    let key = only(KnownName::SecWebsocketKey).is_some_and(|key| {
        key.len() == 24 && key.ends_with(b"==") && chars::all(&key[..22], chars::BASE64)
    });
    version && key
}

/// Whether the sender takes trailers.
pub(crate) fn te_trailers(fields: &Fields) -> bool {
    fields
        .all_known(KnownName::Te)
        .flat_map(chars::list)
        .any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

/// Whether the sender waits for a 100. Other expectations are refused.
pub(crate) fn expect_continue(fields: &Fields) -> Result<bool, HeadError> {
    let mut found = false;
    for value in fields.all_known(KnownName::Expect) {
        for expectation in chars::list(value) {
            if !expectation.eq_ignore_ascii_case(b"100-continue") {
                return Err(HeadError::Expectation);
            }
            found = true;
        }
    }
    Ok(found)
}
