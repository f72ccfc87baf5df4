//! Addresses of the internet protocol, as Kubernetes checks them.

use super::Errors;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tidegate_schema::{FieldError, Path};

/// An address; leading zeros in its numbers are let through here, and told by [`ip`].
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (head, tail) = text
        .rfind(':')
        .map_or(("", text), |at| text.split_at(at + 1));
    let numbers: Vec<&str> = tail.split('.').collect();
    let plain =
        |number: &&str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if numbers.len() != 4 || !numbers.iter().all(plain) {
        return None;
    }
    let bare = |number: &&str| match number.trim_start_matches('0') {
        "" => "0".to_owned(),
        bare => bare.to_owned(),
    };
    let numbers: Vec<String> = numbers.iter().map(bare).collect();
    format!("{head}{}", numbers.join(".")).parse().ok()
}

fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some())
}

/// Whether it is of the older protocol; addresses that stand for one are, too.
pub(crate) fn is_v4(text: &str) -> bool {
    parse(text).is_some_and(|address| address.is_ipv4() || is_mapped(address))
}

fn invalid(text: &str, why: &str, path: &Path<'_>, errors: &mut Errors) {
    errors.push(FieldError::invalid(path, &text.into(), why));
}

/// An address. True where nothing is wrong.
pub(crate) fn ip(text: &str, path: &Path<'_>, errors: &mut Errors) -> bool {
    let before = errors.len();
    match parse(text) {
        None => invalid(
            text,
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            path,
            errors,
        ),
        Some(_) if text.parse::<IpAddr>().is_err() => {
            invalid(text, "must not have leading 0s", path, errors)
        }
        Some(address) if is_mapped(address) => {
            invalid(
                text,
                "must not be an IPv4-mapped IPv6 address",
                path,
                errors,
            );
        }
        Some(_) => {}
    }
    errors.len() == before
}

/// An address in the one form that is written.
pub(crate) fn canonical_ip(text: &str, path: &Path<'_>, errors: &mut Errors) -> bool {
    if !ip(text, path, errors) {
        return false;
    }
    let wanted = parse(text)
        .map(|address| address.to_string())
        .unwrap_or_default();
    if wanted != text {
        invalid(
            text,
            &format!("must be in canonical form (\"{wanted}\")"),
            path,
            errors,
        );
    }
    wanted == text
}

/// Whether a range is a part of another, and not the whole of it. Both are sound.
pub(crate) fn is_strict_part(inner: &str, outer: &str) -> bool {
    let read = |text: &str| {
        let (address, bits) = text.split_once('/')?;
        Some((parse(address)?, bits.parse::<u32>().ok()?))
    };
    let (Some((inner, inner_bits)), Some((outer, outer_bits))) = (read(inner), read(outer)) else {
        return false;
    };
    inner.is_ipv4() == outer.is_ipv4()
        && inner_bits > outer_bits
        && masked(inner, outer_bits) == masked(outer, outer_bits)
}

/// Whether it is a range.
pub(crate) fn is_cidr(value: &serde_json::Value) -> bool {
    let mut errors = Errors::default();
    cidr(value.as_str().unwrap_or_default(), &Path::ROOT, &mut errors);
    errors
        .iter()
        .all(|error| !error.detail.starts_with("must be a valid CIDR value"))
}

/// A range: `10.9.8.0/24`.
pub(crate) fn cidr(text: &str, path: &Path<'_>, errors: &mut Errors) {
    let parsed = text.split_once('/').and_then(|(address, bits)| {
        let address = parse(address)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let plain = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let count: u32 = bits.parse().ok().filter(|count| plain && *count <= most)?;
        Some((address, bits, count))
    });
    let Some((address, bits, count)) = parsed else {
        invalid(
            text,
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            path,
            errors,
        );
        return;
    };
    let sloppy = text
        .split('/')
        .next()
        .is_some_and(|address| address.parse::<IpAddr>().is_err());
    if sloppy || (bits.len() > 1 && bits.starts_with('0')) {
        invalid(
            text,
            "must not have leading 0s in IP or prefix length",
            path,
            errors,
        );
    } else if is_mapped(address) {
        invalid(
            text,
            "must not have an IPv4-mapped IPv6 address",
            path,
            errors,
        );
    } else if masked(address, count) != address {
        invalid(
            text,
            "must not have bits set beyond the prefix length",
            path,
            errors,
        );
    }
}

fn masked(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

/// An address that something can be reached at.
pub(crate) fn endpoint_ip(text: &str, path: &Path<'_>, errors: &mut Errors) {
    let Some(address) = parse(text) else {
        invalid(text, "must be a valid IP address", path, errors);
        return;
    };
    let address = match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        four @ IpAddr::V4(_) => four,
    };
    let (link_local, link_multicast) = match address {
        IpAddr::V4(four) => (four.is_link_local(), four.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(six) => (
            six.is_unicast_link_local(),
            six.segments()[0] & 0xff0f == 0xff02,
        ),
    };
    if address.is_unspecified() {
        invalid(
            text,
            &format!("may not be unspecified ({text})"),
            path,
            errors,
        );
    }
    if address.is_loopback() {
        invalid(
            text,
            "may not be in the loopback range (127.0.0.0/8, ::1/128)",
            path,
            errors,
        );
    }
    if link_local {
        invalid(
            text,
            "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
            path,
            errors,
        );
    }
    if link_multicast {
        invalid(
            text,
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
            path,
            errors,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{cidr, ip};
    use tidegate_schema::Path;

    #[test]
    fn addresses_are_strict() {
        let cases = [
            ("10.0.0.1", ""),
            ("fe80::1", ""),
            ("10.0.0.01", "must not have leading 0s"),
            ("::ffff:1.2.3.4", "must not be an IPv4-mapped IPv6 address"),
            (
                "10.0.0",
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ),
        ];
        for (text, expect) in cases {
            let mut errors = super::Errors::default();
            ip(text, &Path::ROOT, &mut errors);
            assert_eq!(
                errors.first().map_or("", |error| &error.detail),
                expect,
                "{text}"
            );
        }
    }

    #[test]
    fn ranges_are_strict() {
        let cases = [
            ("10.0.0.0/24", ""),
            ("2001:db8::/64", ""),
            ("0.0.0.0/0", ""),
            (
                "10.0.0.1/24",
                "must not have bits set beyond the prefix length",
            ),
            (
                "10.0.0.0/024",
                "must not have leading 0s in IP or prefix length",
            ),
            (
                "10.0.0.0",
                "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            ),
        ];
        for (text, expect) in cases {
            let mut errors = super::Errors::default();
            cidr(text, &Path::ROOT, &mut errors);
            assert_eq!(
                errors.first().map_or("", |error| &error.detail),
                expect,
                "{text}"
            );
        }
    }
}
