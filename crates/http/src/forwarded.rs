//! Who the client is, and how the next one is told: `X-Forwarded-*`, `Forwarded`, `X-Real-IP`.
//!
//! Anybody can send these fields. They are believed only as far as the trusted hops go, and always built anew.

mod node;

use std::net::IpAddr;

use self::node::parse_address;
use crate::{Fields, InvalidField, KnownName, Scheme, chars, connection::alias, fields::KnownSet};

/// How far what comes in these fields is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForwardedPolicy {
    /// How many proxies stand before us, each of which adds its own peer. 0: the peer is the client.
    pub trusted_hops: usize,
    /// Whether to send `Forwarded` (RFC 7239) beside `X-Forwarded-*`.
    pub send_forwarded: bool,
}

/// What is known of a request's way to us.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The other end of the connection, or what a PROXY header says it is.
    pub peer: IpAddr,
    pub scheme: Scheme,
    /// The authority that the client asked for.
    pub authority: &'a str,
    /// The local port.
    pub port: u16,
}

const FORWARDING: KnownSet = KnownSet::of(&[
    KnownName::Forwarded,
    KnownName::XForwardedFor,
    KnownName::XForwardedHost,
    KnownName::XForwardedPort,
    KnownName::XForwardedPrefix,
    KnownName::XForwardedProto,
    KnownName::XRealIp,
]);

/// The client's address: the peer without trusted hops, else what the outermost trusted one says.
///
/// Counts from the right of `X-Forwarded-For`, or of `Forwarded` where there is no other, as the left is what the client
/// made up. A shorter list ends at its left; an element that is no address ends it, too.
pub fn client_address(peer: IpAddr, fields: &Fields, policy: &ForwardedPolicy) -> IpAddr {
    let hops = policy.trusted_hops;
    if hops == 0 || !fields.has_any(FORWARDING) {
        return peer;
    }
    let addresses = match fields.has(KnownName::XForwardedFor) {
        true => last_valid(x_forwarded_for(fields), hops),
        false => last_valid(forwarded_for(fields).into_iter(), hops),
    };
    addresses.unwrap_or(peer)
}

/// The last of at most `hops` addresses before anything that is none.
fn last_valid(addresses: impl Iterator<Item = Option<IpAddr>>, hops: usize) -> Option<IpAddr> {
    addresses.take(hops).map_while(|address| address).last()
}

/// From the right.
fn x_forwarded_for(fields: &Fields) -> impl Iterator<Item = Option<IpAddr>> {
    fields
        .all_known(KnownName::XForwardedFor)
        .rev()
        .flat_map(|value| value.rsplit(|&byte| byte == b','))
        .map(|element| parse_address(chars::trim(element)))
}

/// From the right.
fn forwarded_for(fields: &Fields) -> Vec<Option<IpAddr>> {
    let mut elements: Vec<Option<IpAddr>> = fields
        .all_known(KnownName::Forwarded)
        .flat_map(|value| node::elements(value).map(|element| element.address()))
        .collect();
    elements.reverse();
    elements
}

/// Takes away whatever claims to say where a request came from, under any spelling: known fields, their aliases with
/// `_`, and `extra` ones (names in lower case), such as those of authenticated identities, which only we may set.
pub fn strip_spoofable(fields: &mut Fields, extra: &[&str]) {
    fields.retain(|field| {
        let known = field.known.or_else(|| alias(field.name));
        let extra = extra.iter().any(|extra| is_alias(field.name, extra));
        !known.is_some_and(|known| FORWARDING.has(known)) && !extra
    });
}

/// Takes away fields whose names are those of `dashed` ones (in lower case) written with `_`. The fields themselves stay.
pub fn strip_aliases(fields: &mut Fields) {
    fields.retain(|field| field.known.is_some() || alias(field.name).is_none());
}

/// Same name, where `_` and `-` are the same.
fn is_alias(name: &[u8], dashed: &str) -> bool {
    let same = |(&a, b): (&u8, u8)| a.eq_ignore_ascii_case(&b) || (a == b'_' && b == b'-');
    name.len() == dashed.len() && name.iter().zip(dashed.bytes()).all(same)
}

