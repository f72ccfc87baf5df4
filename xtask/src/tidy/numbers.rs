//! The numbers of the code base, and the limits that some of them have.
//!
//! Counts production Rust (no tests, no examples) unless a line says otherwise.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display},
};

use super::{
    Violation,
    functions::functions,
    lexer::words,
    metadata::Package,
    source::{Language, Role, Source},
};

const RULE: &str = "number";
const DIRECT_MAX: usize = 80;
const LOCKED_MAX: usize = 450;

/// What tidy prints.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// Lengths in lines, ascending.
    files: Vec<usize>,
    longest_file: String,
    functions: Vec<usize>,
    longest_function: String,
    /// Production lines of each package.
    packages: BTreeMap<String, usize>,
    unwraps: usize,
    expects: usize,
    unsafes: usize,
    asserts: usize,
    tests: usize,
    /// Names of crates from outside that some manifest of ours asks for.
    direct: usize,
    locked: usize,
}

impl Numbers {
    pub(crate) fn new(sources: &[Source], packages: &[Package], lock: &str) -> Self {
        let mut numbers = Self::default();
        for source in sources
            .iter()
            .filter(|source| source.language == Language::Rust)
        {
            numbers.add(source);
        }
        numbers.files.sort_unstable();
        numbers.functions.sort_unstable();
        let members: BTreeSet<&str> = packages
            .iter()
            .filter(|package| package.member)
            .map(|package| package.name.as_str())
            .collect();
        let direct: BTreeSet<&str> = packages
            .iter()
            .filter(|package| package.member)
            .flat_map(|package| &package.dependencies)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| !members.contains(name))
            .collect();
        numbers.direct = direct.len();
        numbers.locked = lock
            .lines()
            .filter(|line| *line == "[[package]]")
            .count()
            .saturating_sub(members.len());
        numbers
    }

    fn add(&mut self, source: &Source) {
        self.tests += tests(&source.masked.code);
        if !matches!(source.role, Role::Library | Role::Binary) {
            return;
        }
        let count = |needle: &str| {
            words(&source.masked.code, needle)
                .into_iter()
                .filter(|at| source.is_production(*at))
                .count()
        };
        self.unwraps += count(".unwrap()");
        self.expects += count(".expect(\"");
        self.unsafes += count("unsafe");
        self.asserts += [
            "assert!(",
            "assert_eq!(",
            "debug_assert!(",
            "debug_assert_eq!(",
        ]
        .map(count)
        .iter()
        .sum::<usize>();
        let lines = source.text.lines().count();
        if self.files.iter().all(|other| *other < lines) {
            self.longest_file = source.path.clone();
        }
        self.files.push(lines);
        for function in functions(source) {
            if self.functions.iter().all(|other| *other < function.lines) {
                self.longest_function = format!("{} in {}", function.name, source.path);
            }
            self.functions.push(function.lines);
        }
        let in_tests: usize = source
            .tests
            .iter()
            .map(|range| source.text[range.clone()].lines().count())
            .sum();
        *self
            .packages
            .entry(source.package().to_owned())
            .or_default() += lines.saturating_sub(in_tests);
    }

    pub(crate) fn check(&self, found: &mut Vec<Violation>) {
        for (what, count, limit) in [
            ("direct", self.direct, DIRECT_MAX),
            ("locked", self.locked, LOCKED_MAX),
        ] {
            if count > limit {
                let advice = format!("{count} {what} dependencies; at most {limit}");
                found.push(Violation::new("Cargo.lock", 0, RULE, &advice));
            }
        }
    }

    fn lines(&self) -> usize {
        self.packages.values().sum()
    }

    /// The largest package, and how many percent of all lines it has.
    fn largest(&self) -> (&str, usize) {
        let largest = self.packages.iter().max_by_key(|(_, lines)| **lines);
        largest.map_or(("none", 0), |(name, lines)| {
            (name.as_str(), lines * 100 / self.lines().max(1))
        })
    }
}

/// Attributes that make a function a test: `#[test]`, `#[tokio::test]`, `#[tokio::test(…)]`.
fn tests(code: &str) -> usize {
    ["#[test]", "::test]", "::test("]
        .iter()
        .map(|needle| code.matches(needle).count())
        .sum()
}

