//! Names and identities that the server makes up.

use std::fmt::Write;

/// The letters of generated names: no vowels, so no words, and nothing that looks like something else.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// How many of them a generated name ends with.
const SUFFIX: usize = 5;
/// The longest name that is generated.
const LONGEST: usize = 63;

/// A random UUID (RFC 9562, version 4).
pub(crate) fn uid() -> String {
    let mut bytes: [u8; 16] = random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A name that begins with `base`, as `metadata.generateName` asks for one.
pub(crate) fn generated_name(base: &str) -> String {
    let mut end = base.len().min(LONGEST - SUFFIX);
    while !base.is_char_boundary(end) {
        end -= 1;
    }
    let mut name = base[..end].to_owned();
    let bytes: [u8; SUFFIX] = random();
    name.extend(bytes.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])));
    name
}

/// A random number below `limit`.
pub(crate) fn below(limit: u64) -> u64 {
    u64::from_le_bytes(random()) % limit.max(1)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("invariant: the system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::{generated_name, uid};

    #[test]
    fn uids_are_version_4() {
        let uid = uid();
        assert_eq!(uid.len(), 36);
        assert_eq!(&uid[14..15], "4");
        assert!(matches!(&uid[19..20], "8" | "9" | "a" | "b"));
    }

    #[test]
    fn generated_names_keep_their_base_and_fit() {
        let name = generated_name("web-");
        assert!(name.starts_with("web-") && name.len() == 9, "{name}");
        assert_eq!(generated_name(&"é".repeat(60)).chars().count(), 34);
    }
}
