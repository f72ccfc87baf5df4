//! Rule: what Markdown files name exists, and every crate appears in `ARCHITECTURE.md`.
//!
//! Looks at words in backticks that look like paths of this tree or names of its crates, and at relative links.

use std::collections::BTreeSet;

use super::{
    Violation,
    lexer::line_of,
    metadata::Package,
    source::{Language, Source},
};

const RULE: &str = "document";
const MAP: &str = "ARCHITECTURE.md";

/// Words that look like a path or a crate's name and are something else.
const OTHER_NAMES: &[&str] = &["mod.rs", "tidegate-sample"];

/// Checks the documents against the paths that exist: files, and the folders that hold them.
pub(crate) fn check(
    sources: &[Source],
    paths: &BTreeSet<String>,
    packages: &[Package],
    found: &mut Vec<Violation>,
) {
    let top: BTreeSet<&str> = paths
        .iter()
        .filter_map(|path| path.split_once('/'))
        .map(|(first, _)| first)
        .collect();
    let crates: BTreeSet<&str> = packages
        .iter()
        .filter(|package| package.member)
        .map(|package| package.name.as_str())
        .collect();
    for source in sources
        .iter()
        .filter(|source| source.language == Language::Markdown)
    {
        if source.path == MAP {
            check_map(source, &crates, found);
        }
        // History may name what is gone.
        if source.path == "CHANGELOG.md" {
            continue;
        }
        for (offset, word) in spans(&source.text) {
            let line = line_of(&source.text, offset);
            if looks_like_path(word, &top) && !exists(source, word, paths) {
                found.push(Violation::new(
                    &source.path,
                    line,
                    RULE,
                    &format!("`{word}` doesn't exist"),
                ));
            } else if looks_like_crate(word) && !crates.contains(word) {
                found.push(Violation::new(
                    &source.path,
                    line,
                    RULE,
                    &format!("no crate is called `{word}`"),
                ));
            }
        }
        for (offset, target) in links(&source.text) {
            if !exists(source, target, paths) {
                let line = line_of(&source.text, offset);
                found.push(Violation::new(
                    &source.path,
                    line,
                    RULE,
                    &format!("the link to `{target}` is broken"),
                ));
            }
        }
    }
}

fn check_map(source: &Source, crates: &BTreeSet<&str>, found: &mut Vec<Violation>) {
    for name in crates {
        if !source.text.contains(&format!("`{name}`")) {
            found.push(Violation::new(
                MAP,
                1,
                RULE,
                &format!("the crate `{name}` isn't on the map"),
            ));
        }
    }
}

/// Words between single backticks, outside fenced blocks.
fn spans(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (offset, line) in prose(text) {
        let mut at = offset;
        for (index, part) in line.split('`').enumerate() {
            if index % 2 == 1 {
                found.push((at, part));
            }
            at += part.len() + 1;
        }
    }
    found
}

/// Targets of `[text](target)` that aren't URLs, without `#fragment`.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (offset, line) in prose(text) {
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push((offset + at, target));
            }
        }
    }
    found
}

/// Lines outside fenced blocks, with their offsets.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let (mut offset, mut fenced) = (0, false);
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.push((offset, line));
        }
        offset += line.len();
    }
    found
}

/// A path begins with a top folder, or is a file's name with an ending that only files have.
fn looks_like_path(word: &str, top: &BTreeSet<&str>) -> bool {
    if OTHER_NAMES.contains(&word)
        || word.contains(|c: char| c.is_whitespace() || "*<>{}$…:=()|\"'".contains(c))
    {
        return false;
    }
    match word.split_once('/') {
        Some((first, _)) => top.contains(first),
        None => [
            ".rs", ".toml", ".md", ".sh", ".py", ".go", ".ratchet", ".lock",
        ]
        .iter()
        .any(|end| {
            word.strip_suffix(end)
                .is_some_and(|stem| !stem.is_empty() && !stem.starts_with('.'))
        }),
    }
}

fn looks_like_crate(word: &str) -> bool {
    word.strip_prefix("tidegate-").is_some_and(|rest| {
        !OTHER_NAMES.contains(&word)
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_lowercase())
    })
}

/// Relative to the root or to the document's folder; a bare file name may be anywhere.
fn exists(source: &Source, word: &str, paths: &BTreeSet<String>) -> bool {
    let word = word.trim_end_matches('/').trim_start_matches("./");
    let beside = source
        .path
        .rsplit_once('/')
        .map(|(folder, _)| join(folder, word));
    paths.contains(word)
        || beside.is_some_and(|path| paths.contains(&path))
        || (!word.contains('/') && paths.iter().any(|path| path.ends_with(&format!("/{word}"))))
}

/// `docs` and `../a` make `a`.
fn join(folder: &str, word: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in word.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// The files and every folder above them.
pub(crate) fn paths(sources: &[Source]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources {
        found.insert(source.path.clone());
        for (at, _) in source.path.match_indices('/') {
            found.insert(source.path[..at].to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{check, paths};
    use crate::tidy::{metadata::Package, source::Source};

    fn complaints(path: &str, text: &str) -> String {
        let sources = [
            Source::new(path, text),
            Source::new("crates/wire/src/lib.rs", ""),
            Source::new("docs/contract.md", ""),
            Source::new("Makefile", ""),
        ];
        let package = Package {
            name: "tidegate-wire".to_owned(),
            member: true,
            ..Package::default()
        };
        let mut found = Vec::new();
        check(&sources, &paths(&sources), &[package], &mut found);
        found
            .iter()
            .map(|violation| violation.advice.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn accepts_what_exists() {
        assert_eq!(
            complaints(
                "a.md",
                "`crates/wire`, `crates/wire/src/lib.rs`, `Makefile`, `contract.md`"
            ),
            ""
        );
        assert_eq!(
            complaints(
                "docs/a.md",
                "[b](contract.md#c) [d](../Makefile) [e](https://f.g)"
            ),
            ""
        );
        assert_eq!(
            complaints(
                "a.md",
                "`tidegate-wire`, `tidegate watch`, `crates/*`, `get::<Pod>()`, `a/b`"
            ),
            ""
        );
        assert_eq!(complaints("a.md", "```\n`crates/gone`\n```\n"), "");
        assert_eq!(complaints("CHANGELOG.md", "`crates/gone`"), "");
    }

    #[test]
    fn rejects_what_does_not() {
        assert_eq!(
            complaints("a.md", "x\n`crates/gone`"),
            "`crates/gone` doesn't exist"
        );
        assert_eq!(
            complaints("a.md", "`gone.toml`"),
            "`gone.toml` doesn't exist"
        );
        assert_eq!(
            complaints("a.md", "`tidegate-gone`"),
            "no crate is called `tidegate-gone`"
        );
        assert_eq!(
            complaints("a.md", "[b](docs/gone.md)"),
            "the link to `docs/gone.md` is broken"
        );
    }

    #[test]
    fn the_map_names_every_crate() {
        assert_eq!(complaints("ARCHITECTURE.md", "`tidegate-wire`"), "");
        assert_eq!(
            complaints("ARCHITECTURE.md", "wire"),
            "the crate `tidegate-wire` isn't on the map"
        );
    }
}
