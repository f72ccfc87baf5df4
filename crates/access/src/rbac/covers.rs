//! Whether some rules let do all that other rules let do, and what is missing.
//!
//! The other rules are taken apart into single grants (one group, resource, verb and name, or one path and verb), one
//! at a time: nothing is laid out in memory but what is missing.

use super::rule::{Rule, has, has_or_all, url_covers};
use std::collections::{BTreeMap, BTreeSet};

/// How many single grants are looked at. A rule of 10 groups, 100 resources and 10 verbs has 10,000.
const GRANTS_MAX: usize = 500_000;

/// More single grants than the server is willing to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// A single grant.
#[derive(Debug, Clone, Copy)]
enum Grant<'a> {
    Resource {
        group: &'a str,
        resource: &'a str,
        name: Option<&'a str>,
        verb: &'a str,
    },
    Path {
        path: &'a str,
        verb: &'a str,
    },
}

/// What the owner's rules lack of the wanted ones, each as Kubernetes describes it, sorted. Empty: nothing.
pub(crate) fn missing(owned: &[Rule], wanted: &[Rule]) -> Result<Vec<String>, TooMany> {
    let grants = wanted.iter().map(count).fold(0, usize::saturating_add);
    if grants > GRANTS_MAX {
        return Err(TooMany);
    }
    let mut compact: BTreeMap<(&str, &str, Option<&str>), Vec<String>> = BTreeMap::new();
    let mut described = BTreeSet::new();
    for rule in wanted {
        for_each_grant(rule, |grant| {
            if owned.iter().any(|own| grant.is_covered(own)) {
                return;
            }
            match grant {
                Grant::Resource {
                    group,
                    resource,
                    name,
                    verb,
                } => compact
                    .entry((group, resource, name))
                    .or_default()
                    .push(verb.to_owned()),
                Grant::Path { path, verb } => {
                    let rule = Rule {
                        verbs: vec![verb.to_owned()],
                        non_resource_urls: vec![path.to_owned()],
                        ..Rule::default()
                    };
                    described.insert(rule.to_string());
                }
            }
        });
    }
    for ((group, resource, name), verbs) in compact {
        let rule = Rule {
            verbs,
            api_groups: vec![group.to_owned()],
            resources: vec![resource.to_owned()],
            resource_names: name.map(str::to_owned).into_iter().collect(),
            non_resource_urls: Vec::new(),
        };
        described.insert(rule.to_string());
    }
    Ok(described.into_iter().collect())
}

fn count(rule: &Rule) -> usize {
    let names = rule.resource_names.len().max(1);
    let of_resources = rule
        .api_groups
        .len()
        .saturating_mul(rule.resources.len())
        .saturating_mul(names);
    of_resources
        .saturating_add(rule.non_resource_urls.len())
        .saturating_mul(rule.verbs.len())
}

fn for_each_grant<'a>(rule: &'a Rule, mut each: impl FnMut(Grant<'a>)) {
    let any_name = [None];
    let names: Vec<Option<&str>> = match rule.resource_names.as_slice() {
        [] => any_name.to_vec(),
        names => names.iter().map(|name| Some(name.as_str())).collect(),
    };
    for group in &rule.api_groups {
        for resource in &rule.resources {
            for verb in &rule.verbs {
                for &name in &names {
                    each(Grant::Resource {
                        group,
                        resource,
                        name,
                        verb,
                    });
                }
            }
        }
    }
    for path in &rule.non_resource_urls {
        for verb in &rule.verbs {
            each(Grant::Path { path, verb });
        }
    }
}

impl Grant<'_> {
    fn is_covered(self, own: &Rule) -> bool {
        match self {
            Self::Resource {
                group,
                resource,
                name,
                verb,
            } => {
                has_or_all(&own.verbs, verb)
                    && has_or_all(&own.api_groups, group)
                    && resource_covered(&own.resources, resource)
                    && (own.resource_names.is_empty()
                        || name.is_some_and(|name| has(&own.resource_names, name)))
            }
            Self::Path { path, verb } => {
                has_or_all(&own.verbs, verb)
                    && own.resource_names.is_empty()
                    && own
                        .non_resource_urls
                        .iter()
                        .any(|url| url_covers(url, path))
            }
        }
    }
}

