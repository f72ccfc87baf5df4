//! Names of properties as identifiers of the language, and back.

use crate::cel::types::RESERVED;

/// The identifier of a property. None where the name can't be made one.
pub(crate) fn escape(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("__") {
            out.push_str("__underscores__");
            rest = after;
            continue;
        }
        match c {
            '.' => out.push_str("__dot__"),
            '-' => out.push_str("__dash__"),
            '/' => out.push_str("__slash__"),
            c if c.is_ascii_alphanumeric() || c == '_' => out.push(c),
            _ => return None,
        }
        rest = &rest[c.len_utf8()..];
    }
    Some(out)
}

/// The name of a property, from its identifier. None where that has an unknown escape.
pub(crate) fn unescape(identifier: &str) -> Option<String> {
    let mut out = String::with_capacity(identifier.len());
    let mut rest = identifier;
    loop {
        let Some(at) = rest.find("__") else {
            out.push_str(rest);
            return Some(out);
        };
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let inner_len = from[2..].find('_').unwrap_or(from.len() - 2);
        let inner = &from[2..2 + inner_len];
        let after = &from[2 + inner_len..];
        if inner.is_empty() || !after.starts_with("__") {
            // No escape begins here; one may begin one character on.
            out.push('_');
            rest = &from[1..];
            continue;
        }
        match inner {
            "underscores" => out.push_str("__"),
            "dot" => out.push('.'),
            "dash" => out.push('-'),
            "slash" => out.push('/'),
            word if RESERVED.contains(&word) && identifier.len() == word.len() + 4 => {
                out.push_str(word)
            }
            _ => return None,
        }
        rest = &after[2..];
    }
}
