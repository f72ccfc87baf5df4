//! Rule: every dependency has a licence that `deny.toml` allows, and no crate is there twice without a reason.
//!
//! Reads the two lists of `deny.toml` that it needs, so that cargo-deny and this check can't disagree.

use std::collections::{BTreeMap, BTreeSet};

use super::{Violation, metadata::Package};

pub(crate) const POLICY: &str = "deny.toml";
const RULE: &str = "dependency";

/// The lists of `deny.toml`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    licences: BTreeSet<String>,
    /// Crates that may be there in several versions: name, then the versions skipped.
    skipped: BTreeMap<String, BTreeSet<String>>,
}

impl Policy {
    /// Lines of `allow = [` under `[licenses]` and of `skip = [` under `[bans]`, one item each.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut policy = Self::default();
        let (mut section, mut key) = (String::new(), String::new());
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('[') && key.is_empty() {
                section = line.to_owned();
            } else if let Some(name) = line.strip_suffix(" = [") {
                name.clone_into(&mut key);
            } else if line == "]" {
                key.clear();
            } else if !line.is_empty() && !line.starts_with('#') {
                match (section.as_str(), key.as_str()) {
                    ("[licenses]", "allow") => {
                        policy
                            .licences
                            .insert(line.trim_end_matches(',').trim_matches('"').to_owned());
                    }
                    ("[bans]", "skip") => policy
                        .skip(line)
                        .map_err(|why| format!("{POLICY}:{}: {why}", at + 1))?,
                    _ => {}
                }
            }
        }
        Ok(policy)
    }

    /// `{ crate = "name@1.2.3", reason = "…" },`
    fn skip(&mut self, line: &str) -> Result<(), String> {
        let mut quoted = line.split('"').skip(1).step_by(2);
        let (name, version) = quoted
            .next()
            .and_then(|spec| spec.split_once('@'))
            .ok_or_else(|| {
                format!("expected `{{ crate = \"name@version\", reason = \"…\" }}`: {line}")
            })?;
        if quoted.next().is_none_or(|reason| reason.trim().is_empty()) {
            return Err(format!("say why `{name}` may be there twice"));
        }
        self.skipped
            .entry(name.to_owned())
            .or_default()
            .insert(version.to_owned());
        Ok(())
    }
}

pub(crate) fn check(packages: &[Package], policy: &Policy, found: &mut Vec<Violation>) {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages.iter().filter(|package| !package.member) {
        versions
            .entry(&package.name)
            .or_default()
            .insert(&package.version);
        if !Expression::new(&package.license).allowed(&policy.licences) {
            let advice = format!(
                "licence `{}` of {} {} isn't allowed",
                package.license, package.name, package.version
            );
            found.push(Violation::new(POLICY, 0, RULE, &advice));
        }
    }
    let none = BTreeSet::new();
    for (name, versions) in &versions {
        let skipped = policy.skipped.get(*name).unwrap_or(&none);
        let kept: Vec<&str> = versions
            .iter()
            .copied()
            .filter(|version| !skipped.contains(*version))
            .collect();
        if kept.len() > 1 {
            let advice = format!(
                "`{name}` is there as {}: unify, or skip one with a reason",
                kept.join(" and ")
            );
            found.push(Violation::new(POLICY, 0, RULE, &advice));
        }
    }
    for (name, skipped) in &policy.skipped {
        for version in skipped {
            let present = versions.get(name.as_str());
            if present
                .is_none_or(|present| present.len() < 2 || !present.contains(version.as_str()))
            {
                let advice =
                    format!("remove the skip of `{name}@{version}`: it is no duplicate any more");
                found.push(Violation::new(POLICY, 0, RULE, &advice));
            }
        }
    }
}

/// A licence expression: `MIT OR (Apache-2.0 AND ISC)`, `MIT/Apache-2.0`, `Apache-2.0 WITH LLVM-exception`.
struct Expression {
    tokens: Vec<String>,
    at: usize,
}

impl Expression {
    fn new(text: &str) -> Self {
        let text = text
            .replace('(', " ( ")
            .replace(')', " ) ")
            .replace('/', " OR ");
        Self {
            tokens: text.split_whitespace().map(str::to_owned).collect(),
            at: 0,
        }
    }