/// The value below which `percent` of the ascending values lie.
fn percentile(values: &[usize], percent: usize) -> usize {
    let last = values.len().saturating_sub(1);
    values.get(last * percent / 100).copied().unwrap_or(0)
}

fn spread(values: &[usize]) -> String {
    let [median, most, max] = [50, 90, 100].map(|percent| percentile(values, percent));
    format!("{median} / {most} / {max}")
}

/// `count` per thousand `lines`, in tenths, without floating point.
fn per_thousand(count: usize, lines: usize) -> String {
    let tenths = (count * 10_000).checked_div(lines).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}

impl Display for Numbers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        let mut row = |name: &str, value: &str, note: &str| {
            writeln!(
                formatter,
                "{}",
                format!("{name:<38}{value:<16}{note}").trim_end()
            )
        };
        row("production lines", &lines.to_string(), "")?;
        let (name, length) = ("file length, median / p90 / max", spread(&self.files));
        row(name, &length, &self.longest_file)?;
        let (name, length) = (
            "function length, median / p90 / max",
            spread(&self.functions),
        );
        row(name, &length, &self.longest_function)?;
        let (largest, share) = self.largest();
        row("largest crate", &format!("{share} %"), largest)?;
        row("unsafe", &self.unsafes.to_string(), "")?;
        row("unwrap()", &self.unwraps.to_string(), "")?;
        row(
            "expect() per 1,000 lines",
            &per_thousand(self.expects, lines),
            "",
        )?;
        row(
            "assertions per 1,000 lines",
            &per_thousand(self.asserts, lines),
            "",
        )?;
        let note = format!("{} tests", self.tests);
        row(
            "tests per 1,000 lines",
            &per_thousand(self.tests, lines),
            &note,
        )?;
        let limit = |max: usize| format!("at most {max}");
        row(
            "dependencies, direct",
            &self.direct.to_string(),
            &limit(DIRECT_MAX),
        )?;
        row(
            "dependencies, locked",
            &self.locked.to_string(),
            &limit(LOCKED_MAX),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Numbers, per_thousand, percentile};
    use crate::tidy::{
        metadata::{Dependency, Package},
        source::Source,
    };

    fn numbers(dependencies: usize, locked: usize) -> Numbers {
        let sources = [
            Source::new(
                "crates/a/src/lib.rs",
                "//! A.\nfn a() {\n  b.expect(\"invariant: c\")\n}\n#[cfg(test)]\nmod tests {\n  #[test]\n  fn d() { e.unwrap() }\n}\n",
            ),
            Source::new(
                "crates/a/tests/f.rs",
                "#[tokio::test]\nasync fn g() {}\n#[tokio::test(x)]\nasync fn h() {}\n",
            ),
        ];
        let dependencies = (0..dependencies)
            .map(|n| Dependency {
                name: format!("d{n}"),
                dev: false,
            })
            .collect();
        let package = Package {
            name: "a".to_owned(),
            member: true,
            dependencies,
            ..Package::default()
        };
        Numbers::new(&sources, &[package], &"[[package]]\n".repeat(locked + 1))
    }

    #[test]
    fn counts_production_code() {
        let numbers = numbers(3, 7);
        assert_eq!(numbers.lines(), 4);
        assert_eq!((numbers.unwraps, numbers.expects, numbers.tests), (0, 1, 3));
        assert_eq!((numbers.direct, numbers.locked), (3, 7));
        assert!(
            numbers
                .to_string()
                .contains("tests per 1,000 lines                 750.0")
        );
    }

    #[test]
    fn limits_dependencies() {
        let complaints = |direct, locked| {
            let mut found = Vec::new();
            numbers(direct, locked).check(&mut found);
            found.len()
        };
        assert_eq!(complaints(80, 450), 0);
        assert_eq!(complaints(81, 450), 1);
        assert_eq!(complaints(81, 451), 2);
    }

    #[test]
    fn arithmetic() {
        assert_eq!(percentile(&[], 50), 0);
        assert_eq!(percentile(&[1, 2, 3], 50), 2);
        assert_eq!(percentile(&[1, 2, 3], 100), 3);
        assert_eq!(per_thousand(1, 0), "0.0");
        assert_eq!(per_thousand(3, 2000), "1.5");
    }
}
