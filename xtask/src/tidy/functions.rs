//! Finds functions and their lengths in Rust, Go and Python.
//!
//! A function's length is its lines from the signature to the closing brace, comments included.

use super::{
    lexer::{closing, is_word, line_of, words},
    source::{Language, Source},
};

/// One function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

pub(crate) fn functions(source: &Source) -> Vec<Function> {
    match source.language {
        Language::Rust => rust(&source.masked.code),
        Language::Go => go(&source.text),
        Language::Python => python(&source.text),
        Language::Shell | Language::Markdown | Language::Other => Vec::new(),
    }
}

fn rust(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for start in words(code, "fn") {
        let name: String = code[start + 2..]
            .trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let Some(open) = body(code, start).filter(|_| !name.is_empty()) else {
            continue; // a function pointer's type, or a declaration without body
        };
        let line = line_of(code, start);
        let last = line_of(code, closing(code, open).saturating_sub(1));
        found.push(Function {
            name,
            line,
            lines: last + 1 - line,
        });
    }
    found
}

/// The offset of the `{` that opens the body of the function at `start`.
fn body(code: &str, start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.checked_sub(1)?,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Formatted Go: a function begins and ends at the left margin.
fn go(text: &str) -> Vec<Function> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("func "))
    {
        let length = lines[at..]
            .iter()
            .position(|line| line.starts_with('}'))
            .map_or(1, |end| end + 1);
        let length = if line.ends_with('}') { 1 } else { length };
        found.push(Function {
            name: go_name(line),
            line: at + 1,
            lines: length,
        });
    }
    found
}

/// `Start` of `func (c *Cluster) Start(ctx …`.
fn go_name(line: &str) -> String {
    let rest = line.trim_start_matches("func ");
    let rest = if rest.starts_with('(') {
        rest.split_once(") ").map_or("", |(_, rest)| rest)
    } else {
        rest
    };
    rest.bytes()
        .take_while(|byte| is_word(*byte))
        .map(char::from)
        .collect()
}

/// A function ends before the next line that is indented no deeper than its `def`.
fn python(text: &str) -> Vec<Function> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    for (at, line) in lines.iter().enumerate() {
        let Some(rest) = line
            .trim_start()
            .trim_start_matches("async ")
            .strip_prefix("def ")
        else {
            continue;
        };
        let mut last = at;
        for (next, line) in lines
            .iter()
            .enumerate()
            .skip(at + 1)
            .filter(|(_, line)| !line.trim().is_empty())
        {
            // The closing bracket of a long signature stands under its `def`.
            if indent(line) <= indent(lines[at]) && !line.trim_start().starts_with(')') {
                break;
            }
            last = next;
        }
        let name = rest
            .bytes()
            .take_while(|byte| is_word(*byte))
            .map(char::from)
            .collect();
        found.push(Function {
            name,
            line: at + 1,
            lines: last + 1 - at,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::functions;
    use crate::tidy::source::Source;

    fn check(path: &str, text: &str, expect: &str) {
        let found = functions(&Source::new(path, text));
        let shown: Vec<String> = found
            .iter()
            .map(|function| format!("{}@{}:{}", function.name, function.line, function.lines))
            .collect();
        assert_eq!(shown.join(" "), expect);
    }

    #[test]
    fn rust_functions() {
        check(
            "a.rs",
            "fn a() {}\n\npub fn b<'a>(x: &'a [u8; 3])\nwhere\n{\n  \"}\" // }\n}",
            "a@1:1 b@3:5",
        );
        check("a.rs", "trait T { fn a(&self); fn b(&self) {\n} }", "b@1:2");
        check(
            "a.rs",
            "type F = fn(u8) -> u8;\nfn a(f: fn(u8)) {\n}",
            "a@2:2",
        );
        check("a.rs", "fn a() {\n  fn b() {\n  }\n}", "a@1:4 b@2:2");
    }

    #[test]
    fn go_functions() {
        check(
            "a.go",
            "func a() {\n\tb()\n}\n\nfunc (c *C) d() int { return 1 }\n",
            "a@1:3 d@5:1",
        );
    }

    #[test]
    fn python_functions() {
        check(
            "a.py",
            "def a(\n  b,\n):\n    c\n\n    d\n\n\nclass E:\n    def f(self):\n        g\n",
            "a@1:6 f@10:2",
        );
    }
}
