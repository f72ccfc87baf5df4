//! YAML as sigs.k8s.io/yaml reads it: YAML 1.1's scalars (`yes`, `0777`), merge keys, keys made strings, and what
//! remains put through JSON. Only the first document is read.
//!
//! Depth is limited, and so is what aliases may blow up to.

mod decode;
mod grammar;
mod reader;
mod scalar;
mod scan;
mod tree;

use super::{ParseError, Parsed};
use decode::Decoder;
use tree::Tree;

/// Reads the first document; none at all is null. Duplicate keys are told as one text, as the strict decoder does.
pub fn parse_yaml(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let text = reader::readable(bytes).map_err(say)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree = Tree::read(text).map_err(say)?;
    let mut decoder = Decoder::new(&tree);
    let value = decoder.document().map_err(ParseError::Yaml)?;
    Ok(Parsed {
        value,
        duplicates: decoder.complaint().into_iter().collect(),
    })
}

fn say(words: String) -> ParseError {
    ParseError::Yaml(format!("yaml: {words}"))
}
