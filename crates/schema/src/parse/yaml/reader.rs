//! What go-yaml's reader refuses before anything else.

/// The text of a document, or what go-yaml's reader says of one that can't be read.
pub(super) fn readable(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let is_leading = |byte: u8| matches!(byte, 0xc0..=0xf7);
        match (error.error_len(), bytes.get(at)) {
            (None, _) => "incomplete UTF-8 octet sequence",
            (Some(_), Some(byte)) if is_leading(*byte) => "invalid trailing UTF-8 octet",
            (Some(_), _) => "invalid leading UTF-8 octet",
        }
    })?;
    match text.chars().all(is_allowed) {
        true => Ok(text),
        false => Err("control characters are not allowed".to_owned()),
    }
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}
