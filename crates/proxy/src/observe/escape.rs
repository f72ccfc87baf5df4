//! Texts for logs: nothing that a client sends can end a line, a value, or a colour.

/// Appends a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD.
pub(super) fn json(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    json_inner(text, out);
    out.push(b'"');
}

/// Appends what stands between the quotes. Control characters are written as escapes, those beyond ASCII too.
pub(super) fn json_inner(text: &[u8], out: &mut Vec<u8>) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        escaped(text, out);
    }
}

/// Whether all is ASCII that JSON takes as it is: nearly always. Eight bytes at once; the last eight may overlap those
/// before.
fn is_plain(text: &[u8]) -> bool {
    let plain = |byte: &u8| (0x20..0x7f).contains(byte) && *byte != b'"' && *byte != b'\\';
    let Some(last) = text.last_chunk() else {
        return text.iter().all(plain);
    };
    let words = text.as_chunks().0.iter();
    words.fold(odd(last), |odds, word| odds | odd(word)) == 0
}

/// 0 where all are plain.
fn odd(word: &[u8; 8]) -> u64 {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let word = u64::from_ne_bytes(*word);
    // The top bit of a byte that is below `limit`, if those before it are not; of bytes beyond ASCII `word` has it.
    let below = |word: u64, limit: u8| word.wrapping_sub(each(limit)) & !word;
    let is = |byte: u8| below(word ^ each(byte), 1);
    (below(word, 0x20) | is(0x7f) | is(b'"') | is(b'\\') | word) & each(0x80)
}

fn escaped(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid();
        let mut from = 0;
        for (at, letter) in
            valid.match_indices(|letter: char| letter.is_control() || matches!(letter, '"' | '\\'))
        {
            out.extend_from_slice(&valid.as_bytes()[from..at]);
            from = at + letter.len();
            match letter {
                "\"" => out.extend_from_slice(b"\\\""),
                "\\" => out.extend_from_slice(b"\\\\"),
                "\n" => out.extend_from_slice(b"\\n"),
                "\t" => out.extend_from_slice(b"\\t"),
                other => {
                    let mut digits = *b"\\u0000";
                    let number = other.chars().next().map_or(0, u128::from);
                    super::trace::digits(number, &mut digits[2..]);
                    out.extend_from_slice(&digits);
                }
            }
        }
        out.extend_from_slice(&valid.as_bytes()[from..]);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Appends a value of `key=value` text: bare where it can't be misread, else as a JSON string.
pub(super) fn word(text: &[u8], out: &mut Vec<u8>) {
    let bare = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'=');
    match !text.is_empty() && text.iter().all(bare) {
        true => out.extend_from_slice(text),
        false => json(text, out),
    }
}

/// Appends the value of a Prometheus label, without its quotes.
pub(super) fn label(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}
