//! What happens to fields on their way through: filters of rules, and what the gateway says of the client.

use std::net::IpAddr;

use tidegate_http::{Fields, KnownName};
use tidegate_routing::{HeaderChange, HeaderLookup};

/// Lends fields to routing.
pub(crate) struct Lookup<'a>(pub(crate) &'a Fields);

impl HeaderLookup for Lookup<'_> {
    fn value(&self, name: &str, nth: usize) -> Option<&[u8]> {
        self.0.get_all(name).nth(nth)
    }
}

/// Applies a rule's changes in order. Names and values were checked by the compiler: what is not valid is left out.
pub(crate) fn change(fields: &mut Fields, changes: &[HeaderChange]) {
    for change in changes {
        let _ = match change {
            HeaderChange::Set(name, value) => fields.set(name.as_bytes(), value.as_bytes()),
            HeaderChange::Add(name, value) => fields.push(name.as_bytes(), value.as_bytes()),
            HeaderChange::Remove(name) => {
                fields.remove(name);
                Ok(())
            }
        };
    }
}

/// What a client's `X-Forwarded-*` become.
pub(crate) struct Forwarded<'a> {
    pub(crate) peer: IpAddr,
    pub(crate) secure: bool,
    /// With its port, as the client asked for it.
    pub(crate) authority: &'a str,
    pub(crate) trusted_hops: u32,
}

impl Forwarded<'_> {
    /// Rebuilds the fields. What an untrusted client sent is dropped; trusted proxies' are kept, and the peer is added.
    pub(crate) fn apply(&self, fields: &mut Fields) {
        let mut before = Vec::new();
        if self.trusted_hops > 0 {
            for value in fields.all_known(KnownName::XForwardedFor) {
                before.extend_from_slice(value);
                before.extend_from_slice(b", ");
            }
        } else {
            fields.retain(|field| !is_claim(field.known));
        }
        let mut address = AddressText {
            bytes: [0; 46],
            len: 0,
        };
        let peer = address.of(self.peer);
        if before.is_empty() {
            let _ = fields.push_known(KnownName::XForwardedFor, peer);
        } else {
            before.extend_from_slice(peer);
            let _ = fields.set(b"x-forwarded-for", &before);
        }
        let proto: &[u8] = if self.secure { b"https" } else { b"http" };
        if !fields.has(KnownName::XForwardedProto) {
            let _ = fields.push_known(KnownName::XForwardedProto, proto);
        }
        if !fields.has(KnownName::XForwardedHost) {
            let _ = fields.push_known(KnownName::XForwardedHost, self.authority.as_bytes());
        }
    }
}

/// Fields that say who the client is, and may only come from those who are trusted.
fn is_claim(known: Option<KnownName>) -> bool {
    matches!(
        known,
        Some(
            KnownName::Forwarded
                | KnownName::XForwardedFor
                | KnownName::XForwardedHost
                | KnownName::XForwardedPort
                | KnownName::XForwardedPrefix
                | KnownName::XForwardedProto
                | KnownName::XRealIp
        )
    )
}

/// The text of an address, without allocation.
struct AddressText {
    bytes: [u8; 46],
    len: usize,
}

impl AddressText {
    fn of(&mut self, address: IpAddr) -> &[u8] {
        use std::io::Write as _;
        let mut rest = &mut self.bytes[..];
        // The longest address fits.
        let _ = write!(rest, "{}", address.to_canonical());
        self.len = 46 - rest.len();
        &self.bytes[..self.len]
    }
}
