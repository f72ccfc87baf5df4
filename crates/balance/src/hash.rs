//! Hashes for sticky balancing: the same in every worker, process and version, so that all replicas of a gateway agree.

use std::net::IpAddr;

use tidegate_routing::Destination;

use crate::random::mix;

/// Hashes what identifies a client or a session: a header's value, a cookie's, or an address.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mix(hash)
}

/// Hashes a client's address, without its port.
pub fn hash_address(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => hash_bytes(&address.octets()),
        IpAddr::V6(address) => hash_bytes(&address.octets()),
    }
}

pub(crate) fn hash_destination(destination: &Destination) -> u64 {
    match destination {
        Destination::Address(address) => {
            mix(hash_address(address.ip()) ^ u64::from(address.port()))
        }
        Destination::Name { host, port } => mix(hash_bytes(host.as_bytes()) ^ u64::from(*port)),
    }
}
