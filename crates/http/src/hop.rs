//! Fields that go no further than the next hop: RFC 9110 §7.6.1, and the older ones that everybody still sends.

use crate::{Fields, KnownName, chars, fields::KnownSet};

/// For this connection only.
pub(crate) const HOP_BY_HOP: KnownSet = KnownSet::of(&[
    KnownName::Connection,
    KnownName::Http2Settings,
    KnownName::KeepAlive,
    KnownName::ProxyAuthenticate,
    KnownName::ProxyAuthorization,
    KnownName::ProxyConnection,
    KnownName::Te,
    KnownName::Trailer,
    KnownName::TransferEncoding,
    KnownName::Upgrade,
]);

/// Takes away what isn't for the next one: the known hop-by-hop fields, and those that `Connection` names. Before that a
/// head has been refused where it names what it must not. What the next hop needs of them, its writer builds anew.
pub fn remove_hop_by_hop(fields: &mut Fields) {
    if !fields.has_any(HOP_BY_HOP) {
        return;
    }
    let named: Vec<Vec<u8>> = fields
        .all_known(KnownName::Connection)
        .flat_map(chars::list)
        .filter(|name| !is_usual(name))
        .map(<[u8]>::to_vec)
        .collect();
    fields.retain(|field| {
        let hop = field.known.is_some_and(|known| HOP_BY_HOP.has(known));
        !hop && !named
            .iter()
            .any(|name| name.eq_ignore_ascii_case(field.name))
    });
}

/// The options that name no field, or one that is removed anyhow.
fn is_usual(option: &[u8]) -> bool {
    [&b"close"[..], b"keep-alive", b"upgrade", b"te"]
        .iter()
        .any(|usual| option.eq_ignore_ascii_case(usual))
}
