//! IP addresses and networks.

use super::{no_overload, opaque::Opaque};
use crate::cel::{
    text::quoted,
    value::{Fault, Outcome, Value},
};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

/// An address without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ip(IpAddr);

/// An address and the length of its network's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    ip: Ip,
    bits: u8,
}

impl Ip {
    fn parse(text: &str) -> Result<Self, Fault> {
        if let Some((address, zone)) = text.split_once('%')
            && !zone.is_empty()
            && address.parse::<Ipv6Addr>().is_ok()
        {
            return Err(Fault::new(format!(
                "IP address {} with zone value is not allowed",
                quoted(text)
            )));
        }
        let address: IpAddr = text.parse().map_err(|_| {
            Fault::new(format!(
                "IP Address {shown} parse error during conversion from string: ParseAddr({shown}): {reason}",
                shown = quoted(text),
                reason = reason(text),
            ))
        })?;
        if is_mapped(address) {
            return Err(mapped(text));
        }
        Ok(Self(address))
    }

    /// How many bytes it has.
    pub(crate) fn bytes(self) -> usize {
        if self.0.is_ipv4() { 4 } else { 16 }
    }

    fn number(self) -> u128 {
        match self.0 {
            IpAddr::V4(ip) => u128::from(u32::from(ip)) << 96,
            IpAddr::V6(ip) => u128::from(ip),
        }
    }

    fn is_link_local_unicast(self) -> bool {
        match self.0 {
            IpAddr::V4(ip) => ip.is_link_local(),
            IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
        }
    }

    fn is_link_local_multicast(self) -> bool {
        match self.0 {
            IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
            IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
        }
    }

    fn is_global_unicast(self) -> bool {
        let broadcast = self.0 == IpAddr::V4(Ipv4Addr::BROADCAST);
        !(broadcast
            || self.0.is_unspecified()
            || self.0.is_loopback()
            || self.0.is_multicast()
            || self.is_link_local_unicast())
    }
}

fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())
}

fn mapped(text: &str) -> Fault {
    Fault::new(format!(
        "IPv4-mapped IPv6 address {} is not allowed",
        quoted(text)
    ))
}

/// Why Go's `netip.ParseAddr` refuses a text: the plain cases.
fn reason(text: &str) -> String {
    let family = text.chars().find(|c| matches!(c, '.' | ':' | '%'));
    match family {
        None => "unable to parse IP".to_owned(),
        Some('%') => "missing IPv6 address".to_owned(),
        Some('.') => v4_reason(text),
        _ => "unable to parse IP".to_owned(),
    }
}

fn v4_reason(text: &str) -> String {
    let fields: Vec<&str> = text.split('.').collect();
    for (index, field) in fields.iter().enumerate() {
        if let Some(bad) = field.find(|c: char| !c.is_ascii_digit()) {
            let rest = fields[index..].join(".");
            return format!("unexpected character (at {})", quoted(&rest[bad..]));
        }
        if field.len() > 1 && field.starts_with('0') {
            return "IPv4 field has octet with leading zero".to_owned();
        }
        if field.parse::<u32>().is_ok_and(|value| value > 255) || field.len() > 3 {
            return "IPv4 field has value >255".to_owned();
        }
        if field.is_empty() {
            let rest = fields[index..].join(".");
            return format!(
                "IPv4 field must have at least one digit (at {})",
                quoted(&rest)
            );
        }
        if index == 4 {
            return "IPv4 address too long".to_owned();
        }
    }
    "IPv4 address too short".to_owned()
}

impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Cidr {
    fn parse(text: &str) -> Result<Self, Fault> {
        let failed = |reason: &str| {
            Fault::new(format!(
                "network address parse error during conversion from string: network address parse error during \
                 conversion from string: netip.ParsePrefix({}): {reason}",
                quoted(text)
            ))
        };
        let (address, bits) = text.rsplit_once('/').ok_or_else(|| failed("no '/'"))?;
        if address.contains('%') {
            return Err(failed("IPv6 zones cannot be present in a prefix"));
        }
        let ip: IpAddr = address.parse().map_err(|_| {
            failed(&format!(
                "ParseAddr({}): {}",
                quoted(address),
                reason(address)
            ))
        })?;
        let plain =
            bits.bytes().all(|c| c.is_ascii_digit()) && (bits.len() == 1 || !bits.starts_with('0'));
        let bits: u8 = Some(bits)
            .filter(|_| plain)
            .and_then(|bits| bits.parse().ok())
            .ok_or_else(|| failed(&format!("bad bits after slash: {}", quoted(bits))))?;
        if bits > if ip.is_ipv4() { 32 } else { 128 } {
            return Err(failed("prefix length out of range"));
        }
        if is_mapped(ip) {
            let inner = mapped(text);
            return Err(Fault::new(format!(
                "network address parse error during conversion from string: {inner}"
            )));
        }
        Ok(Self { ip: Ip(ip), bits })
    }

    /// How many bytes the prefix covers.
    pub(crate) fn bytes(self) -> usize {
        usize::from(self.bits).div_ceil(8)
    }

    fn mask(self) -> u128 {
        match self.bits {
            0 => 0,
            bits => u128::MAX << (128 - u32::from(bits)),
        }
    }

    fn contains(self, ip: Ip) -> bool {
        self.ip.0.is_ipv4() == ip.0.is_ipv4() && (self.ip.number() ^ ip.number()) & self.mask() == 0
    }

    fn masked(self) -> Self {
        let number = self.ip.number() & self.mask();
        let ip = match self.ip.0 {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(
                u32::try_from(number >> 96).unwrap_or_default(),
            )),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(number)),
        };
        Self {
            ip: Ip(ip),
            bits: self.bits,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.bits)
    }
}

fn wrap<'a>(opaque: Opaque<'a>) -> Value<'a> {
    Value::Opaque(Arc::new(opaque))
}

fn int<'a>(value: u8) -> Outcome<'a> {
    Ok(Value::Int(i64::from(value)))
}

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    if let [Value::String(text)] = args {
        let text = text.as_str();
        return Some(match name {
            "ip" => Ip::parse(text).map(|ip| wrap(Opaque::Ip(ip))),
            "isIP" => Ok(Value::Bool(Ip::parse(text).is_ok())),
            "ip.isCanonical" => Ip::parse(text).map(|ip| Value::Bool(ip.to_string() == text)),
            "cidr" => Cidr::parse(text).map(|cidr| wrap(Opaque::Cidr(cidr))),
            "isCIDR" => Ok(Value::Bool(Cidr::parse(text).is_ok())),
            _ => return None,
        });
    }
    let Some(Value::Opaque(first)) = args.first() else {
        return match name {
            "ip" | "isIP" | "ip.isCanonical" | "cidr" | "isCIDR" => {
                Some(Err(no_overload(name, args)))
            }
            _ => None,
        };
    };
    match &**first {
        Opaque::Ip(ip) => of_ip(name, *ip),
        Opaque::Cidr(cidr) => of_cidr(name, *cidr, args),
        _ => None,
    }
}

fn of_ip<'a>(name: &str, ip: Ip) -> Option<Outcome<'a>> {
    Some(Ok(Value::Bool(match name {
        "family" => return Some(int(if ip.0.is_ipv4() { 4 } else { 6 })),
        "isUnspecified" => ip.0.is_unspecified(),
        "isLoopback" => ip.0.is_loopback(),
        "isLinkLocalMulticast" => ip.is_link_local_multicast(),
        "isLinkLocalUnicast" => ip.is_link_local_unicast(),
        "isGlobalUnicast" => ip.is_global_unicast(),
        _ => return None,
    })))
}

fn of_cidr<'a>(name: &str, cidr: Cidr, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    Some(match (name, args.get(1)) {
        ("ip", None) => Ok(wrap(Opaque::Ip(cidr.ip))),
        ("masked", None) => Ok(wrap(Opaque::Cidr(cidr.masked()))),
        ("prefixLength", None) => int(cidr.bits),
        ("containsIP", Some(Value::String(text))) => {
            // The reason gets lost on its way in apiserver.
            Ip::parse(text.as_str())
                .map(|ip| Value::Bool(cidr.contains(ip)))
                .map_err(|_| Fault::no_such_overload())
        }
        ("containsCIDR", Some(Value::String(text))) => {
            Cidr::parse(text.as_str()).map(|other| Value::Bool(holds(cidr, other)))
        }
        ("containsIP" | "containsCIDR", Some(Value::Opaque(other))) => match (name, &**other) {
            ("containsIP", Opaque::Ip(ip)) => Ok(Value::Bool(cidr.contains(*ip))),
            ("containsCIDR", Opaque::Cidr(other)) => Ok(Value::Bool(holds(cidr, *other))),
            _ => Err(no_overload(name, args)),
        },
        _ => return None,
    })
}

fn holds(outer: Cidr, inner: Cidr) -> bool {
    outer.bits <= inner.bits && outer.contains(inner.ip)
}
