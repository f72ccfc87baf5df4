//! Label selectors, in the syntax that `kubectl -l` takes, matched against cached labels.

use crate::labels::Labels;
use std::{fmt, str::FromStr};

/// A label selector: every requirement must hold. The empty selector matches everything.
///
/// Syntax: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas.
/// As in Kubernetes, `!=` and `notin` also match objects that lack the label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
}

/// Why a text is not a label selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("label selector {text:?}: {reason}")]
pub struct SelectorError {
    text: String,
    reason: String,
}

impl Selector {
    /// Matches every object.
    pub fn everything() -> Self {
        Self::default()
    }

    /// One required value of one label, the commonest selector.
    pub fn label(key: impl Into<String>, value: impl Into<String>) -> Self {
        let test = Test::In(vec![value.into()]);
        let key = key.into();
        Self {
            requirements: vec![Requirement { key, test }],
        }
    }

    /// True if all requirements hold for `labels`.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.holds(labels))
    }

    /// True if there is no requirement.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }
}

impl Requirement {
    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match &self.test {
            Test::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
        }
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let fail = |reason: String| SelectorError {
            text: text.to_owned(),
            reason,
        };
        let requirements = split_outside_parentheses(text)
            .map_err(fail)?
            .into_iter()
            .map(|part| parse_requirement(part).map_err(fail))
            .collect::<Result<_, _>>()?;
        Ok(Self { requirements })
    }
}

fn split_outside_parentheses(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let (mut start, mut inside) = (0, false);
    if text.trim().is_empty() {
        return Ok(parts);
    }
    for (at, character) in text.char_indices() {
        match character {
            '(' if inside => return Err("a second '(' before ')'".to_owned()),
            '(' => inside = true,
            ')' if !inside => return Err("')' without '('".to_owned()),
            ')' => inside = false,
            ',' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if inside {
        return Err("'(' without ')'".to_owned());
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn parse_requirement(part: &str) -> Result<Requirement, String> {
    let part = part.trim();
    let make = |key: &str, test: Test| {
        check_key(key.trim())?;
        Ok(Requirement {
            key: key.trim().to_owned(),
            test,
        })
    };
    if let Some((head, values)) = part.split_once('(') {
        let values = parse_values(values)?;
        let head = head.trim();
        return if let Some(key) = head.strip_suffix(" notin") {
            make(key, Test::NotIn(values))
        } else if let Some(key) = head.strip_suffix(" in") {
            make(key, Test::In(values))
        } else {
            Err(format!(
                "expected `KEY in (…)` or `KEY notin (…)`, found {part:?}"
            ))
        };
    }
    if let Some((key, value)) = part.split_once("!=") {
        return make(key, Test::NotIn(vec![parse_value(value)?]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return make(key, Test::In(vec![parse_value(value)?]));
    }
    match part.strip_prefix('!') {
        Some(key) => make(key, Test::Missing),
        None => make(part, Test::Exists),
    }
}

fn parse_values(list: &str) -> Result<Vec<String>, String> {
    let Some((inner, "")) = list
        .split_once(')')
        .map(|(inner, rest)| (inner, rest.trim()))
    else {
        return Err("unexpected text after ')'".to_owned());
    };
    inner.split(',').map(parse_value).collect()
}

/// Kubernetes' rule for label values: at most 63 characters of `[A-Za-z0-9._-]`.
fn parse_value(value: &str) -> Result<String, String> {
    let value = value.trim();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if value.len() > 63 || !value.bytes().all(allowed) {
        return Err(format!("{value:?} is not a label value"));
    }
    Ok(value.to_owned())
}

/// Kubernetes' rule for label keys: an optional DNS prefix and `/`, then a name of at most 63 characters.
fn check_key(key: &str) -> Result<(), String> {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    if name.is_empty() || name.len() > 63 || key.len() > 317 || !key.bytes().all(allowed) {
        return Err(format!("{key:?} is not a label key"));
    }
    Ok(())
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Requirement { key, test }) in self.requirements.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match test {
                Test::In(values) if values.len() == 1 => write!(f, "{key}={}", values.join(","))?,
                Test::NotIn(values) if values.len() == 1 => {
                    write!(f, "{key}!={}", values.join(","))?
                }
                Test::In(values) => write!(f, "{key} in ({})", values.join(","))?,
                Test::NotIn(values) => write!(f, "{key} notin ({})", values.join(","))?,
                Test::Exists => f.write_str(key)?,
                Test::Missing => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Labels, Selector};

    #[track_caller]
    fn check(selector: &str, labels: &str, matches: bool) {
        let pairs = labels
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='));
        let labels = Labels::pack(
            pairs
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        );
        let selector: Selector = selector.parse().expect("a selector");
        assert_eq!(
            selector.matches(&labels),
            matches,
            "{selector} on {labels:?}"
        );
        assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector));
    }

    #[test]
    fn selectors_match_as_in_kubernetes() {
        check("", "a=1", true);
        check("a=1", "a=1", true);
        check("a==1", "a=2", false);
        check("a!=1", "a=1", false);
        check("a!=1", "b=1", true);
        check("a=1,b=2", "a=1 b=2", true);
        check("a=1,b=2", "a=1", false);
        check("a in (1, 2)", "a=2", true);
        check("a in (1,2)", "b=1", false);
        check("a notin (1,2)", "a=3", true);
        check("a notin (1,2),!c", "b=1", true);
        check("a notin (1,2),!c", "c=1", false);
        check("app.kubernetes.io/name", "app.kubernetes.io/name=x", true);
        check("!a", "a=1", false);
        check("a=", "a=", true);
    }

    #[test]
    fn broken_selectors_say_why() {
        for (text, reason) in [
            ("a in 1", "not a label key"),
            ("a in (1", "without ')'"),
            ("a) in", "without '('"),
            ("a=b=c", "not a label value"),
            (",", "not a label key"),
            ("a foo (1)", "expected"),
            ("a=\u{e9}", "not a label value"),
            ("a in ((1))", "second"),
        ] {
            let error = text.parse::<Selector>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
