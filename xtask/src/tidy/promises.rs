//! Rule: a contract's promises are kept by tests of the same name.
//!
//! A crate writes its promises in `src/contract.rs` as **`name`** in bold; some test of that crate must be
//! called `name`.

use std::collections::BTreeSet;

use super::{
    Violation,
    lexer::words,
    source::{Language, Source},
};

const RULE: &str = "promise";

pub(crate) fn check(sources: &[Source], found: &mut Vec<Violation>) {
    for contract in sources
        .iter()
        .filter(|source| source.path.ends_with("/src/contract.rs"))
    {
        let tests: BTreeSet<&str> = sources
            .iter()
            .filter(|source| source.language == Language::Rust)
            .filter(|source| source.package() == contract.package())
            .flat_map(test_names)
            .collect();
        for (offset, name) in promises(&contract.text) {
            if !tests.contains(name) {
                let advice = format!("no test is called `{name}`");
                found.push(Violation::new(
                    &contract.path,
                    contract.line(offset),
                    RULE,
                    &advice,
                ));
            }
        }
    }
}

/// Names in bold and backticks.
fn promises(text: &str) -> Vec<(usize, &str)> {
    text.match_indices("**`")
        .filter_map(|(at, open)| {
            text[at + open.len()..]
                .split_once("`**")
                .map(|(name, _)| (at, name))
        })
        .filter(|(_, name)| !name.contains(char::is_whitespace))
        .collect()
}

/// Names of functions that aren't production code.
fn test_names(source: &Source) -> Vec<&str> {
    let code = &source.masked.code;
    let functions = words(code, "fn")
        .into_iter()
        .filter(|at| !source.is_production(*at));
    let names = functions.map(|at| code[at + 2..].trim_start());
    names
        .filter_map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::source::Source;

    fn complaints(test: &str) -> String {
        let sources = [
            Source::new(
                "crates/a/src/contract.rs",
                "//! - **`keeps_order`**: always.\n//! **Not a promise.**",
            ),
            Source::new(
                "crates/a/src/lib.rs",
                "fn other() {}\n#[cfg(test)] mod tests { fn inner() {} }",
            ),
            Source::new("crates/a/tests/contract.rs", &format!("fn {test}() {{}}")),
            Source::new("crates/b/tests/contract.rs", "fn keeps_order() {}"),
        ];
        let mut found = Vec::new();
        check(&sources, &mut found);
        found
            .iter()
            .map(|violation| violation.advice.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn accepts_kept_promises() {
        assert_eq!(complaints("keeps_order"), "");
    }

    #[test]
    fn rejects_promises_without_a_test() {
        assert_eq!(complaints("keeps"), "no test is called `keeps_order`");
    }
}
