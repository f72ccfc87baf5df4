//! JSON string literals as Go reads them: what is not UTF-8, and lone surrogates, become U+FFFD.

/// The text between the quotation marks of a literal that was checked before.
pub(super) fn unquote(raw: &[u8]) -> String {
    if !raw.contains(&b'\\') {
        return lossy(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        out.push_str(&lossy(&rest[..at]));
        rest = &rest[at + 1..];
        let Some((escape, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        match escape {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => rest = unicode(&mut out, rest),
            plain => out.push(char::from(*plain)),
        }
    }
    out.push_str(&lossy(rest));
    out
}

/// `\u` and what follows it; a pair of surrogates is one character.
fn unicode<'a>(out: &mut String, rest: &'a [u8]) -> &'a [u8] {
    let Some((first, after)) = four_digits(rest) else {
        return rest;
    };
    if let Some(c) = char::from_u32(first) {
        out.push(c);
        return after;
    }
    let second = after.strip_prefix(b"\\u").and_then(four_digits);
    if let (0xd800..=0xdbff, Some((second @ 0xdc00..=0xdfff, behind))) = (first, second)
        && let Some(c) = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    {
        out.push(c);
        return behind;
    }
    out.push('\u{fffd}');
    after
}

fn four_digits(rest: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, after) = rest.split_at_checked(4)?;
    let mut value = 0;
    for digit in digits {
        value = value * 16 + char::from(*digit).to_digit(16)?;
    }
    Some((value, after))
}

/// Go replaces each byte that is no part of a character; Rust's lossy conversion joins some of them.
fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for _ in chunk.invalid() {
            out.push('\u{fffd}');
        }
    }
    out
}
