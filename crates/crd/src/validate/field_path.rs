//! Paths of selectable fields and of rules' `fieldPath`: dots, and names in brackets and single quotes, checked
//! against the schema as the CEL package of apiextensions-apiserver does.

use crate::view::{Additional, Props};
use tidegate_schema::json_path::{Tokens, unescape, unquote};

/// A path that leads somewhere.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    /// As a message prints it: `spec.replicas`.
    pub(crate) path: String,
    /// Its first name.
    pub(crate) root: String,
    /// The schema of what is there; none where a map takes anything.
    pub(crate) schema: Option<Props<'a>>,
}

/// Follows a path down from a schema. The error is in the words that follow `is an invalid path: `.
pub(crate) fn follow<'a>(
    text: &str,
    schema: Props<'a>,
    brackets: bool,
) -> Result<Found<'a>, String> {
    const NOWHERE: &str = "does not refer to a valid field";
    const END: &str = "unexpected end of JSON path";
    let mut found = Found {
        path: String::new(),
        root: String::new(),
        schema: Some(schema),
    };
    let mut tokens = Tokens(text);
    while let Some(token) = tokens.next() {
        let name = match token {
            "[" if !brackets => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let name = tokens.next().ok_or(END)?;
                let inner = unquote(name)
                    .ok_or_else(|| format!("expected single quoted string but got {name}"))?;
                unescape(inner)
                    .map_err(|c| format!("invalid string literal: invalid escape char \\{c}"))?
            }
            "." => tokens.next().ok_or(END)?.to_owned(),
            other => return Err(format!("expected [ or . but got: {other}")),
        };
        let schema = found.schema.ok_or(NOWHERE)?;
        if schema.has_properties() {
            if !found.path.is_empty() {
                found.path.push('.');
            }
            found.path.push_str(&name);
            found.schema = Some(schema.property(&name).ok_or(NOWHERE)?);
        } else {
            found.path.push_str(&format!("[{name}]"));
            found.schema = match schema.additional("additionalProperties") {
                Additional::Schema(child) => Some(child),
                Additional::Allows(_) => None,
                Additional::None => return Err(NOWHERE.to_owned()),
            };
        }
        if found.root.is_empty() {
            found.root = name;
        }
        if token == "[" {
            let close = tokens.next().ok_or(END)?;
            if close != "]" {
                return Err(format!("expected ] but got {close}"));
            }
        }
    }
    Ok(found)
}