    fn allowed(mut self, licences: &BTreeSet<String>) -> bool {
        self.either(licences) && self.at == self.tokens.len()
    }

    fn take(&mut self, token: &str) -> bool {
        let here = self.tokens.get(self.at).is_some_and(|next| next == token);
        self.at += usize::from(here);
        here
    }

    fn either(&mut self, licences: &BTreeSet<String>) -> bool {
        let mut allowed = self.both(licences);
        while self.take("OR") {
            allowed |= self.both(licences);
        }
        allowed
    }

    fn both(&mut self, licences: &BTreeSet<String>) -> bool {
        let mut allowed = self.one(licences);
        while self.take("AND") {
            allowed &= self.one(licences);
        }
        allowed
    }

    fn one(&mut self, licences: &BTreeSet<String>) -> bool {
        if self.take("(") {
            let allowed = self.either(licences);
            return self.take(")") && allowed;
        }
        let Some(mut name) = self.tokens.get(self.at).cloned() else {
            return false; // no licence at all
        };
        self.at += 1;
        if self.take("WITH") {
            name = format!(
                "{name} WITH {}",
                self.tokens.get(self.at).map_or("", String::as_str)
            );
            self.at += 1;
        }
        // "Or later" includes the version named.
        licences.contains(name.trim_end_matches('+'))
    }
}

#[cfg(test)]
mod tests {
    use super::{Policy, check};
    use crate::tidy::metadata::Package;

    const TEXT: &str = "[bans]\nskip = [\n  # why\n  { crate = \"a@1.0.0\", reason = \"b wants it\" },\n]\n\
        [licenses]\nallow = [\n  \"MIT\",\n  \"ISC\",\n  \"Apache-2.0 WITH LLVM-exception\",\n]\n";

    /// A package is `name version licence`.
    fn complaints(packages: &[&str]) -> String {
        let packages: Vec<Package> = packages
            .iter()
            .map(|text| {
                let words: Vec<&str> = text.splitn(3, ' ').collect();
                Package {
                    name: words[0].to_owned(),
                    version: words[1].to_owned(),
                    license: words[2].to_owned(),
                    ..Package::default()
                }
            })
            .collect();
        let mut found = Vec::new();
        check(
            &packages,
            &Policy::parse(TEXT).expect("a policy"),
            &mut found,
        );
        found
            .iter()
            .map(|violation| violation.advice.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }

    const BOTH: [&str; 2] = ["a 1.0.0 MIT", "a 2.0.0 MIT"];

    #[test]
    fn accepts_allowed_licences() {
        for licence in [
            "ISC",
            "MIT+",
            "GPL-3.0 OR MIT",
            "GPL-3.0/MIT",
            "(GPL-3.0 OR MIT) AND ISC",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(
                complaints(&[BOTH[0], BOTH[1], &format!("c 1.0.0 {licence}")]),
                ""
            );
        }
    }

    #[test]
    fn rejects_other_licences() {
        for licence in ["GPL-3.0", "MIT AND GPL-3.0", "", "(MIT", "Apache-2.0"] {
            let complaints = complaints(&[BOTH[0], BOTH[1], &format!("c 1.0.0 {licence}")]);
            assert!(
                complaints.contains("isn't allowed"),
                "{licence}: {complaints}"
            );
        }
    }

    #[test]
    fn rejects_duplicates_without_a_reason() {
        assert!(
            complaints(&[BOTH[0], BOTH[1], "b 1.0.0 MIT", "b 2.0.0 MIT"])
                .contains("`b` is there as 1.0.0 and 2.0.0")
        );
        assert!(Policy::parse("[bans]\nskip = [\n{ crate = \"a@1\" },\n]").is_err());
        assert!(Policy::parse("[bans]\nskip = [\n\"a\",\n]").is_err());
    }

    #[test]
    fn rejects_stale_skips() {
        assert!(complaints(&["a 2.0.0 MIT"]).contains("remove the skip of `a@1.0.0`"));
    }
}
