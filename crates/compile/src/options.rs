//! What a compiler is told once: who it is, which addresses it has, what it allows.

use std::{net::IpAddr, sync::Arc};

/// Settings of a compiler.
#[derive(Clone, Debug)]
pub struct Options {
    /// GatewayClasses with this controller name are ours, whatever their name.
    pub controller_name: Arc<str>,
    /// Where Gateways are served.
    pub addresses: Addresses,
    /// Whether a `Backend` may lead to loopback, link-local and metadata addresses.
    pub allow_local_backends: bool,
    /// Listeners of ListenerSets beyond this number in one Gateway are refused as `TooManyListeners`.
    pub max_listeners: usize,
}

impl Options {
    /// Sensible settings for a controller name and addresses.
    pub fn new(controller_name: &str, addresses: Addresses) -> Self {
        Self {
            controller_name: controller_name.into(),
            addresses,
            allow_local_backends: false,
            max_listeners: 4096,
        }
    }
}

/// Local addresses that Gateways get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// All Gateways share these. Ports and hostnames are given to the oldest Gateway that asks.
    Fixed(Vec<IpAddr>),
    /// Each Gateway gets one of its own.
    Pool(Pool),
}

/// A range of addresses: `127.42.0.0/16`. The first and the last of it are never given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    base: IpAddr,
    prefix: u8,
}

/// A range that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a range of addresses is written as ADDRESS/PREFIX, as in 127.42.0.0/16, and holds at least four"
)]
pub struct PoolError;

impl std::str::FromStr for Pool {
    type Err = PoolError;

    fn from_str(text: &str) -> Result<Self, PoolError> {
        let (address, prefix) = text.split_once('/').ok_or(PoolError)?;
        let address: IpAddr = address.parse().map_err(|_| PoolError)?;
        let prefix: u8 = prefix.parse().map_err(|_| PoolError)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        if prefix > bits - 2 {
            return Err(PoolError);
        }
        let pool = Self {
            base: address,
            prefix,
        };
        Ok(Self {
            base: pool.nth(0),
            prefix,
        })
    }
}

impl Pool {
    /// How many addresses can be given. At most 2^32.
    pub(crate) fn usable(self) -> u64 {
        (1u64 << self.host_bits().min(32)) - 2
    }

    /// The address with this offset from the start.
    pub(crate) fn nth(self, offset: u64) -> IpAddr {
        match self.base {
            IpAddr::V4(base) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix))
                    .unwrap_or(0);
                let offset = u32::try_from(offset & u64::from(!mask)).unwrap_or(0);
                IpAddr::V4((u32::from(base) & mask | offset).into())
            }
            IpAddr::V6(base) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix))
                    .unwrap_or(0);
                IpAddr::V6((u128::from(base) & mask | u128::from(offset) & !mask).into())
            }
        }
    }

    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix))
                    .unwrap_or(0);
                u32::from(base) & mask == u32::from(address) & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix))
                    .unwrap_or(0);
                u128::from(base) & mask == u128::from(address) & mask
            }
            _ => false,
        }
    }

    fn host_bits(self) -> u32 {
        let bits = if self.base.is_ipv4() { 32 } else { 128 };
        bits - u32::from(self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::Pool;

    #[test]
    fn pools() {
        for (text, usable, first) in [
            ("127.42.0.0/16", 65_534, "127.42.0.1"),
            ("10.1.2.3/30", 2, "10.1.2.1"),
            ("0.0.0.0/0", 4_294_967_294, "0.0.0.1"),
            ("fd00::/64", 4_294_967_294, "fd00::1"),
            ("fd00::8/126", 2, "fd00::9"),
        ] {
            let pool: Pool = text.parse().expect("a pool");
            let one = first.parse().expect("an address");
            assert_eq!((pool.usable(), pool.nth(1)), (usable, one), "{text}");
            assert!(
                pool.contains(one) && !pool.contains("192.0.2.1".parse().expect("an address"))
                    || text.starts_with("0.")
            );
        }
        for wrong in [
            "",
            "10.0.0.0",
            "10.0.0.0/31",
            "10.0.0.0/33",
            "fd00::/127",
            "x/8",
            "10.0.0.0/-1",
        ] {
            assert!(wrong.parse::<Pool>().is_err(), "{wrong}");
        }
    }
}
