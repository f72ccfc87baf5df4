//! Semantic versions, as `blang/semver` reads and orders them.

use super::{no_overload, opaque::Opaque};
use crate::cel::{
    text::quoted,
    value::{Fault, Outcome, Value},
};
use std::{cmp::Ordering, sync::Arc};

/// A version. What is behind `+` is checked and forgotten: it has no part in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Semver {
    numbers: [u64; 3],
    pre: Vec<Pre>,
}

/// One part of a pre-release: numbers come before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    Number(u64),
    Word(String),
}

fn only_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

fn number(text: &str, what: &str) -> Result<u64, Fault> {
    if !text.bytes().all(|c| c.is_ascii_digit()) {
        return Err(Fault::new(format!(
            "Invalid character(s) found in {} number {}",
            what.to_lowercase(),
            quoted(text)
        )));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(Fault::new(format!(
            "{what} number must not contain leading zeroes {}",
            quoted(text)
        )));
    }
    text.parse().map_err(|_| {
        let reason = if text.is_empty() {
            "invalid syntax"
        } else {
            "value out of range"
        };
        Fault::new(format!(
            "strconv.ParseUint: parsing {}: {reason}",
            quoted(text)
        ))
    })
}

fn alphanumeric(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

fn pre(text: &str) -> Result<Pre, Fault> {
    if text.is_empty() {
        return Err(Fault::new("Prerelease is empty"));
    }
    if only_digits(text) {
        if text.len() > 1 && text.starts_with('0') {
            return Err(Fault::new(format!(
                "Numeric PreRelease version must not contain leading zeroes {}",
                quoted(text)
            )));
        }
        return text.parse().map(Pre::Number).map_err(|_| {
            Fault::new(format!(
                "strconv.ParseUint: parsing {}: value out of range",
                quoted(text)
            ))
        });
    }
    if !alphanumeric(text) {
        return Err(Fault::new(format!(
            "Invalid character(s) found in prerelease {}",
            quoted(text)
        )));
    }
    Ok(Pre::Word(text.to_owned()))
}

impl Semver {
    fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::new("Version string empty"));
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(Fault::new("No Major.Minor.Patch elements found"));
        };
        let major = number(major, "Major")?;
        let minor = number(minor, "Minor")?;
        let (rest, build) = match rest.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (rest, None),
        };
        let (patch, pre_text) = match rest.split_once('-') {
            Some((patch, pre)) => (patch, Some(pre)),
            None => (rest, None),
        };
        let patch = number(patch, "Patch")?;
        let pre = match pre_text {
            None => Vec::new(),
            Some(text) => text.split('.').map(pre).collect::<Result<_, _>>()?,
        };
        for part in build.into_iter().flat_map(|build| build.split('.')) {
            if part.is_empty() {
                return Err(Fault::new("Build meta data is empty"));
            }
            if !alphanumeric(part) {
                return Err(Fault::new(format!(
                    "Invalid character(s) found in build meta data {}",
                    quoted(part)
                )));
            }
        }
        Ok(Self {
            numbers: [major, minor, patch],
            pre,
        })
    }

    /// Also `v1.2` and `01.2.3`.
    fn parse_lenient(text: &str) -> Result<Self, Fault> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts: Vec<String> = text.splitn(3, '.').map(str::to_owned).collect();
        for part in &mut parts {
            if part.len() > 1 {
                let trimmed = part.trim_start_matches('0');
                let digit = trimmed.starts_with(|c: char| c.is_ascii_digit());
                *part = if digit {
                    trimmed.to_owned()
                } else {
                    format!("0{trimmed}")
                };
            }
        }
        if parts.len() < 3 && parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return Err(Fault::new(
                "short version cannot contain PreRelease/Build meta data",
            ));
        }
        parts.resize(3, "0".to_owned());
        Self::parse(&parts.join("."))
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => self.pre.cmp(&other.pre),
            }
        })
    }
}

pub(super) fn call<'a>(name: &str, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    if matches!(name, "semver" | "isSemver") {
        let parsed = match args {
            [Value::String(text)] => Semver::parse(text.as_str()),
            [Value::String(text), Value::Bool(lenient)] => {
                if *lenient {
                    Semver::parse_lenient(text.as_str())
                } else {
                    Semver::parse(text.as_str())
                }
            }
            _ => return Some(Err(no_overload(name, args))),
        };
        return Some(if name == "semver" {
            parsed.map(|version| Value::Opaque(Arc::new(Opaque::Semver(version))))
        } else {
            Ok(Value::Bool(parsed.is_ok()))
        });
    }
    let version = of(args.first()?)?;
    let int = |value: u64| Ok(Value::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    Some(match (name, args.get(1)) {
        ("major", None) => int(version.numbers[0]),
        ("minor", None) => int(version.numbers[1]),
        ("patch", None) => int(version.numbers[2]),
        (_, Some(other)) => {
            let order = version.compare(of(other)?);
            match name {
                "isGreaterThan" => Ok(Value::Bool(order == Ordering::Greater)),
                "isLessThan" => Ok(Value::Bool(order == Ordering::Less)),
                "compareTo" => Ok(Value::Int(order as i64)),
                _ => return None,
            }
        }
        _ => return None,
    })
}

fn of<'v>(value: &'v Value<'_>) -> Option<&'v Semver> {
    match value {
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Semver(version) => Some(version),
            _ => None,
        },
        _ => None,
    }
}
