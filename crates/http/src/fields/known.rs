//! Names of fields that the proxy has something to do with. Each is one byte, and one bit of a set.

use std::sync::LazyLock;

use http::HeaderName;

macro_rules! names {
    ($($variant:ident = $text:literal,)*) => {
        /// A field's name that is known here. Everything else is compared by text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum KnownName {
            $($variant,)*
        }

        const ALL: &[(KnownName, &str)] = &[$((KnownName::$variant, $text),)*];
    };
}

names! {
    Accept = "accept",
    AcceptEncoding = "accept-encoding",
    AcceptLanguage = "accept-language",
    AccessControlRequestHeaders = "access-control-request-headers",
    AccessControlRequestMethod = "access-control-request-method",
    Age = "age",
    Allow = "allow",
    Authorization = "authorization",
    CacheControl = "cache-control",
    Connection = "connection",
    ContentEncoding = "content-encoding",
    ContentLength = "content-length",
    ContentRange = "content-range",
    ContentType = "content-type",
    Cookie = "cookie",
    Date = "date",
    Etag = "etag",
    Expect = "expect",
    Forwarded = "forwarded",
    GrpcStatus = "grpc-status",
    GrpcTimeout = "grpc-timeout",
    Host = "host",
    Http2Settings = "http2-settings",
    KeepAlive = "keep-alive",
    LastModified = "last-modified",
    Location = "location",
    MaxForwards = "max-forwards",
    Origin = "origin",
    ProxyAuthenticate = "proxy-authenticate",
    ProxyAuthorization = "proxy-authorization",
    ProxyConnection = "proxy-connection",
    Range = "range",
    Referer = "referer",
    RetryAfter = "retry-after",
    SecWebsocketAccept = "sec-websocket-accept",
    SecWebsocketKey = "sec-websocket-key",
    SecWebsocketProtocol = "sec-websocket-protocol",
    SecWebsocketVersion = "sec-websocket-version",
    Server = "server",
    SetCookie = "set-cookie",
    Te = "te",
    Traceparent = "traceparent",
    Tracestate = "tracestate",
    Trailer = "trailer",
    TransferEncoding = "transfer-encoding",
    Upgrade = "upgrade",
    UserAgent = "user-agent",
    Vary = "vary",
    Via = "via",
    WwwAuthenticate = "www-authenticate",
    XForwardedFor = "x-forwarded-for",
    XForwardedHost = "x-forwarded-host",
    XForwardedPort = "x-forwarded-port",
    XForwardedPrefix = "x-forwarded-prefix",
    XForwardedProto = "x-forwarded-proto",
    XRealIp = "x-real-ip",
    XRequestId = "x-request-id",
}

const _: () = assert!(ALL.len() <= 64, "a set of them is 64 bits");

/// Slots of the table by which a name is found; 0 is empty, else a place in `ALL` plus 1.
const SLOTS: usize = 1024;
static TABLE: [u8; SLOTS] = table();

/// Fails to compile where two names share a slot: then other factors are needed in [`slot`].
const fn table() -> [u8; SLOTS] {
    let mut table = [0; SLOTS];
    let mut index = 0;
    while index < ALL.len() {
        let slot = slot(ALL[index].1.as_bytes());
        assert!(table[slot] == 0, "two names in one slot");
        #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
        let place = index as u8 + 1;
        table[slot] = place;
        index += 1;
    }
    table
}

/// A name must not be empty. Case doesn't matter.
const fn slot(name: &[u8]) -> usize {
    let (first, last, inner) = (name[0], name[name.len() - 1], name[name.len() * 3 / 4]);
    let sum = name.len() * 229
        + (first | 0x20) as usize * 137
        + (last | 0x20) as usize * 371
        + (inner | 0x20) as usize * 411;
    sum % SLOTS
}

