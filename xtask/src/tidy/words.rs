//! Rule: banned words, each with what to write in its place.
//!
//! Rust rules look at code only, never inside comments or literals; the rules on text look at everything.

use super::{
    Violation,
    lexer::{closing, line_of, words},
    source::{Language, Role, Source},
};

const RULE: &str = "word";

/// Where a banned word is banned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All Rust code.
    Rust,
    /// Rust code that ships: no tests, no examples.
    Production,
    /// Production code of libraries.
    Library,
    /// Production code without IO and clocks: see `PURE`.
    Pure,
}

const BANNED: &[(&str, Scope, &str)] = &[
    (
        ".unwrap()",
        Scope::Production,
        "return an error with `?`, or `.expect(\"invariant: …\")`",
    ),
    (".unwrap_err()", Scope::Production, "match on the error"),
    ("dbg!(", Scope::Rust, "use `tracing`, or remove it"),
    (
        "todo!(",
        Scope::Rust,
        "write it, or return an error that says so",
    ),
    (
        "unimplemented!(",
        Scope::Rust,
        "write it, or return an error that says so",
    ),
    (
        "println!(",
        Scope::Library,
        "use `tracing`: a library owns no terminal",
    ),
    (
        "print!(",
        Scope::Library,
        "use `tracing`: a library owns no terminal",
    ),
    (
        "eprintln!(",
        Scope::Library,
        "use `tracing`: a library owns no terminal",
    ),
    (
        "eprint!(",
        Scope::Library,
        "use `tracing`: a library owns no terminal",
    ),
    (
        "#[allow(",
        Scope::Rust,
        "use `#[expect(…, reason = \"…\")]`",
    ),
    (
        "#![allow(",
        Scope::Rust,
        "use `#![expect(…, reason = \"…\")]`",
    ),
    ("Instant::now", Scope::Pure, "take the time as an argument"),
    (
        "SystemTime::now",
        Scope::Pure,
        "take the time as an argument",
    ),
    (
        "std::net",
        Scope::Pure,
        "bytes in, values out: move the IO to the caller",
    ),
    (
        "std::fs",
        Scope::Pure,
        "bytes in, values out: move the IO to the caller",
    ),
    ("std::thread", Scope::Pure, "leave threads to the caller"),
    (
        "tokio::",
        Scope::Pure,
        "bytes in, values out: move the IO to the caller",
    ),
    (
        "hyper::",
        Scope::Pure,
        "bytes in, values out: move the IO to the caller",
    ),
];

/// Files that do no IO and read no clock, by how their paths begin.
const PURE: &[&str] = &[
    "crates/wire/src/",
    "crates/pack/src/",
    "crates/informer/src/cache",
    "crates/informer/src/handlers/queue.rs",
    "crates/informer/src/reflector",
];

/// What a to-do mark may be about.
const TODO_CLASSES: &[&str] = &["correctness", "performance", "feature", "docs", "test"];

/// Paths of one machine, and hosts of package registries. Split, so that this file passes itself.
const PLACES: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("crates", ".io"), "a registry's host"),
    (concat!("proxy.gol", "ang.org"), "a registry's host"),
    (concat!("sum.gol", "ang.org"), "a registry's host"),
    (concat!("npm", "js.org"), "a registry's host"),
    (concat!("py", "pi.org"), "a registry's host"),
    (concat!("python", "hosted.org"), "a registry's host"),
    (concat!("repo.maven", ".apache.org"), "a registry's host"),
    (concat!("deb.deb", "ian.org"), "a registry's host"),
];

pub(crate) fn check(source: &Source, found: &mut Vec<Violation>) {
    if source.path.ends_with("/mod.rs") {
        found.push(Violation::new(
            &source.path,
            1,
            RULE,
            "`mod.rs`: use `name.rs` beside the folder `name`",
        ));
    }
    if source.language == Language::Rust {
        banned(source, found);
        expectations(source, found);
        lint_reasons(source, found);
        globs(source, found);
    }
    todo_marks(source, found);
    if !is_lock_file(&source.path) {
        places(source, found);
    }
}

fn complain(source: &Source, offset: usize, advice: &str, found: &mut Vec<Violation>) {
    found.push(Violation::new(
        &source.path,
        source.line(offset),
        RULE,
        advice,
    ));
}

fn banned(source: &Source, found: &mut Vec<Violation>) {
    let pure = PURE.iter().any(|start| source.path.starts_with(start));
    for (word, scope, instead) in BANNED {
        for at in words(&source.masked.code, word) {
            let applies = match scope {
                Scope::Rust => true,
                Scope::Production => source.is_production(at),
                Scope::Library => source.is_production(at) && source.role == Role::Library,
                Scope::Pure => source.is_production(at) && pure,
            };
            if applies {
                complain(source, at, &format!("`{word}`: {instead}"), found);
            }
        }
    }
}

