//! Differences between two lists of normalised steps, and the list of those that are known and explained.

use std::fmt::{self, Display};

use serde_json::Value;

/// How many differences of one sequence are told.
const TOLD_MAX: usize = 12;

/// One place where answers differ.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) id: String,
    pub(crate) step: String,
    pub(crate) path: String,
    pub(crate) expected: Option<Value>,
    pub(crate) got: Option<Value>,
}

/// Sequences and places in them that are known to differ, and why.
#[derive(Debug)]
pub(crate) struct Known {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    line: usize,
    id: String,
    step: String,
    path: String,
    used: bool,
}

impl Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| match value {
            None => "nothing".to_owned(),
            Some(value) => {
                let text = value.to_string();
                let end = text
                    .char_indices()
                    .nth(600)
                    .map_or(text.len(), |(at, _)| at);
                text[..end].to_owned()
            }
        };
        writeln!(formatter, "    {} | {}", self.step, self.path)?;
        writeln!(formatter, "      expected {}", show(&self.expected))?;
        writeln!(formatter, "      got      {}", show(&self.got))
    }
}

/// All differences, in order.
pub(crate) fn differences(id: &str, expected: &[Value], got: &[Value]) -> Vec<Difference> {
    let mut found = Vec::new();
    for at in 0..expected.len().max(got.len()) {
        let (expected, got) = (expected.get(at), got.get(at));
        let step = expected
            .or(got)
            .and_then(|it| it["step"].as_str())
            .unwrap_or_default();
        let step = format!("{}. {step}", at + 1);
        let mut report = |path: &str, expected: Option<&Value>, got: Option<&Value>| {
            found.push(Difference {
                id: id.to_owned(),
                step: step.clone(),
                path: path.to_owned(),
                expected: expected.cloned(),
                got: got.cloned(),
            });
        };
        walk("", expected, got, &mut report);
    }
    found
}

type Report<'a> = dyn FnMut(&str, Option<&Value>, Option<&Value>) + 'a;

fn walk(path: &str, expected: Option<&Value>, got: Option<&Value>, report: &mut Report<'_>) {
    match (expected, got) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let inner = match path {
                    "" => key.clone(),
                    _ => format!("{path}.{key}"),
                };
                walk(&inner, a.get(key), b.get(key), report);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                walk(&format!("{path}[{at}]"), a.get(at), b.get(at), report);
            }
        }
        _ if expected != got => report(path, expected, got),
        _ => {}
    }
}

/// A report of some sequences' differences, for people.
pub(crate) fn report(found: &[Difference]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(first) = found.get(at) {
        let here: Vec<&Difference> = found[at..]
            .iter()
            .take_while(|it| it.id == first.id)
            .collect();
        out.push_str(&format!("{}\n", first.id));
        for difference in here.iter().take(TOLD_MAX) {
            out.push_str(&difference.to_string());
        }
        if here.len() > TOLD_MAX {
            out.push_str(&format!("    and {} more\n", here.len() - TOLD_MAX));
        }
        at += here.len();
    }
    out
}

impl Known {
    /// Reads lines `id | step | path`, each part with `*` for anything. What stands on the lines before with `#` is
    /// the reason, which must not be missing.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        let mut explained = false;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('#') {
                explained = true;
            } else if line.is_empty() {
                explained = false;
            } else {
                let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
                let &[id, step, path] = parts.as_slice() else {
                    return Err(format!("line {}: not `id | step | path`", at + 1));
                };
                if !explained {
                    return Err(format!("line {}: no reason in the lines before", at + 1));
                }
                entries.push(Entry {
                    line: at + 1,
                    id: id.to_owned(),
                    step: step.to_owned(),
                    path: path.to_owned(),
                    used: false,
                });
            }
        }
        Ok(Self { entries })
    }

    /// Takes out what is known.
    pub(crate) fn unknown(&mut self, found: Vec<Difference>) -> Vec<Difference> {
        let mut rest = Vec::new();
        for difference in found {
            let mut known = false;
            for entry in &mut self.entries {
                if entry.explains(&difference) {
                    entry.used = true;
                    known = true;
                }
            }
            if !known {
                rest.push(difference);
            }
        }
        rest
    }

    /// Lines that explained nothing.
    pub(crate) fn unused(&self) -> Vec<usize> {
        self.entries
            .iter()
            .filter(|entry| !entry.used)
            .map(|entry| entry.line)
            .collect()
    }
}

impl Entry {
    fn explains(&self, difference: &Difference) -> bool {
        matches(&self.id, &difference.id)
            && matches(&self.step, &difference.step)
            && matches(&self.path, &difference.path)
    }
}

/// Whether a text has this form, with `*` for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Known, differences, matches};

    #[test]
    fn patterns() {
        for (pattern, text, expect) in [
            ("a*", "abc", true),
            ("*", "", true),
            ("a", "ab", false),
            ("*c", "abc", true),
            ("a*c*e", "abcde", true),
            ("a*b", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
        }
    }

    #[test]
    fn places_of_differences() {
        let check = |a: serde_json::Value, b: serde_json::Value, expect: &str| {
            let found = differences("x", &[a], &[b]);
            let paths: Vec<&str> = found.iter().map(|it| it.path.as_str()).collect();
            assert_eq!(paths.join(" "), expect);
        };
        check(json!({"a": [1, 2]}), json!({"a": [1, 2]}), "");
        check(
            json!({"a": [1, {"b": 2}]}),
            json!({"a": [1, {"b": 3}, 4]}),
            "a[1].b a[2]",
        );
        check(json!({"a": 1}), json!({"b": 1}), "a b");
    }

    #[test]
    fn known_ones_need_a_reason_and_a_use() {
        let found = || {
            differences(
                "f: s",
                &[json!({"step": "GET", "a": 1})],
                &[json!({"step": "GET", "a": 2})],
            )
        };
        let mut known =
            Known::parse("# it is so\nf: * | 1. GET | a\nf: t | * | *").expect("a list");
        assert!(known.unknown(found()).is_empty());
        assert_eq!(known.unused(), [3]);
        assert!(Known::parse("f | s | p").is_err());
        assert!(Known::parse("# r\nf | s").is_err());
    }
}