/// Strips the fields and builds them anew for the next hop: what trusted hops said, and what is known here.
///
/// # Errors
/// The authority has control characters: never, if it came from a parsed target.
pub fn rebuild_forwarded(
    fields: &mut Fields,
    arrival: &Arrival<'_>,
    policy: &ForwardedPolicy,
) -> Result<(), InvalidField> {
    let told = Told::by_trusted_hops(fields, policy.trusted_hops);
    if fields.has_any(FORWARDING) || fields.iter().any(|field| field.name.contains(&b'_')) {
        strip_spoofable(fields, &[]);
    }
    let peer = arrival.peer.to_canonical();
    let chain = told.addresses.iter().chain([&peer]);
    let list: Vec<String> = chain.clone().map(ToString::to_string).collect();
    let scheme = told.scheme.unwrap_or(arrival.scheme);
    let authority = told.authority.as_deref().unwrap_or(arrival.authority);
    fields.push_known(KnownName::XForwardedFor, list.join(", ").as_bytes())?;
    fields.push_known(KnownName::XForwardedProto, scheme.as_str().as_bytes())?;
    if !authority.is_empty() {
        fields.push_known(KnownName::XForwardedHost, authority.as_bytes())?;
    }
    let port = told.port.unwrap_or(arrival.port).to_string();
    fields.push_known(KnownName::XForwardedPort, port.as_bytes())?;
    if policy.send_forwarded {
        let mut elements: Vec<String> = chain.map(|address| node::for_pair(*address)).collect();
        if let Some(last) = elements.last_mut() {
            last.push_str(";proto=");
            last.push_str(scheme.as_str());
            if !authority.is_empty() {
                last.push_str(&format!(";host=\"{authority}\""));
            }
        }
        fields.push_known(KnownName::Forwarded, elements.join(", ").as_bytes())?;
    }
    Ok(())
}

/// What trusted hops said. The last proxy before us speaks for the client's scheme and host.
#[derive(Debug, Default)]
struct Told {
    /// From the client on.
    addresses: Vec<IpAddr>,
    scheme: Option<Scheme>,
    authority: Option<String>,
    port: Option<u16>,
}

impl Told {
    fn by_trusted_hops(fields: &Fields, hops: usize) -> Self {
        if hops == 0 || !fields.has_any(FORWARDING) {
            return Self::default();
        }
        let mut addresses: Vec<IpAddr> = match fields.has(KnownName::XForwardedFor) {
            true => x_forwarded_for(fields)
                .take(hops)
                .map_while(|a| a)
                .collect(),
            false => forwarded_for(fields)
                .into_iter()
                .take(hops)
                .map_while(|a| a)
                .collect(),
        };
        addresses.reverse();
        let element = fields
            .all_known(KnownName::Forwarded)
            .next_back()
            .and_then(|value| node::elements(value).last());
        let element = element.unwrap_or_default();
        let proto = last(fields, KnownName::XForwardedProto).or(element.proto);
        let host = last(fields, KnownName::XForwardedHost)
            .map(<[u8]>::to_vec)
            .or(element.host);
        let port = last(fields, KnownName::XForwardedPort).and_then(chars::decimal);
        Self {
            addresses,
            scheme: proto.and_then(scheme),
            authority: host
                .filter(|host| crate::target::Authority::parse(host).is_ok())
                .and_then(|host| String::from_utf8(host).ok()),
            port: port.and_then(|port| u16::try_from(port).ok()),
        }
    }
}

/// The last element of all values.
fn last(fields: &Fields, name: KnownName) -> Option<&[u8]> {
    let value = fields.all_known(name).next_back()?;
    value.rsplit(|&byte| byte == b',').next().map(chars::trim)
}

fn scheme(text: &[u8]) -> Option<Scheme> {
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|scheme| text.eq_ignore_ascii_case(scheme.as_str().as_bytes()))
}
