//! The formats of strings that definitions may ask for, each as kube-openapi's `strfmt` checks it.

mod email;
mod network;
mod time;
mod uri;

use regex::Regex;
use std::sync::LazyLock;

/// The check of a format, which may be written with or without dashes. Nothing for unknown formats.
pub(crate) fn check_of(format: &str) -> Option<fn(&str) -> bool> {
    let check: fn(&str) -> bool = match format.replace('-', "").as_str() {
        "bsonobjectid" => is_bson_id,
        "uri" => uri::is_request_uri,
        "email" => email::is_email,
        "hostname" => is_hostname,
        "ipv4" => network::is_ipv4,
        "ipv6" => network::is_ipv6,
        "cidr" => network::is_cidr,
        "mac" => network::is_mac,
        "uuid" => |text| is_uuid(text, None),
        "uuid3" => |text| is_uuid(text, Some('3')),
        "uuid4" => |text| is_uuid(text, Some('4')),
        "uuid5" => |text| is_uuid(text, Some('5')),
        "isbn" => |text| is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10,
        "isbn13" => is_isbn13,
        "creditcard" => is_credit_card,
        "ssn" => is_ssn,
        "hexcolor" => is_hex_color,
        "rgbcolor" => is_rgb_color,
        "byte" => is_base64,
        "password" => |_| true,
        "date" => time::is_date,
        "duration" => time::is_duration,
        "datetime" => time::is_date_time,
        "k8sshortname" => is_short_name,
        "k8slongname" => is_long_name,
        _ => return None,
    };
    Some(check)
}

/// Whether `text` has the format. Nothing for formats that definitions can't ask for.
pub fn format_matches(format: &str, text: &str) -> Option<bool> {
    check_of(format).map(|check| check(text))
}

fn is_bson_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_hostname(text: &str) -> bool {
    static LETTERS: LazyLock<Regex> = LazyLock::new(|| regex_of(r"^[a-zA-Z\p{L}]*$"));
    static WORDS: LazyLock<Regex> = LazyLock::new(|| regex_of(r"^[a-zA-Z0-9\p{S}\p{L}]*$"));
    static DASHED: LazyLock<Regex> = LazyLock::new(|| regex_of(r"^[a-zA-Z0-9\-\p{S}\p{L}]*$"));
    if text.len() > 255 || text.split('.').any(|part| part.len() > 63) {
        return false;
    }
    let is_word = |text: &str| WORDS.is_match(text);
    let Some((labels, top)) = text.rsplit_once('.') else {
        let mut chars = text.chars();
        let first: String = chars.by_ref().take(1).collect();
        let rest = chars.as_str();
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        return !first.is_empty() && is_word(&first) && is_word(rest) && rest.chars().count() <= 62;
    };
    let is_label = |label: &str| {
        let bare = label.trim_matches('-');
        !label.is_empty() && bare.len() == label.len() && DASHED.is_match(label)
    };
    labels.split('.').all(is_label)
        && (2..=63).contains(&top.chars().count())
        && LETTERS.is_match(top)
}

/// Of versions 4 and 5, the variant is looked at too. Dashes may be left out.
fn is_uuid(text: &str, version: Option<char>) -> bool {
    let mut digits = Vec::with_capacity(32);
    for c in text.chars() {
        match c {
            '-' if matches!(digits.len(), 8 | 12 | 16 | 20) => {}
            c if c.is_ascii_hexdigit() => digits.push(c.to_ascii_lowercase()),
            _ => return false,
        }
    }
    let dashes = text.split('-').all(|part| !part.is_empty());
    let variant = matches!(digits.get(16), Some('8' | '9' | 'a' | 'b'));
    digits.len() == 32
        && dashes
        && match version {
            None => true,
            Some('3') => digits[12] == '3',
            Some(version) => digits[12] == version && variant,
        }
}

fn without_space_and_dash(text: &str) -> Vec<u8> {
    let kept = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' | b'-'));
    kept.collect()
}

fn is_isbn10(text: &str) -> bool {
    let digits = without_space_and_dash(text);
    let [first @ .., last] = digits.as_slice() else {
        return false;
    };
    if first.len() != 9
        || !first.iter().all(u8::is_ascii_digit)
        || !(last.is_ascii_digit() || *last == b'X')
    {
        return false;
    }
    let value = |byte: &u8| {
        if *byte == b'X' {
            10
        } else {
            u32::from(byte - b'0')
        }
    };
    let sum: u32 = (1..)
        .zip(&digits)
        .map(|(place, byte)| place * value(byte))
        .sum();
    sum.is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let digits = without_space_and_dash(text);
    if digits.len() != 13 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let values = digits.iter().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = values
        .zip([1, 3].into_iter().cycle())
        .map(|(value, factor)| value * factor)
        .sum();
    sum.is_multiple_of(10)
}

fn is_credit_card(text: &str) -> bool {
    static CARDS: LazyLock<Regex> = LazyLock::new(|| {
        regex_of(concat!(
            r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}",
            r"|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$"
        ))
    });
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let values = digits.bytes().rev().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = values
        .enumerate()
        .map(|(place, digit)| {
            if place % 2 == 1 {
                doubled(digit)
            } else {
                digit
            }
        })
        .sum();
    CARDS.is_match(&digits) && sum.is_multiple_of(10)
}

/// Eleven characters, so both dashes must be there.
fn is_ssn(text: &str) -> bool {
    text.len() == 11
        && text.bytes().enumerate().all(|(place, byte)| match place {
            3 | 6 => matches!(byte, b'-' | b' '),
            _ => byte.is_ascii_digit(),
        })
}

fn is_hex_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_rgb_color(text: &str) -> bool {
    static COLORS: LazyLock<Regex> = LazyLock::new(|| {
        let number = r"[\t\n\f\r ]*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])[\t\n\f\r ]*";
        regex_of(&format!(r"^rgb\({number},{number},{number}\)$"))
    });
    COLORS.is_match(text)
}

fn is_base64(text: &str) -> bool {
    let bare = text
        .strip_suffix("==")
        .or_else(|| text.strip_suffix('='))
        .unwrap_or(text);
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    !text.is_empty() && text.len().is_multiple_of(4) && bare.bytes().all(is_digit)
}

fn is_short_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(|byte| is_plain(*byte))
        && bytes.last().is_some_and(|byte| is_plain(*byte))
        && bytes.iter().all(|byte| is_plain(*byte) || *byte == b'-')
}

fn is_long_name(text: &str) -> bool {
    // A segment may be longer than a short name.
    let is_segment = |segment: &str| {
        let bare = segment.trim_matches('-');
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !segment.is_empty() && bare.len() == segment.len() && segment.bytes().all(is_plain)
    };
    text.len() <= 253 && text.split('.').all(is_segment)
}

fn regex_of(text: &str) -> Regex {
    Regex::new(text).expect("invariant: the expressions of this file compile")
}