/// `expect` in production code names the invariant that makes it safe.
fn expectations(source: &Source, found: &mut Vec<Violation>) {
    for at in words(&source.masked.code, ".expect(") {
        let argument = source.text[at + ".expect(".len()..].trim_start();
        // A parser's own `expect(Token)` is something else.
        let message = argument.starts_with('"') || argument.starts_with("&format!");
        if message && source.is_production(at) && !argument.starts_with("\"invariant: ") {
            complain(
                source,
                at,
                "`expect`: begin with `invariant: ` and say why it holds, or return an error",
                found,
            );
        }
    }
}

fn lint_reasons(source: &Source, found: &mut Vec<Violation>) {
    for needle in ["#[expect(", "#![expect("] {
        for at in words(&source.masked.code, needle) {
            let open = at + needle.len() - 1;
            let end = closing(&source.masked.code, open);
            if words(&source.masked.code[open..end], "reason").is_empty() {
                complain(source, at, "`#[expect(…)]`: add `reason = \"…\"`", found);
            }
        }
    }
}

/// No `use x::*`, in tests neither: names keep their origin.
fn globs(source: &Source, found: &mut Vec<Violation>) {
    let code = &source.masked.code;
    for at in words(code, "use") {
        let Some(end) = code[at..].find(';') else {
            continue;
        };
        // `use<'a>` is a bound.
        if code[at..at + end].contains('*') && !code[at + 3..].trim_start().starts_with('<') {
            complain(source, at, "glob import: name what you use", found);
        }
    }
}

/// A bare mark says neither how bad nor whose it is.
fn todo_marks(source: &Source, found: &mut Vec<Violation>) {
    let comments: Vec<(usize, &str)> = match source.language {
        Language::Rust => source
            .masked
            .comments
            .iter()
            .map(|(at, text)| (*at, text.as_str()))
            .collect(),
        Language::Go | Language::Python | Language::Shell => comment_lines(source),
        Language::Markdown | Language::Other => return,
    };
    for (start, text) in comments {
        let mark = concat!("TO", "DO");
        for at in words(text, mark) {
            let class = text[at + mark.len()..]
                .strip_prefix('-')
                .unwrap_or_default();
            if !TODO_CLASSES.iter().any(|known| class.starts_with(known)) {
                let advice = format!(
                    "`{mark}`: give it a class: `{mark}-{}`",
                    TODO_CLASSES.join("`, `-")
                );
                complain(source, start + at, &advice, found);
            }
        }
        for word in [concat!("FIX", "ME"), concat!("XX", "X")] {
            for at in words(text, word) {
                complain(
                    source,
                    start + at,
                    &format!("`{word}`: use `{mark}-correctness`"),
                    found,
                );
            }
        }
    }
}

fn comment_lines(source: &Source) -> Vec<(usize, &str)> {
    let mark = if source.language == Language::Go {
        "//"
    } else {
        "#"
    };
    let mut offset = 0;
    let mut found = Vec::new();
    for line in source.text.split_inclusive('\n') {
        if let Some(at) = line.find(mark) {
            found.push((offset + at, &line[at..]));
        }
        offset += line.len();
    }
    found
}

/// Lock files are written by package managers, which name their registries.
fn is_lock_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".lock") || name.ends_with("-lock.json") || name == "go.sum"
}