/// All names as the `http` crate has them, in the order of `ALL`: it takes longer to make one than to clone it.
static HEADER_NAMES: LazyLock<Vec<HeaderName>> = LazyLock::new(|| {
    let names = ALL.iter().map(|(_, text)| HeaderName::from_static(text));
    names.collect()
});

impl From<KnownName> for HeaderName {
    fn from(known: KnownName) -> Self {
        HEADER_NAMES[usize::from(known as u8)].clone()
    }
}

impl KnownName {
    /// Finds a name, in any case.
    pub fn of(name: &[u8]) -> Option<Self> {
        if name.is_empty() {
            return None;
        }
        let place = usize::from(TABLE[slot(name)]).checked_sub(1)?;
        let (known, text) = ALL[place];
        is_same(name, text.as_bytes()).then_some(known)
    }

    /// In lower case.
    pub fn as_str(self) -> &'static str {
        ALL[usize::from(self as u8)].1
    }
}

/// The bit by which letters differ in case, in eight bytes.
const CASE: u64 = 0x2020_2020_2020_2020;

/// Whether a name is this one, which is made of lower-case letters, digits and `-`. Eight bytes at once; the last eight may
/// overlap those before.
fn is_same(name: &[u8], text: &[u8]) -> bool {
    if name.len() != text.len() {
        return false;
    }
    let (Some(last), Some(last_text)) = (name.last_chunk(), text.last_chunk()) else {
        return name.eq_ignore_ascii_case(text);
    };
    let words = name.as_chunks().0.iter().zip(text.as_chunks().0);
    let differs = words.fold(0, |differs, (name, text)| differs | difference(name, text));
    differs | difference(last, last_text) == 0
}

/// 0 where they are the same but for case.
fn difference(name: &[u8; 8], text: &[u8; 8]) -> u64 {
    let (name, text) = (u64::from_ne_bytes(*name), u64::from_ne_bytes(*text));
    // A control character would become a digit or a dash: those have this bit already, and letters have the next one.
    let control = !(name | name >> 1) & CASE;
    ((name | CASE) ^ text) | control
}

/// A set of known names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownSet(u64);

impl KnownSet {
    pub(crate) const fn of(names: &[KnownName]) -> Self {
        let (mut set, mut index) = (0, 0);
        while index < names.len() {
            set |= 1 << names[index] as u8;
            index += 1;
        }
        Self(set)
    }

    /// Both sets together.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn insert(&mut self, name: KnownName) {
        self.0 |= 1 << name as u8;
    }

    pub(crate) fn has(self, name: KnownName) -> bool {
        self.0 & (1 << name as u8) != 0
    }

    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, KnownName};

    #[test]
    fn names_are_found_in_any_case() {
        for (known, text) in ALL {
            assert_eq!(KnownName::of(text.as_bytes()), Some(*known));
            assert_eq!(
                KnownName::of(text.to_uppercase().as_bytes()),
                Some(*known),
                "{text}"
            );
            assert_eq!(known.as_str(), *text);
        }
    }

    /// Any other byte in any place makes it another name.
    #[test]
    fn one_byte_makes_the_difference() {
        for (known, text) in ALL {
            for place in 0..text.len() {
                for byte in 0..=u8::MAX {
                    let mut name = text.as_bytes().to_vec();
                    name[place] = byte;
                    let same = byte.eq_ignore_ascii_case(&text.as_bytes()[place]);
                    let found = KnownName::of(&name) == Some(*known);
                    assert_eq!(found, same, "{text}: {byte} in place {place}");
                }
            }
        }
    }

    #[test]
    fn other_names_are_not_found() {
        for name in [
            "",
            "x",
            "hose",
            "content_length",
            "content-lengthx",
            "-",
            "transfer\nencoding",
            "content\rlength",
            "content\u{d}length",
            "content-length\r",
            "x-forwarded\rfor",
            "http\u{12}-settings",
            "http2\rsettings",
        ] {
            assert_eq!(KnownName::of(name.as_bytes()), None, "{name}");
        }
    }
}
