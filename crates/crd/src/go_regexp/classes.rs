//! Character classes and escapes of Go's regular expressions.

use super::{CLASS_RANGE, ESCAPE, Fault, Parsed, Parser, fault, names::UNICODE};

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

impl<'a> Parser<'a> {
    /// `[...]`; gives what follows.
    pub(super) fn class(&self, text: &'a str) -> Parsed<'a> {
        let mut rest = &text[1..];
        rest = rest.strip_prefix('^').unwrap_or(rest);
        let mut first = true;
        while first || !rest.starts_with(']') {
            first = false;
            let named = rest.len() > 2 && rest.starts_with("[:");
            if let Some(after) = if named { self.named_class(rest)? } else { None } {
                rest = after;
                continue;
            }
            if let Some(after) = Self::group_escape(rest)? {
                rest = after;
                continue;
            }
            let range = rest;
            let (low, after) = Self::class_char(rest, text)?;
            rest = after;
            if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
                let (high, after) = Self::class_char(&rest[1..], text)?;
                rest = after;
                if high < low {
                    return Err(fault(CLASS_RANGE, range, after));
                }
            }
        }
        Ok(&rest[1..])
    }

    /// `[:alpha:]`.
    fn named_class(&self, text: &'a str) -> Parsed<'a, Option<&'a str>> {
        let here = self.whole.len() - text.len();
        if here + 2 > self.last_class {
            return Ok(None);
        }
        let Some((name, after)) = text[2..].split_once(":]") else {
            return Ok(None);
        };
        let name = name.strip_prefix('^').unwrap_or(name);
        if POSIX.contains(&name) {
            Ok(Some(after))
        } else {
            Err(fault(CLASS_RANGE, text, after))
        }
    }

    fn class_char(text: &'a str, class: &'a str) -> Parsed<'a, (u32, &'a str)> {
        let mut chars = text.chars();
        match chars.next() {
            None => Err(Fault {
                code: "missing closing ]",
                at: class,
            }),
            Some('\\') => Self::escape(text),
            Some(c) => Ok((u32::from(c), chars.as_str())),
        }
    }

    /// `\d` and its like, and `\pL` and `\p{Han}`; gives what follows.
    pub(super) fn group_escape(text: &'a str) -> Parsed<'a, Option<&'a str>> {
        match text.as_bytes() {
            [b'\\', b'd' | b'D' | b's' | b'S' | b'w' | b'W', ..] => return Ok(Some(&text[2..])),
            [b'\\', b'p' | b'P', ..] => {}
            _ => return Ok(None),
        }
        let inside = &text[2..];
        let Some(c) = inside.chars().next() else {
            // Go's reader has nothing to read here and leaves it to the plain escapes.
            return Ok(None);
        };
        let (name, after) = if c == '{' {
            let Some(end) = inside.find('}') else {
                return Err(Fault {
                    code: CLASS_RANGE,
                    at: text,
                });
            };
            (&inside[1..end], &inside[end + 1..])
        } else {
            inside.split_at(c.len_utf8())
        };
        let name = canonical(name.strip_prefix('^').unwrap_or(name));
        if UNICODE.binary_search(&name.as_str()).is_ok() {
            Ok(Some(after))
        } else {
            Err(fault(CLASS_RANGE, text, after))
        }
    }

    /// An escaped character, and what follows.
    pub(super) fn escape(text: &'a str) -> Parsed<'a, (u32, &'a str)> {
        let mut chars = text[1..].chars();
        let Some(c) = chars.next() else {
            return Err(Fault {
                code: "trailing backslash at end of expression",
                at: "",
            });
        };
        let rest = chars.as_str();
        let plain = match c {
            'a' => Some(7),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
            _ => None,
        };
        if let Some(code) = plain {
            return Ok((code, rest));
        }
        match c {
            '0' => Ok(octal(c, rest)),
            '1'..='7' if rest.starts_with(|c| ('0'..='7').contains(&c)) => Ok(octal(c, rest)),
            'x' => hex(text, rest),
            _ => Err(fault(ESCAPE, text, rest)),
        }
    }
}

/// Up to three octal digits, of which the first is read.
fn octal(first: char, mut rest: &str) -> (u32, &str) {
    let mut code = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        let Some(digit) = rest.chars().next().and_then(|c| c.to_digit(8)) else {
            break;
        };
        code = code * 8 + digit;
        rest = &rest[1..];
    }
    (code, rest)
}

/// Two hexadecimal digits, or any number of them in braces.
fn hex<'a>(text: &'a str, rest: &'a str) -> Parsed<'a, (u32, &'a str)> {
    let mut chars = rest.chars();
    match chars.next() {
        Some('{') => {
            let (mut code, mut count) = (0u32, 0usize);
            while let Some(c) = chars.next() {
                if c == '}' && count > 0 {
                    return Ok((code, chars.as_str()));
                }
                let Some(digit) = c.to_digit(16) else { break };
                code = code * 16 + digit;
                if code > u32::from(char::MAX) {
                    break;
                }
                count += 1;
            }
            Err(fault(ESCAPE, text, chars.as_str()))
        }
        Some(high) => {
            // Go reads a second character before it looks at the first.
            let low = chars.next();
            match (high.to_digit(16), low.and_then(|low| low.to_digit(16))) {
                (Some(high), Some(low)) => Ok((high * 16 + low, chars.as_str())),
                _ => Err(fault(ESCAPE, text, chars.as_str())),
            }
        }
        None => Err(fault(ESCAPE, text, rest)),
    }
}

/// A name as Go compares it: a capital first, small letters, no separators.
fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')) {
        out.push(if out.is_empty() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        });
    }
    out
}
