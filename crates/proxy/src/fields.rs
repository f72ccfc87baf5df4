//! What happens to fields on their way through: filters of rules, and what the gateway says of the client.

use std::net::IpAddr;

use tidegate_http::{Field, Fields, KnownName};
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
    pub(crate) peer: &'a str,
    pub(crate) secure: bool,
    /// With its port, as the client asked for it.
    pub(crate) authority: &'a str,
    pub(crate) trusted_hops: u32,
}

impl Forwarded<'_> {
    /// Rebuilds the fields. What an untrusted client sent is dropped; trusted proxies' are kept, and the peer is added.
    pub(crate) fn apply(&self, fields: &mut Fields) {
        let trusted = self.trusted_hops > 0;
        let claims = !trusted && CLAIMS.iter().any(|claim| fields.has(*claim));
        if claims || fields.iter().any(is_alias) {
            fields.retain(|field| !is_alias(field) && (trusted || !is_claim(field.known)));
        }
        let mut before = Vec::new();
        if trusted {
            for value in fields.all_known(KnownName::XForwardedFor) {
                before.extend_from_slice(value);
                before.extend_from_slice(b", ");
            }
        }
        let peer = self.peer.as_bytes();
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
const CLAIMS: [KnownName; 7] = [
    KnownName::Forwarded,
    KnownName::XForwardedFor,
    KnownName::XForwardedHost,
    KnownName::XForwardedPort,
    KnownName::XForwardedPrefix,
    KnownName::XForwardedProto,
    KnownName::XRealIp,
];

fn is_claim(known: Option<KnownName>) -> bool {
    known.is_some_and(|known| CLAIMS.contains(&known))
}

/// Whether a name becomes one that is known here where `_` and `-` are the same, as they are in CGI and its heirs: then
/// whoever reads it that way would take it for what the gateway has checked.
fn is_alias(field: Field<'_>) -> bool {
    let name = field.name;
    // What is known has none.
    if field.known.is_some() || name.len() > 64 || !name.contains(&b'_') {
        return false;
    }
    let mut dashed = [b'-'; 64];
    for (dashed, byte) in dashed.iter_mut().zip(name) {
        if *byte != b'_' {
            *dashed = *byte;
        }
    }
    KnownName::of(&dashed[..name.len()]).is_some()
}

/// The address that a request came from: the peer's, or what the trusted proxy that is furthest away says of its own peer.
pub(crate) fn client_address(fields: &Fields, peer: IpAddr, trusted_hops: u32) -> IpAddr {
    if trusted_hops == 0 {
        return peer;
    }
    let values = fields.all_known(KnownName::XForwardedFor).rev();
    let mut addresses = values.flat_map(|value| value.rsplit(|byte| *byte == b','));
    let nth = usize::try_from(trusted_hops - 1).unwrap_or(usize::MAX);
    addresses
        .nth(nth)
        .and_then(|text| std::str::from_utf8(text).ok())
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use tidegate_http::Fields;

    use super::{Forwarded, client_address, is_alias};

    /// Fields are `name: value` lines.
    fn fields(lines: &[&str]) -> Fields {
        let mut fields = Fields::new();
        for line in lines {
            let (name, value) = line.split_once(": ").expect("a field");
            fields
                .push(name.as_bytes(), value.as_bytes())
                .expect("valid");
        }
        fields
    }

    fn check(trusted_hops: u32, sent: &[&str], expect: &[&str]) {
        let mut got = fields(sent);
        Forwarded {
            peer: "192.0.2.1",
            secure: true,
            authority: "a.example",
            trusted_hops,
        }
        .apply(&mut got);
        assert_eq!(got, fields(expect), "{sent:?}");
    }

    #[test]
    fn only_trusted_proxies_speak_of_clients() {
        let own = [
            "x-forwarded-for: 192.0.2.1",
            "x-forwarded-proto: https",
            "x-forwarded-host: a.example",
        ];
        check(0, &[], &own);
        for claim in [
            "X-Forwarded-For: 1.2.3.4",
            "x-real-ip: 1.2.3.4",
            "forwarded: for=1.2.3.4",
            "X_Forwarded_Proto: http",
            "x-forwarded_for: 1.2.3.4",
            "x-forwarded-prefix: /evil",
            "content_length: 5",
        ] {
            check(0, &[claim], &own);
        }
        check(
            1,
            &["x-forwarded-for: 1.2.3.4", "x-forwarded-proto: http"],
            &[
                "x-forwarded-for: 1.2.3.4, 192.0.2.1",
                "x-forwarded-proto: http",
                "x-forwarded-host: a.example",
            ],
        );
    }

    #[test]
    fn the_client_is_who_the_last_trusted_proxy_saw() {
        let peer = std::net::IpAddr::from([192, 0, 2, 1]);
        let told = [
            "x-forwarded-for: 1.1.1.1, 2.2.2.2",
            "x-forwarded-for: 3.3.3.3",
        ];
        for (hops, expect) in [
            (0, "192.0.2.1"),
            (1, "3.3.3.3"),
            (2, "2.2.2.2"),
            (3, "1.1.1.1"),
            (4, "192.0.2.1"),
        ] {
            let got = client_address(&fields(&told), peer, hops).to_string();
            assert_eq!(got, expect, "{hops} hops");
        }
        let bad = fields(&["x-forwarded-for: unknown"]);
        assert_eq!(client_address(&bad, peer, 1), peer);
    }

    #[test]
    fn aliases_are_of_known_names_only() {
        let check = |name: &str| fields(&[&format!("{name}: 1")]).iter().any(is_alias);
        assert!(check("content_length"));
        assert!(!check("my_header"));
        assert!(!check("content-length"));
    }
}
