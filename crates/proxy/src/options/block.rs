//! A block of addresses, as in `10.0.0.0/8`.

use std::{fmt, net::IpAddr, str::FromStr};

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressBlock {
    first: IpAddr,
    bits: u8,
}

/// Why a text is no block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressBlockError {
    #[error("no IP address, nor a block of them as in 10.0.0.0/8")]
    Form,
    #[error("more bits than the address has")]
    Bits,
}

impl AddressBlock {
    /// Whether it is one of them. An IPv4 address in IPv6's clothes is an IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let shared = |one: u128, other: u128, width: u32| {
            let free = width - u32::from(self.bits);
            (one ^ other).checked_shr(free).unwrap_or(0) == 0
        };
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                shared(one.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => shared(one.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for AddressBlock {
    type Err = AddressBlockError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_form| AddressBlockError::Form)?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => {
                bits.parse().map_err(|_form| AddressBlockError::Form)?
            }
            Some(_) => return Err(AddressBlockError::Form),
        };
        match bits <= most {
            true => Ok(Self { first, bits }),
            false => Err(AddressBlockError::Bits),
        }
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::AddressBlock;

    #[test]
    fn blocks_and_what_is_in_them() {
        for (block, address, expect) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            let parsed: AddressBlock = block.parse().expect("a block");
            let address = address.parse().expect("an address");
            assert_eq!(parsed.contains(address), expect, "{block} {address}");
        }
        for text in [
            "",
            "a",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "::/129",
            "10.0.0/8",
        ] {
            assert!(text.parse::<AddressBlock>().is_err(), "{text:?}");
        }
    }
}
