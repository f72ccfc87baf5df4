//! The strict decoder's list: which fields are there twice.

use crate::gotext::quote;
use std::{collections::HashSet, fmt::Write};

/// As many complaints as the strict decoder keeps.
const COMPLAINTS_MAX: usize = 100;

/// Collects duplicate fields: each path once, in the order of reading.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    seen: HashSet<String>,
    texts: Vec<String>,
}

/// A step from a container to what is in it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// The field that is being read.
    Key(&'a str),
    /// The item that is being read.
    Index(usize),
}

impl Duplicates {
    pub(super) fn is_full(&self) -> bool {
        self.texts.len() >= COMPLAINTS_MAX
    }

    pub(super) fn add<'a>(&mut self, above: impl Iterator<Item = Step<'a>>, field: &'a str) {
        let mut path = String::new();
        let mut is_root = true;
        for step in above.chain([Step::Key(field)]) {
            match step {
                Step::Key(key) if is_root => path.push_str(key),
                Step::Key(key) => {
                    path.push('.');
                    path.push_str(key);
                }
                Step::Index(index) => {
                    write!(path, "[{index}]").expect("invariant: writing to a String succeeds");
                }
            }
            is_root = false;
        }
        if self.seen.insert(path.clone()) {
            self.texts.push(format!("duplicate field {}", quote(&path)));
        }
    }

    pub(super) fn into_texts(self) -> Vec<String> {
        self.texts
    }
}
