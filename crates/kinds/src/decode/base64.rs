//! Base64 as Go reads and writes it: line breaks are let through, padding is asked for.

use base64::{Engine, engine::general_purpose::STANDARD};

/// The text that Go writes for the same bytes; or the place of the first byte that is wrong.
pub(crate) fn normal(text: &str) -> Result<String, usize> {
    let bytes = text.as_bytes();
    let mut kept = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while quantum(bytes, &mut at, &mut kept)? {}
    let decoded = LENIENT.decode(&kept).map_err(|_| bytes.len())?;
    Ok(STANDARD.encode(decoded))
}

/// The text of bytes.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

const LENIENT: base64::engine::GeneralPurpose = base64::engine::GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Reads four characters. False at the end.
fn quantum(bytes: &[u8], at: &mut usize, kept: &mut Vec<u8>) -> Result<bool, usize> {
    let mut read = 0;
    while read < 4 {
        let Some(byte) = bytes.get(*at) else {
            return if read == 0 {
                Ok(false)
            } else {
                Err(*at - read)
            };
        };
        *at += 1;
        match byte {
            b'\n' | b'\r' => continue,
            b'=' => return padding(bytes, at, kept, read).map(|()| false),
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => kept.push(*byte),
            _ => return Err(*at - 1),
        }
        read += 1;
    }
    Ok(true)
}

/// After a first `=`: the second where it is needed, then nothing.
fn padding(bytes: &[u8], at: &mut usize, kept: &mut Vec<u8>, read: usize) -> Result<(), usize> {
    if read < 2 {
        return Err(*at - 1);
    }
    kept.push(b'=');
    if read == 2 {
        skip_breaks(bytes, at);
        match bytes.get(*at) {
            None => return Err(bytes.len()),
            Some(b'=') => kept.push(b'='),
            Some(_) => return Err(*at - 1),
        }
        *at += 1;
    }
    skip_breaks(bytes, at);
    if *at < bytes.len() { Err(*at) } else { Ok(()) }
}

fn skip_breaks(bytes: &[u8], at: &mut usize) {
    while matches!(bytes.get(*at), Some(b'\n' | b'\r')) {
        *at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn bad_bytes_have_gos_places() {
        let cases: &[(&str, Result<&str, usize>)] = &[
            ("", Ok("")),
            ("YQ==", Ok("YQ==")),
            ("YW\nJj", Ok("YWJj")),
            ("YR==", Ok("YQ==")),
            ("YQ", Err(0)),
            ("YQ=", Err(3)),
            ("YQ==x", Err(4)),
            ("!", Err(0)),
            ("YWJj*", Err(4)),
            ("Y===", Err(1)),
        ];
        for (text, expect) in cases {
            assert_eq!(normal(text), expect.map(str::to_owned), "{text}");
        }
    }
}
