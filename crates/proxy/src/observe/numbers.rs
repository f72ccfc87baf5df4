//! Numbers and addresses as text, without the machinery of `fmt`: a line of the access log has a dozen of them.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

/// Digits of the largest `u64`.
const DIGITS_MAX: usize = 20;

/// Appends a number.
pub(super) fn number(value: u64, out: &mut Vec<u8>) {
    if let Ok(digit @ 0..10) = u8::try_from(value) {
        out.push(b'0' + digit);
        return;
    }
    let mut text = [0; DIGITS_MAX];
    let mut at = DIGITS_MAX;
    let mut rest = value;
    loop {
        at -= 1;
        text[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

/// Appends `12.345`.
pub(super) fn milliseconds(time: Duration, out: &mut Vec<u8>) {
    let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    number(microseconds / 1_000, out);
    let digit = |divisor: u64| b'0' + u8::try_from(microseconds / divisor % 10).unwrap_or(0);
    out.extend_from_slice(&[b'.', digit(100), digit(10), digit(1)]);
}

/// What every octet is as text, and how long that is.
static OCTETS: [([u8; 3], u8); 256] = octets();

const fn octets() -> [([u8; 3], u8); 256] {
    let mut table = [([b'0'; 3], 1); 256];
    let mut octet = 1;
    while octet < 256 {
        // One more than the one before.
        let (mut digits, mut count) = table[octet - 1];
        let mut place = count as usize - 1;
        while digits[place] == b'9' && place > 0 {
            digits[place] = b'0';
            place -= 1;
        }
        if digits[place] == b'9' {
            digits = [b'1', b'0', b'0'];
            count += 1;
        } else {
            digits[place] += 1;
        }
        table[octet] = (digits, count);
        octet += 1;
    }
    table
}

/// Appends an address of IPv4 by one copy.
fn ipv4(address: Ipv4Addr, out: &mut Vec<u8>) {
    let mut text = [b'.'; 16];
    let mut end = 0;
    for octet in address.octets() {
        let (digits, count) = OCTETS[usize::from(octet)];
        text[end..end + 3].copy_from_slice(&digits);
        end += usize::from(count);
        text[end] = b'.';
        end += 1;
    }
    out.extend_from_slice(&text[..end - 1]);
}

/// Appends an address as the standard library shows it.
pub(super) fn ip(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => ipv4(address, out),
        // Writing to memory can't fail.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

/// Appends an address with its port as the standard library shows it.
pub(super) fn socket(address: SocketAddr, out: &mut Vec<u8>) {
    match address {
        SocketAddr::V4(address) => {
            ipv4(*address.ip(), out);
            out.push(b':');
            number(u64::from(address.port()), out);
        }
        SocketAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{ip, milliseconds, number, socket};
    use std::{
        net::{IpAddr, SocketAddr},
        time::Duration,
    };

    /// What `fmt` would write.
    fn check(write: impl FnOnce(&mut Vec<u8>), expect: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), expect);
    }

    #[test]
    fn as_fmt_writes_them() {
        for value in [0, 1, 9, 10, 99, 100, 65_535, u64::MAX] {
            check(|out| number(value, out), &value.to_string());
        }
        for octet in 0..=255 {
            let address = IpAddr::from([octet, 0, octet, 1]);
            check(|out| ip(address, out), &address.to_string());
        }
        for text in ["0.0.0.0", "10.0.20.255", "::1", "fe80::1", "::ffff:1.2.3.4"] {
            let address: IpAddr = text.parse().expect("an address");
            check(|out| ip(address, out), text);
            let address = SocketAddr::new(address, 8080);
            check(|out| socket(address, out), &address.to_string());
        }
        for (microseconds, text) in [
            (0, "0.000"),
            (7, "0.007"),
            (12_345, "12.345"),
            (60_000_010, "60000.010"),
        ] {
            check(
                |out| milliseconds(Duration::from_micros(microseconds), out),
                text,
            );
        }
    }
}
