//! JSONPath as client-go has it: fields, quoted keys, indexes and slices, wildcards, unions, filters and `..`.
//!
//! What only templates need (`range` and `end`) is not here: a path with them finds nothing.

mod compare;
mod eval;
mod parse;

use serde_json::Value;

pub(crate) use self::eval::Item;

/// A template that was parsed: the blocks in braces, and the text between them.
#[derive(Debug, Clone)]
pub struct JsonPath {
    blocks: Vec<Vec<Step>>,
}

#[derive(Debug, Clone)]
enum Step {
    Text(String),
    Field(String),
    Slice(Slice),
    Filter {
        left: Vec<Step>,
        operator: String,
        right: Vec<Step>,
    },
    Int(i64),
    Float(f64),
    Bool(bool),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Step>>),
    /// A word, which is always a fault where it is evaluated.
    Word,
}

/// `[from:to:step]`.
#[derive(Debug, Clone, Copy)]
struct Slice {
    from: Option<i64>,
    to: Option<i64>,
    /// `to` isn't written but follows from a single index.
    to_derived: bool,
    step: Option<i64>,
}

impl JsonPath {
    /// Parses a path without its braces; none where client-go refuses it.
    pub fn parse(path: &str) -> Option<Self> {
        Some(Self {
            blocks: parse::parse(&format!("{{{path}}}"))?,
        })
    }

    /// What the first block finds; none where any block fails.
    pub(crate) fn find<'a>(&'a self, object: &'a Value) -> Option<Vec<Item<'a>>> {
        let mut first = None;
        for block in &self.blocks {
            let found = eval::walk(vec![Item::Tree(object)], block).ok()?;
            first.get_or_insert(found);
        }
        first
    }
}
