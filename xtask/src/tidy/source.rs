//! The files of the work tree, and what each is: its language, its role, and where its tests begin.
//!
//! Reads what git knows or would add; ignored and binary files don't exist here.

use std::{collections::BTreeSet, fs, ops::Range, path::Path, process::Command};

use super::lexer::{Masked, closing, line_of, words};

/// What a file is written in, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Go,
    Python,
    Shell,
    Markdown,
    Other,
}

/// What a file is for. Rules for production code leave tests and examples alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Library,
    Binary,
    Test,
    Example,
}

/// One text file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) language: Language,
    pub(crate) role: Role,
    /// Comments and literals blanked; the text itself where it isn't Rust.
    pub(crate) masked: Masked,
    /// Byte ranges under `#[cfg(test)]`.
    pub(crate) tests: Vec<Range<usize>>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let language = language(path, text);
        let masked = match language {
            Language::Rust => Masked::new(text),
            _ => Masked {
                code: text.to_owned(),
                comments: Vec::new(),
            },
        };
        let tests = if language == Language::Rust {
            test_ranges(&masked.code)
        } else {
            Vec::new()
        };
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            language,
            role: role(path),
            masked,
            tests,
        }
    }

    /// Whether the byte at this offset is production code.
    pub(crate) fn is_production(&self, offset: usize) -> bool {
        matches!(self.role, Role::Library | Role::Binary)
            && !self.tests.iter().any(|range| range.contains(&offset))
    }

    pub(crate) fn line(&self, offset: usize) -> usize {
        line_of(&self.text, offset)
    }

    /// `crates/wire` for `crates/wire/src/lib.rs`.
    pub(crate) fn package(&self) -> &str {
        for folder in ["/src/", "/tests/", "/examples/", "/benches/"] {
            if let Some((package, _)) = self.path.split_once(folder) {
                return package;
            }
        }
        ""
    }
}

fn language(path: &str, text: &str) -> Language {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("rs") => Language::Rust,
        Some("go") => Language::Go,
        Some("py") => Language::Python,
        Some("sh") => Language::Shell,
        Some("md") => Language::Markdown,
        _ if text.starts_with("#!")
            && text.lines().next().is_some_and(|line| line.ends_with("sh")) =>
        {
            Language::Shell
        }
        _ => Language::Other,
    }
}

/// By name alone; `load` corrects what needs the other files.
fn role(path: &str) -> Role {
    let has = |folder: &str| path.contains(folder) || path.starts_with(&folder[1..]);
    if has("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_test.go") {
        Role::Test
    } else if has("/examples/") || has("/benches/") || path.ends_with("build.rs") {
        Role::Example
    } else if path.ends_with("/main.rs") || has("/bin/") || !path.ends_with(".rs") {
        Role::Binary
    } else {
        Role::Library
    }
}

/// The items behind `#[cfg(test)]` or `#[cfg(all(test, …))]`, braces included.
fn test_ranges(code: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for start in test_attributes(code) {
        let item = skip_attributes(code, start);
        let rest = &code[item..];
        let end = match (rest.find('{'), rest.find(';')) {
            (Some(brace), semicolon) if semicolon.is_none_or(|at| brace < at) => {
                closing(code, item + brace)
            }
            (_, Some(semicolon)) => item + semicolon + 1,
            _ => code.len(),
        };
        ranges.push(start..end);
    }
    ranges
}

fn test_attributes(code: &str) -> Vec<usize> {
    ["#[cfg(test)]", "#[cfg(all(test,"]
        .iter()
        .flat_map(|needle| words(code, needle))
        .collect()
}

/// The offset of the item that the attributes at `at` belong to.
fn skip_attributes(code: &str, mut at: usize) -> usize {
    while code[at..].starts_with("#[") {
        at = closing(code, at + 1);
        at += code[at..].len() - code[at..].trim_start().len();
    }
    at
}

/// Names of modules that a file declares for tests only: `#[cfg(test)] mod name;`.
fn test_modules(source: &Source) -> Vec<String> {
    let mut names = Vec::new();
    for range in &source.tests {
        let item =
            &source.masked.code[skip_attributes(&source.masked.code, range.start)..range.end];
        if let Some(name) = item
            .strip_suffix(';')
            .and_then(|rest| rest.trim_start().strip_prefix("mod "))
        {
            names.push(name.trim().to_owned());
        }
    }
    names
}

