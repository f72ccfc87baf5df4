//! Addresses that a `Backend` may not lead to in a cluster: the gateway's own machine, its links, and clouds' metadata.

use std::net::IpAddr;

/// Loopback, link-local (where clouds keep metadata), unspecified, multicast, broadcast, and IPv6 forms of these.
pub fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.octets()[0] == 0
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.octets() == [100, 100, 100, 200]
        }
        IpAddr::V6(v6) => {
            let metadata = [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];
            let nat64 = v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
            let [.., a, b, c, d] = v6.octets();
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.segments()[0] & 0xffc0 == 0xfe80
                || v6.segments() == metadata
                // A translator would lead there.
                || nat64 && is_local(IpAddr::from([a, b, c, d]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn what_is_local() {
        for (address, expect) in [
            ("127.0.0.1", true),
            ("127.255.255.254", true),
            ("::1", true),
            ("::", true),
            ("0.0.0.0", true),
            ("0.1.2.3", true),
            ("::ffff:127.0.0.1", true),
            ("169.254.169.254", true),
            ("::ffff:169.254.169.254", true),
            ("64:ff9b::a9fe:a9fe", true),
            ("64:ff9b::c633:6407", false),
            ("fe80::1", true),
            ("febf::1", true),
            ("fec0::1", false),
            ("fd00:ec2::254", true),
            ("fd00:ec2::253", false),
            ("100.100.100.200", true),
            ("100.100.100.201", false),
            ("224.0.0.1", true),
            ("ff02::1", true),
            ("255.255.255.255", true),
            ("10.0.0.1", false),
            ("192.168.1.1", false),
            ("198.51.100.7", false),
            ("2001:db8::1", false),
        ] {
            let parsed = address.parse().expect("an address");
            assert_eq!(is_local(parsed), expect, "{address}");
        }
    }
}
