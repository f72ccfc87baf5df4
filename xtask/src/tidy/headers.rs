//! Rule: every source file opens by saying what it is.
//!
//! Rust files begin with `//!`; Go, Python and shell files with a comment (after a `#!` line).

use super::{
    Violation,
    source::{Language, Source},
};

const RULE: &str = "header";

pub(crate) fn check(source: &Source, found: &mut Vec<Violation>) {
    let (starts, advice): (&[&str], &str) = match source.language {
        Language::Rust => (
            &["//!"],
            "begin with `//!`: what the file is, and what it isn't",
        ),
        Language::Go => (&["//", "/*"], "begin with a comment: what the file is"),
        Language::Python => (
            &["#", "\"\"\""],
            "begin with a comment or a docstring: what the file is",
        ),
        Language::Shell => (&["#"], "begin with a comment: what the script does"),
        Language::Markdown | Language::Other => return,
    };
    // A build constraint is no description.
    let first = source.text.lines().map(str::trim).find(|line| {
        !line.is_empty() && !line.starts_with("#!/") && !line.starts_with("//go:build")
    });
    let described = first.is_some_and(|line| {
        starts.iter().any(|start| {
            line.strip_prefix(start)
                .is_some_and(|rest| !rest.trim().is_empty())
        }) || line == "\"\"\""
    });
    if !described {
        found.push(Violation::new(&source.path, 1, RULE, advice));
    } else if source.language == Language::Rust
        && first.is_some_and(|line| line == "//! Placeholder.")
    {
        found.push(Violation::new(
            &source.path,
            1,
            RULE,
            "say what the file is; \"placeholder\" isn't it",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::source::Source;

    fn complaints(path: &str, text: &str) -> usize {
        let mut found = Vec::new();
        check(&Source::new(path, text), &mut found);
        found.len()
    }

    #[test]
    fn accepts_described_files() {
        assert_eq!(complaints("a.rs", "//! What it is.\nfn a() {}"), 0);
        assert_eq!(
            complaints(
                "a.go",
                "//go:build linux\n\n// Package a does b.\npackage a"
            ),
            0
        );
        assert_eq!(
            complaints("a.py", "#!/usr/bin/env python3\n\"\"\"What it is.\"\"\""),
            0
        );
        assert_eq!(
            complaints("a.sh", "#!/usr/bin/env bash\n# What it does."),
            0
        );
        assert_eq!(complaints("a.toml", "x = 1"), 0);
    }

    #[test]
    fn rejects_silent_files() {
        assert_eq!(complaints("a.rs", "fn a() {}"), 1);
        assert_eq!(complaints("a.rs", "//!\nfn a() {}"), 1);
        assert_eq!(complaints("a.rs", "//! Placeholder.\n"), 1);
        assert_eq!(complaints("a.go", "package a"), 1);
        assert_eq!(complaints("a.py", "import os"), 1);
        assert_eq!(complaints("a.sh", "#!/usr/bin/env bash\nset -eu"), 1);
    }
}
