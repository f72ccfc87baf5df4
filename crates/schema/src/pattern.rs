//! Regular expressions of schemas: Go's syntax and its words for faults, matched in linear time by `regex`.
//!
//! The two differ (`\d` is ASCII in Go, `[a&&b]` has no operator, `a{,3}` and `\Q…\E` mean something else), so an
//! expression is read as Go reads it and written anew. Compiled when first used.

mod class;
mod escape;
mod flags;
mod translate;

use regex::{Regex, RegexBuilder};
use std::sync::OnceLock;

/// How much memory one compiled expression may take.
const BYTES_MAX: usize = 10 << 20;

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

    /// Whether it matches somewhere in `haystack`, or what Go says is wrong with it: ``error parsing regexp: missing
    /// closing ): `(` ``.
    pub fn is_match(&self, haystack: &str) -> Result<bool, &str> {
        self.compiled().map(|regex| regex.is_match(haystack))
    }

    /// What it matches in `haystack`, from left to right, or what Go says is wrong with it.
    pub fn find_iter<'h>(&self, haystack: &'h str) -> Result<impl Iterator<Item = &'h str>, &str> {
        let regex = self.compiled()?;
        Ok(regex.find_iter(haystack).map(|found| found.as_str()))
    }

    /// Whether it can be compiled, or what Go says is wrong with it.
    pub fn check(&self) -> Result<(), &str> {
        self.compiled().map(drop)
    }

    fn compiled(&self) -> Result<&Regex, &str> {
        let compiled = self.compiled.get_or_init(|| compile(&self.text));
        compiled.as_ref().map_err(String::as_str)
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    let say = |fault: Fault| format!("error parsing regexp: {}: `{}`", fault.words, fault.text);
    let translated = translate::translate(text).map_err(say)?;
    let built = RegexBuilder::new(&translated)
        .size_limit(BYTES_MAX)
        .nest_limit(4 * translate::HEIGHT_MAX)
        .build();
    // All else that could be wrong was found before.
    built.map_err(|_| say(Fault::new("expression too large", text)))
}

/// What is wrong with an expression: Go's words, and the part that is meant.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    words: &'static str,
    text: String,
}

impl Fault {
    fn new(words: &'static str, text: &str) -> Self {
        Self {
            words,
            text: text.to_owned(),
        }
    }
}

/// The part of `whole` before what is left of it.
fn before<'a>(whole: &'a str, rest: &str) -> &'a str {
    &whole[..whole.len() - rest.len()]
}

/// The first character, and what follows it.
fn next(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    chars.next().map(|c| (c, chars.as_str()))
}
