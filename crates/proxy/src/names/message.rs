//! Messages of DNS (RFC 1035), as far as addresses of names need them: writes questions, reads answers. Does no IO.
//!
//! Whatever an answer says, reading it costs no more than its size: names are followed backwards only, and a chain of
//! aliases has an end.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Aliases that are followed from one name.
const ALIASES_MAX: usize = 16;
/// Addresses of one name that are used.
pub(super) const ADDRESSES_MAX: usize = 64;
/// A name's length in a message.
const NAME_MAX: usize = 255;
const HEADER: usize = 12;
const CLASS_IN: u16 = 1;
const TYPE_CNAME: u16 = 5;
const TYPE_SOA: u16 = 6;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Found {
        addresses: Vec<IpAddr>,
        ttl_s: u32,
    },
    /// There is no such name; or it is there, but not with such an address.
    Missing {
        exists: bool,
        /// How long that holds (RFC 2308), where it is said.
        ttl_s: Option<u32>,
    },
    /// It does not fit into a datagram.
    Truncated,
    /// The server can't say, by its code.
    Failed(u8),
}

impl Family {
    fn code(self) -> u16 {
        match self {
            Self::V4 => 1,
            Self::V6 => 28,
        }
    }

    fn address(self, data: &[u8]) -> Option<IpAddr> {
        Some(match self {
            Self::V4 => Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into(),
            Self::V6 => Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into(),
        })
    }
}

/// A question, with the wish that the server finds out. `None`: that is no name.
pub(super) fn question(id: u16, name: &str, family: Family) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(HEADER + name.len() + 6);
    message.extend_from_slice(&id.to_be_bytes());
    message.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend_from_slice(&encode(name)?);
    message.extend_from_slice(&family.code().to_be_bytes());
    message.extend_from_slice(&CLASS_IN.to_be_bytes());
    Some(message)
}

/// Whether `name` can be asked for.
pub(super) fn is_name(name: &str) -> bool {
    encode(name).is_some()
}

/// Labels with their lengths, in lower case.
fn encode(name: &str) -> Option<Vec<u8>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut encoded = Vec::with_capacity(name.len() + 2);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok();
        let length = length.filter(|length| (1..=63).contains(length))?;
        encoded.push(length);
        encoded.extend(label.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    encoded.push(0);
    (encoded.len() <= NAME_MAX).then_some(encoded)
}

/// Reads an answer to that question. `None`: it is none.
pub(super) fn answer(message: &[u8], id: u16, name: &str, family: Family) -> Option<Reply> {
    let flags = number(message, 2)?;
    // An answer, to a query.
    if number(message, 0)? != id || flags & 0xf800 != 0x8000 || number(message, 4)? != 1 {
        return None;
    }
    let wanted = encode(name)?;
    let mut reader = Reader {
        message,
        at: HEADER,
    };
    let same = reader.name()? == wanted;
    let kind = (reader.number()?, reader.number()?);
    if !same || kind != (family.code(), CLASS_IN) {
        return None;
    }
    if flags & 0x0200 != 0 {
        return Some(Reply::Truncated);
    }
    let code = flags.to_be_bytes()[1] & 15;
    let answers = reader.records(number(message, 6)?)?;
    match code {
        0 | 3 => {}
        code => return Some(Reply::Failed(code)),
    }
    let (addresses, ttl_s) = follow(answers, wanted, family);
    if addresses.is_empty() {
        let authorities = reader.records(number(message, 8)?).unwrap_or_default();
        return Some(Reply::Missing {
            exists: code == 0,
            ttl_s: authorities.iter().find_map(negative_ttl_s),
        });
    }
    Some(Reply::Found { addresses, ttl_s })
}

/// The addresses that a name leads to, over its aliases, and the shortest time of all that was used.
fn follow(records: Vec<Record<'_>>, mut name: Vec<u8>, family: Family) -> (Vec<IpAddr>, u32) {
    let mut ttl_s = u32::MAX;
    for _ in 0..=ALIASES_MAX {
        let own = || records.iter().filter(|record| record.owner == name);
        let found = own().filter(|record| record.kind == family.code());
        let found = found.filter_map(|record| Some((family.address(record.data)?, record.ttl_s)));
        let found: Vec<(IpAddr, u32)> = found.take(ADDRESSES_MAX).collect();
        if !found.is_empty() {
            let shortest = found.iter().map(|(_, ttl_s)| *ttl_s).min();
            let addresses = found.into_iter().map(|(address, _)| address).collect();
            return (addresses, ttl_s.min(shortest.unwrap_or(0)));
        }
        let Some(alias) = own().find(|record| record.kind == TYPE_CNAME) else {
            break;
        };
        ttl_s = ttl_s.min(alias.ttl_s);
        let target = Reader {
            message: alias.message,
            at: alias.data_at,
        };
        match { target }.name() {
            Some(target) => name = target,
            None => break,
        }
    }
    (Vec::new(), 0)
}

/// The lesser of the record's own time and its last field.
fn negative_ttl_s(record: &Record<'_>) -> Option<u32> {
    if record.kind != TYPE_SOA {
        return None;
    }
    let minimum = record.data.last_chunk::<4>()?;
    Some(record.ttl_s.min(seconds(u32::from_be_bytes(*minimum))))
}

struct Record<'a> {
    owner: Vec<u8>,
    kind: u16,
    ttl_s: u32,
    data: &'a [u8],
    message: &'a [u8],
    data_at: usize,
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn records(&mut self, count: u16) -> Option<Vec<Record<'a>>> {
        let mut records = Vec::new();
        for _ in 0..count {
            let owner = self.name()?;
            let (kind, class) = (self.number()?, self.number()?);
            let ttl = [self.number()?, self.number()?];
            let length = usize::from(self.number()?);
            let data_at = self.at;
            let data = self.message.get(data_at..data_at + length)?;
            self.at += length;
            if class == CLASS_IN {
                records.push(Record {
                    owner,
                    kind,
                    ttl_s: seconds(u32::from(ttl[0]) << 16 | u32::from(ttl[1])),
                    data,
                    message: self.message,
                    data_at,
                });
            }
        }
        Some(records)
    }

    fn number(&mut self) -> Option<u16> {
        let value = number(self.message, self.at)?;
        self.at += 2;
        Some(value)
    }

    /// Labels with their lengths, in lower case. Parts that stand elsewhere stand before, each before the last.
    fn name(&mut self) -> Option<Vec<u8>> {
        let (mut at, mut before) = (self.at, self.at);
        let mut end = None;
        let mut name = Vec::new();
        loop {
            let length = *self.message.get(at)?;
            match length {
                0 => {
                    name.push(0);
                    self.at = end.unwrap_or(at + 1);
                    return Some(name);
                }
                1..=63 => {
                    let next = at + 1 + usize::from(length);
                    let label = self.message.get(at..next)?;
                    name.extend(label.iter().map(u8::to_ascii_lowercase));
                    at = next;
                }
                0xc0.. => {
                    let target = usize::from(number(self.message, at)? & 0x3fff);
                    end = end.or(Some(at + 2));
                    if target >= before {
                        return None;
                    }
                    (at, before) = (target, target);
                }
                _ => return None,
            }
            if name.len() >= NAME_MAX {
                return None;
            }
        }
    }
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// RFC 2181: more than 31 bits are none.
fn seconds(ttl: u32) -> u32 {
    if ttl > i32::MAX.unsigned_abs() {
        0
    } else {
        ttl
    }
}

#[cfg(test)]
mod tests;
