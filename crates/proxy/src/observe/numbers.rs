//! Numbers and addresses as text, without the machinery of `fmt`: a line of the access log has a dozen of them.

use std::{
    io::Write as _,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Digits of the largest `u64`.
const DIGITS_MAX: usize = 20;

/// Appends a number.
pub(super) fn number(value: u64, out: &mut Vec<u8>) {
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

/// Appends an address as the standard library shows it.
pub(super) fn ip(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => {
            for (index, octet) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    out.push(b'.');
                }
                number(u64::from(octet), out);
            }
        }
        // Writing to memory can't fail.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

/// Appends an address with its port as the standard library shows it.
pub(super) fn socket(address: SocketAddr, out: &mut Vec<u8>) {
    match address {
        SocketAddr::V4(address) => {
            ip(IpAddr::V4(*address.ip()), out);
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