fn places(source: &Source, found: &mut Vec<Violation>) {
    for (place, what) in PLACES {
        for (at, _) in source.text.match_indices(place) {
            let before = source.text[..at].chars().next_back();
            // `/homework/` and `a/work/b` in a URL are no such paths; `$HOME/…` doesn't match at all.
            if place.starts_with('/')
                && before.is_some_and(|c| c.is_alphanumeric() || "._-}$".contains(c))
            {
                continue;
            }
            let line = line_of(&source.text, at);
            found.push(Violation::new(
                &source.path,
                line,
                RULE,
                &format!("`{place}`: {what}"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::source::Source;

    fn complaints(path: &str, text: &str) -> String {
        let mut found = Vec::new();
        check(&Source::new(path, text), &mut found);
        found
            .iter()
            .map(|violation| violation.advice.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[track_caller]
    fn accepts(path: &str, text: &str) {
        assert_eq!(complaints(path, text), "", "{text}");
    }

    #[track_caller]
    fn rejects(path: &str, text: &str, word: &str) {
        let complaints = complaints(path, text);
        assert!(complaints.contains(word), "{text}: {complaints:?}");
    }

    const LIB: &str = "crates/a/src/lib.rs";

    #[test]
    fn unwrap() {
        rejects(LIB, "fn a() { b.unwrap() }", ".unwrap()");
        accepts(
            LIB,
            "// .unwrap()\nfn a() { b(\".unwrap()\").unwrap_or(1) }",
        );
        accepts(LIB, "#[cfg(test)] mod tests { fn a() { b.unwrap() } }");
        accepts("crates/a/tests/b.rs", "fn a() { b.unwrap() }");
    }

    #[test]
    fn expect_names_an_invariant() {
        accepts(LIB, "fn a() { b.expect(\"invariant: c is set by d\") }");
        accepts(LIB, "fn a() { parser.expect(Token::Comma) }");
        accepts("crates/a/tests/b.rs", "fn a() { b.expect(\"no\") }");
        rejects(LIB, "fn a() { b.expect(\"no\") }", "invariant");
        rejects(LIB, "fn a() { b.expect(&format!(\"no\")) }", "invariant");
        rejects(LIB, "fn a() { b\n.expect(\n\"no\",\n) }", "invariant");
    }

    #[test]
    fn macros() {
        for word in ["dbg!(", "todo!(", "unimplemented!("] {
            rejects(
                "crates/a/tests/b.rs",
                &format!("fn a() {{ {word}b) }}"),
                word,
            );
        }
        for word in ["println!(", "print!(", "eprintln!(", "eprint!("] {
            rejects(LIB, &format!("fn a() {{ {word}b) }}"), word);
            accepts("crates/a/src/main.rs", &format!("fn a() {{ {word}b) }}"));
            accepts("crates/a/examples/b.rs", &format!("fn a() {{ {word}b) }}"));
        }
        accepts(LIB, "fn a() { my_dbg!(b) }");
    }

    #[test]
    fn lints() {
        rejects(LIB, "#[allow(dead_code)] fn a() {}", "#[allow(");
        rejects(LIB, "#[expect(dead_code)] fn a() {}", "reason");
        accepts(LIB, "#[expect(dead_code, reason = \"b\")] fn a() {}");
    }

    #[test]
    fn glob_imports() {
        rejects(LIB, "use a::*;", "glob");
        rejects(LIB, "pub use a::{b, c::*};", "glob");
        rejects("crates/a/tests/b.rs", "mod c { use super::*; }", "glob");
        accepts(LIB, "use a::{b, c};\nfn d(x: &u8) -> u8 { *x * 2 }");
        accepts(
            LIB,
            "fn a<'b>(x: *const u8) -> impl Sized + use<'b> { *x; }",
        );
    }

    #[test]
    fn clocks_and_io_in_pure_files() {
        rejects(
            "crates/wire/src/a.rs",
            "fn a() { Instant::now(); }",
            "argument",
        );
        rejects("crates/pack/src/a.rs", "use std::net::TcpStream;", "IO");
        accepts("crates/client/src/a.rs", "fn a() { Instant::now(); }");
        accepts(
            "crates/wire/src/a.rs",
            "#[cfg(test)] mod tests { fn a() { Instant::now(); } }",
        );
    }

    #[test]
    fn todo_marks_have_classes() {
        let mark = concat!("TO", "DO");
        rejects(LIB, &format!("// {mark}: later"), "class");
        rejects("a.go", &format!("func a() {{}} // {mark}: later"), "class");
        rejects("a.sh", &format!("# {mark} later"), "class");
        rejects(LIB, concat!("// FIX", "ME"), "correctness");
        accepts(LIB, &format!("// {mark}-correctness: later"));
        accepts("a.go", &format!("func a() {{ b(context.{mark}()) }}"));
        accepts(LIB, &format!("const A: &str = \"{mark}\";"));
    }

    #[test]
    fn module_files() {
        rejects("crates/a/src/b/mod.rs", "", "mod.rs");
        accepts("crates/a/src/b.rs", "");
    }

    #[test]
    fn places() {
        rejects("a.md", concat!("see /wo", "rk/x"), "machine");
        rejects("a.sh", concat!("cd /ro", "ot/"), "machine");
        rejects("a.yaml", concat!("x: \"/ho", "me/me/\""), "machine");
        rejects(
            "a.toml",
            concat!("x = \"https://crates", ".io/\""),
            "registry",
        );
        accepts("a.md", concat!("/homework/ and a/wo", "rk/b and ~/x"));
        accepts("Cargo.lock", concat!("crates", ".io"));
    }
}
