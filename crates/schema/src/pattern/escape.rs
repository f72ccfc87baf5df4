//! Escapes of single characters, and the short names of classes.

use super::{Fault, before, next};

/// Reads `\n`, `\x41`, `\101` and so on: the number of a character, which may be none that text can hold.
pub(super) fn character(whole: &str) -> Result<(u32, &str), Fault> {
    let Some((c, rest)) = whole.strip_prefix('\\').and_then(next) else {
        return Err(Fault::new("trailing backslash at end of expression", ""));
    };
    let plain = |c: char| Ok((u32::from(c), rest));
    match c {
        '1'..='7' if !rest.starts_with(|c: char| c.is_digit(8)) => Err(invalid(whole, rest)),
        '0'..='7' => {
            let mut value = u32::from(c) - u32::from('0');
            let more = rest
                .bytes()
                .take(2)
                .take_while(|byte| (b'0'..=b'7').contains(byte))
                .count();
            for byte in rest.bytes().take(more) {
                value = value * 8 + u32::from(byte - b'0');
            }
            Ok((value, &rest[more..]))
        }
        'x' => hexadecimal(whole, rest),
        'a' => plain('\u{7}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => plain(c),
        _ => Err(invalid(whole, rest)),
    }
}

fn hexadecimal<'a>(whole: &str, rest: &'a str) -> Result<(u32, &'a str), Fault> {
    let Some((first, mut rest)) = next(rest) else {
        return Err(invalid(whole, rest));
    };
    if first != '{' {
        let Some((second, after)) = next(rest) else {
            return Err(invalid(whole, rest));
        };
        return match (first.to_digit(16), second.to_digit(16)) {
            (Some(high), Some(low)) => Ok((high * 16 + low, after)),
            _ => Err(invalid(whole, after)),
        };
    }
    let mut value = 0;
    let mut digits = 0;
    while let Some((c, after)) = next(rest) {
        rest = after;
        match c.to_digit(16) {
            Some(digit) if value * 16 + digit <= 0x0010_ffff => value = value * 16 + digit,
            None if c == '}' && digits > 0 => return Ok((value, rest)),
            _ => break,
        }
        digits += 1;
    }
    Err(invalid(whole, rest))
}

fn invalid(whole: &str, rest: &str) -> Fault {
    Fault::new("invalid escape sequence", before(whole, rest))
}

/// Reads `\d`, `\S` and so on: what stands for it within brackets, and whether all else is meant.
pub(super) fn perl_class(text: &str) -> Option<(&'static str, bool, &str)> {
    let (c, rest) = text.strip_prefix('\\').and_then(next)?;
    let items = match c.to_ascii_lowercase() {
        'd' => "0-9",
        's' => r"\t\n\f\r ",
        'w' => "0-9A-Za-z_",
        _ => return None,
    };
    Some((items, c.is_ascii_uppercase(), rest))
}
