//! Reading JSON and YAML as Kubernetes does: the values, the duplicate fields, and the words for what can't be read.

mod json;
mod strict;
mod text;
mod yaml;

use serde_json::Value;

pub use self::{json::parse_json, yaml::parse_yaml};

/// How deep documents may be nested. Go's limit is 10,000 and its stacks grow; ours don't, and every function that
/// walks a tree (dropping it among them) must fit the 2 MB of a thread. Real objects stay below 100.
pub const DEPTH_MAX: usize = 500;

/// A document that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The tree. Of duplicate fields it holds the last.
    pub value: Value,
    /// What the strict decoder says about duplicate fields, in the order of reading: `duplicate field "spec.x"`.
    /// At most 100, each once.
    pub duplicates: Vec<String>,
}

/// Why a document can't be read. The text is Go's. Answer 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text breaks JSON's rules.
    #[error("{message}")]
    Syntax {
        /// What was met and where it stood in the grammar.
        message: String,
        /// How many bytes were read.
        offset: usize,
    },
    /// A number that no float64 can hold.
    #[error("json: cannot unmarshal number {0} into Go value of type float64")]
    Number(String),
    /// The text breaks YAML's rules, or says what JSON can't.
    #[error("{0}")]
    Yaml(String),
}
