//! The `fieldPath` of a rule: a JSON path of fields below the rule's node, checked against the schema.

use std::fmt::Write as _;
use tidegate_schema::Schema;

/// Why a path is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadPath;

/// The path as field errors print it, or that it names nothing.
pub(super) fn normalize(path: &str, schema: Schema<'_>) -> Result<String, BadPath> {
    let mut out = String::new();
    let mut at = schema;
    let mut tokens = Tokens(path);
    while let Some(token) = tokens.next() {
        let name = match token {
            "[" => {
                let quoted = tokens.next().ok_or(BadPath)?;
                let inner = quoted
                    .strip_prefix('\'')
                    .and_then(|rest| rest.strip_suffix('\''))
                    .filter(|_| quoted.len() >= 2)
                    .ok_or(BadPath)?;
                let name = unescape(inner).ok_or(BadPath)?;
                if tokens.next() != Some("]") {
                    return Err(BadPath);
                }
                name
            }
            "." => tokens.next().ok_or(BadPath)?.to_owned(),
            _ => return Err(BadPath),
        };
        let named = !at.node().properties.is_empty();
        at = if named {
            at.property(&name).ok_or(BadPath)?
        } else {
            at.additional().ok_or(BadPath)?
        };
        if !named {
            let _ = write!(out, "[{name}]");
        } else if out.is_empty() {
            out.push_str(&name);
        } else {
            let _ = write!(out, ".{name}");
        }
    }
    if out.is_empty() {
        Err(BadPath)
    } else {
        Ok(out)
    }
}

/// Delimiters, quoted names, and what stands between.
struct Tokens<'p>(&'p str);

impl<'p> Tokens<'p> {
    fn next(&mut self) -> Option<&'p str> {
        let text = self.0;
        let first = text.chars().next()?;
        let end = match first {
            '.' | '[' | ']' => 1,
            '\'' => {
                let bytes = text.as_bytes();
                (1..bytes.len())
                    .find(|at| bytes[*at] == b'\'' && bytes[*at - 1] != b'\\')
                    .map_or(text.len(), |at| at + 1)
            }
            _ => text.find(['.', '[', ']']).unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at(end);
        self.0 = rest;
        Some(token)
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            None => '\\',
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(c @ ('\'' | '\\')) => c,
            Some(_) => return None,
        });
    }
    Some(out)
}
