//! The `fieldPath` of a rule: a JSON path of fields below the rule's node, checked against the schema.

use std::fmt::Write as _;
use tidegate_schema::{
    Schema,
    json_path::{Tokens, unescape, unquote},
};

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
                let inner = unquote(quoted).ok_or(BadPath)?;
                let name = unescape(inner).map_err(|_| BadPath)?;
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
