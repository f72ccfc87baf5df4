//! Errors of compilation, printed as cel-go prints them: with place, line and a mark.

use std::fmt::Write as _;

/// Where in the source: a line from 1, a column in code points from 0. The line -1 is nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: i32,
    pub(crate) column: i32,
}

/// Nowhere in the source.
pub(crate) const NOWHERE: Place = Place {
    line: -1,
    column: -1,
};

const MOST: usize = 100;
const LONGEST_SNIPPET: usize = 16384;

/// All errors of one expression.
#[derive(Debug, Default)]
pub(crate) struct Issues {
    list: Vec<(Place, String)>,
    count: usize,
}

impl Issues {
    pub(crate) fn report(&mut self, place: Place, message: impl Into<String>) {
        self.count += 1;
        if self.count <= MOST {
            self.list.push((place, message.into()));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The text of all, ordered by place.
    pub(crate) fn display(mut self, source: &str) -> String {
        self.list.sort_by_key(|(place, _)| *place);
        let mut out = String::new();
        for (index, (place, message)) in self.list.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            one(&mut out, source, *place, message);
        }
        if self.count > MOST {
            let _ = write!(out, "\n{} more errors were truncated", self.count - MOST);
        }
        out
    }
}

fn one(out: &mut String, source: &str, place: Place, message: &str) {
    let _ = write!(
        out,
        "ERROR: <input>:{}:{}: {message}",
        place.line,
        place.column + 1
    );
    let line = usize::try_from(place.line - 1).ok();
    let Some(snippet) = line.and_then(|line| source.split('\n').nth(line)) else {
        return;
    };
    if snippet.len() > LONGEST_SNIPPET {
        return;
    }
    let snippet = snippet.replace('\t', " ");
    let _ = write!(out, "\n | {snippet}\n | ");
    let mut chars = snippet.chars();
    for _ in 0..place.column.max(0) {
        match chars.next() {
            None => break,
            Some(c) if c.len_utf8() > 1 => out.push('\u{ff0e}'),
            Some(_) => out.push('.'),
        }
    }
    match chars.next() {
        Some(c) if c.len_utf8() > 1 => out.push('\u{ff3e}'),
        _ => out.push('^'),
    }
}
