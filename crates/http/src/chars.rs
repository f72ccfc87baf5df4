//! Which byte may stand where: one table for all grammars of HTTP/1 heads.

/// `tchar`: what names of methods and fields are made of.
pub(crate) const TOKEN: u8 = 1;
/// What a path may hold and needs no second look: unreserved characters, sub-delimiters but `;`, `:`, `@`.
pub(crate) const PATH: u8 = 2;
/// Visible ASCII but `#`. What queries are let through with: browsers and `curl` send more than RFC 3986 allows, and
/// nothing here looks inside.
pub(crate) const QUERY: u8 = 4;
/// What names of hosts are made of. Fewer than `reg-name` allows: no percent-encoding, no sub-delimiters.
pub(crate) const HOST: u8 = 8;
/// Unreserved characters of RFC 3986, which percent-encoding must not hide.
pub(crate) const UNRESERVED: u8 = 16;
/// Visible ASCII that isn't allowed in paths, but comes from browsers: is percent-encoded.
pub(crate) const ENCODE: u8 = 32;
/// What stands in base64.
pub(crate) const BASE64: u8 = 64;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 128 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "below 128; no `try_from` in const"
        )]
        let byte = index as u8;
        let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        let mut class = 0;
        if unreserved {
            class |= UNRESERVED | PATH | HOST;
        }
        if byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            )
        {
            class |= TOKEN;
        }
        if matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@'
        ) {
            class |= PATH;
        }
        if byte.is_ascii_graphic() && byte != b'#' {
            class |= QUERY;
        }
        if matches!(byte, b'[' | b']' | b'^' | b'`' | b'{' | b'|' | b'}') {
            class |= ENCODE;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') {
            class |= BASE64;
        }
        table[index] = class;
        index += 1;
    }
    table
}

pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// How many bytes at the start are of the class.
pub(crate) fn span(bytes: &[u8], class: u8) -> usize {
    bytes
        .iter()
        .position(|&byte| !is(byte, class))
        .unwrap_or(bytes.len())
}

/// Not empty, and all of it of the class.
pub(crate) fn all(bytes: &[u8], class: u8) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is(byte, class))
}

/// `tchar`s only, and at least one.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    all(bytes, TOKEN)
}

/// Visible characters, spaces, tabs, and bytes beyond ASCII.
pub(crate) fn is_field_content(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let controls = words.iter().fold(0, |controls, word| {
        let word = u64::from_ne_bytes(*word);
        controls | below_space(word) | zeros(word ^ each(0x7f))
    });
    // The last eight may overlap those before.
    let last = match bytes.last_chunk() {
        _ if rest.is_empty() => 0,
        Some(last) => {
            let last = u64::from_ne_bytes(*last);
            below_space(last) | zeros(last ^ each(0x7f))
        }
        None => return no_controls(bytes),
    };
    controls | last == 0 || no_controls(bytes)
}

/// Byte by byte: tells tabs from what is forbidden.
fn no_controls(bytes: &[u8]) -> bool {
    !bytes
        .iter()
        .any(|byte| byte.is_ascii_control() && *byte != b'\t')
}

/// Where the first of these bytes is. For texts of a few dozen bytes, to which a call would cost more than the search.
pub(crate) fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = zeros(u64::from_le_bytes(*word) ^ each(byte));
        if found != 0 {
            // Only bits above the first one may be wrong.
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let place = rest.iter().position(|&other| other == byte)?;
    Some(words.len() * 8 + place)
}

/// A byte eight times.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Not 0 if a byte is 0. The lowest bit that is set belongs to the lowest such byte.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word & each(0x80)
}

/// Not 0 if a byte is below the space.
const fn below_space(word: u64) -> u64 {
    word.wrapping_sub(each(0x20)) & !word & each(0x80)
}

/// Spaces and tabs.
pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Without spaces and tabs at both ends.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_blank(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_blank(*last)
    {
        bytes = rest;
    }
    bytes
}

/// The elements of a comma-separated list, trimmed, without the empty ones. For lists without quoted texts.
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// A number of 1 to 19 digits and nothing else; no leading zero. Anything longer would be an attack.
pub(crate) fn decimal(bytes: &[u8]) -> Option<u64> {
    let fits = (1..=19).contains(&bytes.len()) && (bytes.len() == 1 || bytes[0] != b'0');
    if !fits || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // 19 digits are below 2^64.
    Some(
        bytes
            .iter()
            .fold(0, |number, digit| number * 10 + u64::from(digit - b'0')),
    )
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