/// Every text file that git has or would add, in order of path.
pub(crate) fn load(root: &Path) -> Result<Vec<Source>, String> {
    let listing = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run git: {error}"))?;
    if !listing.status.success() {
        return Err(format!(
            "git ls-files failed: {}",
            String::from_utf8_lossy(&listing.stderr)
        ));
    }
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let paths: BTreeSet<&str> = listing
        .split('\0')
        .filter(|path| !path.is_empty())
        .collect();
    let mut sources: Vec<Source> = paths
        .into_iter()
        // A file can be deleted but not yet committed, or no text: neither is checked.
        .filter_map(|path| {
            fs::read_to_string(root.join(path))
                .ok()
                .map(|text| Source::new(path, &text))
        })
        .collect();
    correct_roles(&mut sources);
    Ok(sources)
}

/// A crate without `lib.rs` is a program; a file declared under `#[cfg(test)]` is a test.
fn correct_roles(sources: &mut [Source]) {
    let libraries: BTreeSet<String> = sources
        .iter()
        .filter(|source| source.path.ends_with("/src/lib.rs"))
        .map(|source| source.package().to_owned())
        .collect();
    let mut test_stems = Vec::new();
    for source in sources.iter() {
        let folder = source
            .path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let stem = source.path.trim_end_matches(".rs");
        for name in test_modules(source) {
            test_stems.push(match stem.rsplit('/').next() {
                Some("lib" | "main") => format!("{folder}/{name}"),
                _ => format!("{stem}/{name}"),
            });
        }
    }
    for source in sources
        .iter_mut()
        .filter(|source| source.language == Language::Rust)
    {
        let stem = source.path.trim_end_matches(".rs");
        if test_stems
            .iter()
            .any(|test| stem == test || stem.starts_with(&format!("{test}/")))
        {
            source.role = Role::Test;
        } else if source.role == Role::Library && !libraries.contains(source.package()) {
            source.role = Role::Binary;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, Role, Source, correct_roles};

    #[test]
    fn names_tell_language_and_role() {
        let check = |path: &str, text: &str, language: Language, role: Role| {
            let source = Source::new(path, text);
            assert_eq!((source.language, source.role), (language, role), "{path}");
        };
        check("crates/a/src/lib.rs", "", Language::Rust, Role::Library);
        check("crates/a/src/main.rs", "", Language::Rust, Role::Binary);
        check("crates/a/src/bin/x.rs", "", Language::Rust, Role::Binary);
        check("crates/a/tests/x.rs", "", Language::Rust, Role::Test);
        check("crates/a/src/b/tests.rs", "", Language::Rust, Role::Test);
        check("crates/a/examples/x.rs", "", Language::Rust, Role::Example);
        check(
            "scripts/x",
            "#!/usr/bin/env bash\n",
            Language::Shell,
            Role::Binary,
        );
        check("a/x_test.go", "", Language::Go, Role::Test);
    }

    #[test]
    fn test_items_are_not_production() {
        let text =
            "fn a() {}\n#[cfg(test)]\n#[expect(x)]\nmod tests { fn b() { c(\"}\") } }\nfn d() {}";
        let source = Source::new("crates/a/src/lib.rs", text);
        let production = |word: &str| text.find(word).is_some_and(|at| source.is_production(at));
        assert!(production("fn a"));
        assert!(!production("fn b"));
        assert!(production("fn d"));
    }

    #[test]
    fn roles_follow_the_declaring_file() {
        let mut sources = vec![
            Source::new(
                "crates/a/src/lib.rs",
                "#[cfg(test)]\nmod fixture;\nmod real;",
            ),
            Source::new("crates/a/src/fixture.rs", ""),
            Source::new("crates/a/src/fixture/deep.rs", ""),
            Source::new("crates/a/src/real.rs", "#[cfg(test)] mod check;"),
            Source::new("crates/a/src/real/check.rs", ""),
            Source::new("crates/b/src/main.rs", ""),
            Source::new("crates/b/src/part.rs", ""),
        ];
        correct_roles(&mut sources);
        let roles: Vec<Role> = sources.iter().map(|source| source.role).collect();
        assert_eq!(
            roles,
            [
                Role::Library,
                Role::Test,
                Role::Test,
                Role::Library,
                Role::Test,
                Role::Binary,
                Role::Binary
            ]
        );
    }
}
