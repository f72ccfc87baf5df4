//! Finds the collection that a word means, as `kubectl get WORD` would.
//!
//! Does no IO. Like kubectl: categories first, then plural and singular names, then short names, then
//! kinds; among equals the core group, then the server's order of groups, then the preferred
//! version. Beyond kubectl: case never matters, a kind is found in any group, a short name keeps a
//! given version, and `pods.v1` means core `v1`.

use std::collections::HashSet;

use super::{Discovery, suggest};
use crate::resource::Resource;

/// Why a word means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nothing has this name. If some group versions could not be read, it may be among those.
    #[error(
        "the server doesn't have a resource type {resource:?}{}{}{}",
        place(group),
        hint(suggestion.as_deref()),
        gaps(unread)
    )]
    Unknown {
        /// The name, as given.
        resource: String,
        /// What was given after it: group, or version and group. May be empty.
        group: String,
        /// A name that looks like it.
        suggestion: Option<String>,
        /// The group versions that could not be read.
        unread: Vec<String>,
    },
}

/// A word taken apart, in lower case. An empty version or group means any.
#[derive(Debug, Clone, Copy)]
struct Name<'a> {
    resource: &'a str,
    version: &'a str,
    group: &'a str,
}

pub(super) fn resolve(discovery: &Discovery, text: &str) -> Result<Vec<Resource>, ResolveError> {
    let category = category(discovery, text);
    if !category.is_empty() {
        return Ok(category);
    }
    let lower = text.to_ascii_lowercase();
    let readings = readings(&lower);
    let by_name = readings.iter().find_map(|name| find(discovery, name));
    let found = by_name.or_else(|| readings.iter().find_map(|name| find_kind(discovery, name)));
    found
        .map(|resource| vec![resource.clone()])
        .ok_or_else(|| unknown(discovery, text))
}

/// `a.b.c` is resource, version and group, or else resource and group `b.c`.
fn readings(text: &str) -> Vec<Name<'_>> {
    let mut readings = Vec::with_capacity(3);
    let parts: Vec<&str> = text.splitn(3, '.').collect();
    if let [resource, version, group] = parts[..] {
        readings.push(Name {
            resource,
            version,
            group,
        });
    }
    let (resource, group) = text.split_once('.').unwrap_or((text, ""));
    readings.push(Name {
        resource,
        version: "",
        group,
    });
    if is_version(group) {
        readings.push(Name {
            resource,
            version: group,
            group: "",
        });
    }
    readings
}

/// `v1`, `v2beta1`, `v1alpha3`.
fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else {
        return false;
    };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match rest.split_once("alpha").or_else(|| rest.split_once("beta")) {
        Some((major, minor)) => number(major) && number(minor),
        None => number(rest),
    }
}

fn category(discovery: &Discovery, text: &str) -> Vec<Resource> {
    let mut seen = HashSet::new();
    discovery
        .resources()
        .filter(|resource| resource.categories.iter().any(|category| category == text))
        .filter(|resource| seen.insert((&resource.group, &resource.plural)))
        .cloned()
        .collect()
}

/// By plural or singular name, else by short name.
fn find<'a>(discovery: &'a Discovery, name: &Name<'_>) -> Option<&'a Resource> {
    let named = |resource: &Resource, name: &Name<'_>| {
        (resource.plural.eq_ignore_ascii_case(name.resource)
            || resource.singular.eq_ignore_ascii_case(name.resource))
            && allows(name.version, &resource.version)
    };
    let exact = |resource: &&Resource| named(resource, name) && allows(name.group, &resource.group);
    if let Some(found) = discovery.resources().find(exact) {
        return Some(found);
    }
    let short = |resource: &&Resource| {
        resource
            .short_names
            .iter()
            .any(|short| short.eq_ignore_ascii_case(name.resource))
            && allows(name.version, &resource.version)
    };
    let short_exact = |resource: &&Resource| short(resource) && allows(name.group, &resource.group);
    let prefix =
        |resource: &&Resource| !name.group.is_empty() && resource.group.starts_with(name.group);
    let short_prefix = |resource: &&Resource| short(resource) && prefix(resource);
    let prefixed = |resource: &&Resource| named(resource, name) && prefix(resource);
    let resources = || discovery.resources();
    resources()
        .find(short_exact)
        .or_else(|| resources().find(short_prefix))
        .or_else(|| resources().find(prefixed))
}

fn find_kind<'a>(discovery: &'a Discovery, name: &Name<'_>) -> Option<&'a Resource> {
    discovery.resources().find(|resource| {
        resource.kind.eq_ignore_ascii_case(name.resource)
            && allows(name.version, &resource.version)
            && allows(name.group, &resource.group)
    })
}

fn allows(wanted: &str, found: &str) -> bool {
    wanted.is_empty() || wanted == found
}

fn unknown(discovery: &Discovery, text: &str) -> ResolveError {
    let (resource, group) = text.split_once('.').unwrap_or((text, ""));
    let nearest = suggest::nearest(discovery.resources(), resource);
    let suggestion = nearest.map(|found| match (group, found.group.as_str()) {
        ("", _) | (_, "") => found.plural.clone(),
        (_, group) => format!("{}.{group}", found.plural),
    });
    ResolveError::Unknown {
        resource: resource.to_owned(),
        group: group.to_owned(),
        suggestion,
        unread: discovery
            .failures()
            .map(|failure| failure.group_version.clone())
            .collect(),
    }
}

fn place(group: &str) -> String {
    if group.is_empty() {
        String::new()
    } else {
        format!(" in group {group:?}")
    }
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion
        .map(|name| format!("; did you mean {name:?}?"))
        .unwrap_or_default()
}

fn gaps(unread: &[String]) -> String {
    if unread.is_empty() {
        String::new()
    } else {
        format!(" (could not be read: {})", unread.join(", "))
    }
}
