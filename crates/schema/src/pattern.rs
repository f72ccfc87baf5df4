//! Regular expressions of schemas: RE2's syntax, matched in linear time, compiled when first used.

use regex::{Regex, RegexBuilder};
use std::sync::OnceLock;

/// How much memory one compiled expression may take.
const BYTES_MAX: usize = 2 << 20;

/// A regular expression. Nodes of one document with the same text share one.
#[derive(Debug)]
pub struct Pattern {
    text: Box<str>,
    compiled: OnceLock<Result<Regex, String>>,
}

impl Pattern {
    /// An expression that is compiled when it is first used.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            compiled: OnceLock::new(),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches somewhere in `haystack`, or what is wrong with it.
    pub fn is_match(&self, haystack: &str) -> Result<bool, &str> {
        let compiled = self.compiled.get_or_init(|| compile(&self.text));
        compiled
            .as_ref()
            .map(|regex| regex.is_match(haystack))
            .map_err(String::as_str)
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(BYTES_MAX)
        .build()
        .map_err(|error| error.to_string())
}