fn resource_covered(own: &[String], resource: &str) -> bool {
    let any_parent = |(_, subresource): (&str, &str)| {
        own.iter()
            .any(|own| own.strip_prefix("*/") == Some(subresource))
    };
    has_or_all(own, resource) || resource.split_once('/').is_some_and(any_parent)
}

#[cfg(test)]
mod tests {
    use super::{Rule, TooMany, missing};

    /// `groups|resources|names|verbs` or `paths|verbs`, lists with commas.
    fn rule(text: &str) -> Rule {
        let list = |text: &str| -> Vec<String> {
            if text.is_empty() {
                return Vec::new();
            }
            text.split(',')
                .map(|word| word.trim_matches('"').to_owned())
                .collect()
        };
        let parts: Vec<&str> = text.split('|').collect();
        match parts.as_slice() {
            [groups, resources, names, verbs] => Rule {
                api_groups: list(groups),
                resources: list(resources),
                resource_names: list(names),
                verbs: list(verbs),
                ..Rule::default()
            },
            [paths, verbs] => Rule {
                non_resource_urls: list(paths),
                verbs: list(verbs),
                ..Rule::default()
            },
            _ => panic!("{text}"),
        }
    }

    #[test]
    fn what_is_missing_is_told_as_kubernetes_does() {
        fn check(owned: &[&str], wanted: &[&str], expect: &[&str]) {
            let owned: Vec<Rule> = owned.iter().map(|text| rule(text)).collect();
            let wanted: Vec<Rule> = wanted.iter().map(|text| rule(text)).collect();
            let found = missing(&owned, &wanted);
            assert_eq!(
                found,
                Ok(expect.iter().map(|&text| text.to_owned()).collect())
            );
        }
        check(&["*|*||*"], &["a,b|c,d/e|f|g,h"], &[]);
        check(
            &["*|*||*"],
            &["/x|get"],
            &[r#"{NonResourceURLs:["/x"], Verbs:["get"]}"#],
        );
        check(&["*|*||*", "*|*"], &["/x,/y*|get,*"], &[]);
        check(
            &["\"\"|pods||get"],
            &["\"\"|pods,services||get,list"],
            &[
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["list"]}"#,
                r#"{APIGroups:[""], Resources:["services"], Verbs:["get" "list"]}"#,
            ],
        );
        check(
            &["a|b|x|get"],
            &["a|b||get", "a|b|x,y|get"],
            &[
                r#"{APIGroups:["a"], Resources:["b"], ResourceNames:["y"], Verbs:["get"]}"#,
                r#"{APIGroups:["a"], Resources:["b"], Verbs:["get"]}"#,
            ],
        );
        check(&["a|*/scale||get"], &["a|b/scale||get"], &[]);
        check(
            &["a|*/scale||get", "a|b/*||get"],
            &["a|b/status,b||get"],
            &[
                r#"{APIGroups:["a"], Resources:["b"], Verbs:["get"]}"#,
                r#"{APIGroups:["a"], Resources:["b/status"], Verbs:["get"]}"#,
            ],
        );
        check(
            &["/a/*|get"],
            &["/a/b,/a/*|get", "/a|get"],
            &[r#"{NonResourceURLs:["/a"], Verbs:["get"]}"#],
        );
        check(&["a|b||*"], &["a|b||*"], &[]);
        check(
            &["a|b||get,list"],
            &["a|b||*"],
            &[r#"{APIGroups:["a"], Resources:["b"], Verbs:["*"]}"#],
        );
        check(&[], &["a|||get", "|b||get", "a|b||"], &[]);
    }

    #[test]
    fn a_rule_that_multiplies_is_not_taken_apart() {
        let many: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        let wanted = Rule {
            verbs: many.clone(),
            api_groups: many.clone(),
            resources: many.clone(),
            resource_names: many,
            ..Rule::default()
        };
        assert_eq!(missing(&[], &[wanted.clone(), wanted]), Err(TooMany));
    }
}
