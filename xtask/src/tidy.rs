//! Tidy: the house rules that a program can check, and the numbers that tell where the code is going.
//!
//! Each rule is a module with tests that accept and reject. `CONTRIBUTING.md` explains the rules.

mod documents;
mod edges;
mod functions;
mod headers;
mod lexer;
mod licences;
mod metadata;
mod numbers;
mod promises;
mod sizes;
mod source;
mod words;

use std::{
    fmt::{self, Display},
    fs,
    path::{Path, PathBuf},
};

/// One place that breaks one rule, and what to do about it.
#[derive(Debug)]
pub(crate) struct Violation {
    path: String,
    /// 1-based; 0 where no line is to blame.
    line: usize,
    rule: &'static str,
    advice: String,
}

impl Violation {
    fn new(path: &str, line: usize, rule: &'static str, advice: &str) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            advice: advice.to_owned(),
        }
    }
}

impl Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: [{}] {}", self.path, self.rule, self.advice),
            line => write!(
                formatter,
                "{}:{line}: [{}] {}",
                self.path, self.rule, self.advice
            ),
        }
    }
}

/// Checks the work tree. `Ok` is the numbers; `Err` the numbers and every violation.
pub(crate) fn run() -> Result<String, String> {
    let root = root();
    let read = |path: &str| {
        fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))
    };
    let sources = source::load(&root)?;
    let packages = metadata::load(&root)?;
    let ratchet = sizes::Ratchet::parse(&read(sizes::RATCHET)?)?;
    let policy = licences::Policy::parse(&read(licences::POLICY)?)?;

    let mut found = Vec::new();
    for source in &sources {
        headers::check(source, &mut found);
        words::check(source, &mut found);
    }
    sizes::check(&sources, ratchet, &mut found);
    promises::check(&sources, &mut found);
    edges::check(&packages, &mut found);
    licences::check(&packages, &policy, &mut found);
    documents::check(&sources, &documents::paths(&sources), &packages, &mut found);
    let numbers = numbers::Numbers::new(&sources, &packages, &read("Cargo.lock")?);
    numbers.check(&mut found);

    if found.is_empty() {
        return Ok(format!(
            "{numbers}\ntidy: {} files, no violation",
            sources.len()
        ));
    }
    found.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    let list: String = found
        .iter()
        .map(|violation| format!("{violation}\n"))
        .collect();
    Err(format!(
        "{numbers}\n{list}tidy: {} violations in {} files",
        found.len(),
        sources.len()
    ))
}

/// The root of the work tree: the folder above this crate.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_work_tree_is_tidy() {
        if let Err(complaint) = super::run() {
            panic!("{complaint}");
        }
    }
}
